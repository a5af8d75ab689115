// Every task of the switch machine may fail, once or for good, before or after it has acted: the switch is done, or all is
// where it started, and no tag's repo is asked for more than once in a direction.

import { describe, expect, it } from "vitest";
import { allStates, mirrorMachines, readDefinition } from "../../sandbox/machines/index.ts";
import { type Around, NEW, OLD, openSwitchWorld, REPO, type SwitchWorld, TAGS } from "./switch-world.ts";

const FORWARD = ["Begin", "Edit", "Regenerate", "Look", "Confirm", "End"];
const BACK = ["UndoEdit", "UndoRegenerate", "UndoLook", "EndAfterFailure"];

class Broken extends Error {
  override readonly name = "Broken";
}

/** A call of the way back has a failure in its progress. */
function stateOf(name: string, event: unknown): string {
  const step = name.replace("Switch", "");
  const isBack =
    typeof event === "object" &&
    event !== null &&
    "progress" in event &&
    typeof event.progress === "object" &&
    event.progress !== null &&
    "error" in event.progress;
  if (!isBack) return step;
  return step === "End" ? "EndAfterFailure" : `Undo${step}`;
}

/** `times`: by state; what is not there never fails. */
function breaking(times: Record<string, number>, when: "before" | "after"): Around {
  return async (name, event, run) => {
    const state = stateOf(name, event);
    const left = times[state] ?? 0;
    if (left === 0) return await run();
    times[state] = left - 1;
    if (when === "after") await run();
    throw new Broken(`${state} broke`);
  };
}

function expectOneOf(world: SwitchWorld): void {
  const { hub, writes } = world;
  expect([OLD, NEW]).toContain(hub.externalRepo(REPO).url);
  // What builds take is what the hub says.
  expect(world.takenFrom()).toEqual([hub.externalRepo(REPO).url]);
  const edits = writes.filter((method) => method === "editExternalRepo").length;
  expect(edits).toBeLessThanOrEqual(2);
  expect(writes.filter((method) => method === "repo.request").length).toBeLessThanOrEqual(edits * TAGS.length);
}

it("has its tasks from the file", () => {
  const { text } = mirrorMachines().SwitchMachine;
  const names = Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => [name, name]));
  const tasks = [...allStates(readDefinition(text, names))].filter(([, { Type }]) => Type === "Task");
  expect(tasks.map(([name]) => name).toSorted()).toEqual([...FORWARD, ...BACK].toSorted());
});

describe.each(FORWARD)("%s", (state) => {
  it.each(["before", "after"] as const)("that fails once %s it has acted is tried again", async (when) => {
    const times = { [state]: 1 };
    const world = openSwitchWorld({ around: breaking(times, when) });
    expect((await world.run()).status).toBe("SUCCEEDED");
    expect(times[state]).toBe(0);
    expectOneOf(world);
    expect(world.takenFrom()).toEqual([NEW]);
    expect(await world.record()).toMatchObject({ value: { state: "done" } });
  });

  it.each(["before", "after"] as const)("that fails for good %s it has acted", async (when) => {
    const world = openSwitchWorld({ around: breaking({ [state]: 100 }, when) });
    const { status, why } = await world.run();
    expect(why).toContain(`${state} broke`);
    expectOneOf(world);
    const kept = await world.record();
    if (state === "End") {
      // All was confirmed: it is written down at the second attempt.
      expect([status, kept?.value.state, world.takenFrom()]).toEqual(["SUCCEEDED", "done", [NEW]]);
    } else {
      expect([status, world.takenFrom()]).toEqual(["FAILED", [OLD]]);
      expect(kept?.value.state).toBe(state === "Begin" && when === "before" ? undefined : "undone");
    }
  });
});

describe.each(BACK)("%s, after Confirm has failed,", (state) => {
  it.each(["before", "after"] as const)("that fails once %s it has acted is tried again", async (when) => {
    const broken = breaking({ [state]: 1 }, when);
    const world = openSwitchWorld({
      around: (name, event, run) =>
        stateOf(name, event) === "Confirm" ? Promise.reject(new Broken("no")) : broken(name, event, run),
    });
    expect((await world.run()).status).toBe("FAILED");
    expectOneOf(world);
    expect(world.takenFrom()).toEqual([OLD]);
    expect(await world.record()).toMatchObject({ value: { state: "undone" } });
  });

  it.each(["before", "after"] as const)("that fails for good %s it has acted is told", async (when) => {
    const broken = breaking({ [state]: 100 }, when);
    const world = openSwitchWorld({
      around: (name, event, run) =>
        stateOf(name, event) === "Confirm" ? Promise.reject(new Broken("no")) : broken(name, event, run),
    });
    expect((await world.run()).status).toBe("FAILED");
    const { value } = (await world.record()) ?? {};
    if (state === "EndAfterFailure") {
      // All is back, and only that could not be written down, or not be heard to be.
      expect(world.takenFrom()).toEqual([OLD]);
      expect(value?.state).toBe(when === "after" ? "undone" : "undoing");
      return;
    }
    expect(value?.state).toBe("failed");
    // What a person types now: to take the address back, or to have repos of it.
    const isEdited = world.hub.externalRepo(REPO).url === NEW;
    expect(value?.notes.at(-1)).toContain(isEdited ? `--url='${OLD}' ${REPO}` : `koji regen-repo --nowait ${TAGS[0]}`);
  });
});
