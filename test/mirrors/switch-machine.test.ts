// The switch machine from its file, over the sandbox's hub: the new address is in place with repos that come from it, or
// the old one is; and nobody is overruled.

import { describe, expect, it } from "vitest";
import { HubFault } from "../../shared/hub/index.ts";
import { expandArch } from "../../shared/mirrors/rules.ts";
import { lookStates } from "../../shared/mirrors/states.ts";
import { packageOf } from "./switch-web.ts";
import { ARCHES, type Around, NEW, OLD, openSwitchWorld, REPO, START, type SwitchWorld, TAGS } from "./switch-world.ts";

const REPO_REQUEST = "repo.request";
const requestsOf = (world: SwitchWorld) => world.writes.filter((method) => method === REPO_REQUEST).length;
const urlOf = ({ hub }: SwitchWorld) => hub.externalRepo(REPO).url;

/** As if a check had accepted the address for each arch. */
async function accept({ ports }: SwitchWorld, template: string, role: "current" | "candidate", timestamp: number) {
  for (const arch of ARCHES) {
    const url = expandArch(template, arch);
    const accepted = {
      ...{ repomdSha256: "a".repeat(64), revision: "1", timestamp, at: START, packages: null, index: null },
      ...{ sample: [], verifiedAt: null, vouched: [] },
    };
    const state = {
      ...{ repo: REPO, arch, url, role, at: START, turn: 1, verdict: "ok" as const, trusted: true, checks: [] },
      ...{ metadata: null, accepted, lagSeconds: null, good: 1, bad: 0, live: null },
      ...{ bytes: 0, latencyMilliseconds: null, milliseconds: 0 },
    };
    await lookStates.put(ports.store, state, undefined, REPO, arch, url);
  }
}

function expectUntouched(world: SwitchWorld): void {
  expect(urlOf(world)).toBe(OLD);
  expect(world.writes).toEqual([]);
}

describe("a switch", () => {
  it("edits the address, has every build tag's repo made anew, and reads what these take from where", async () => {
    const world = openSwitchWorld();
    expect(await world.run()).toEqual({ status: "SUCCEEDED", why: "" });
    expect(urlOf(world)).toBe(NEW);
    expect(world.takenFrom()).toEqual([NEW]);
    expect(world.writes.toSorted()).toEqual(["editExternalRepo", REPO_REQUEST, REPO_REQUEST]);
    const kept = await world.record();
    expect(kept?.value).toMatchObject({
      id: "switch-1",
      state: "done",
      retiring: [OLD],
      from: OLD,
      to: NEW,
      by: "ann",
    });
    expect(kept?.value.tags.map(({ tag, repo }) => ({ tag, isMade: repo !== null }))).toEqual(
      TAGS.map((tag) => ({ tag, isMade: true })),
    );
    expect(kept?.value.notes.join("\n")).toContain("2 older READY repos may take rpms");
    // Some of what the next builds will want was asked for.
    expect(world.web.headed.filter((url) => url.startsWith("https://new.example.org/9/x86_64/"))).toHaveLength(3);
    expect(world.board.raised("MirrorSwitches")).toBe(1);
  });

  it("remembers what the switch before it has left, as READY repos may still take rpms from there", async () => {
    const world = openSwitchWorld();
    const third = "https://third.example.org/9/$arch/";
    for (const arch of ARCHES) world.web.publish(expandArch(third, arch), ["bash", "zlib"].map(packageOf), START - 60);
    await world.run();
    expect(await world.run({ to: third }, "switch-2")).toEqual({ status: "SUCCEEDED", why: "" });
    expect((await world.record())?.value).toMatchObject({ id: "switch-2", retiring: [OLD, NEW] });
    expect(await world.run({ to: OLD }, "switch-3")).toMatchObject({ status: "SUCCEEDED" });
    expect((await world.record())?.value).toMatchObject({ retiring: [NEW, third] });
  });

  it("to what the hub has already ends well, and nothing is edited or written down", async () => {
    const world = openSwitchWorld();
    expect(await world.run({ to: OLD.slice(0, -1) })).toEqual({ status: "SUCCEEDED", why: "" });
    expectUntouched(world);
    expect(await world.record()).toBeNull();
  });

  it("takes a request that is in the hub's queue since the edit for its own", async () => {
    let world: SwitchWorld | undefined;
    const around: Around = async (name, _event, run) => {
      if (name === "SwitchRegenerate") for (const tag of TAGS) await world?.administrator.call(REPO_REQUEST, [tag]);
      return await run();
    };
    world = openSwitchWorld({ around });
    expect((await world.run()).status).toBe("SUCCEEDED");
    expect(requestsOf(world)).toBe(0);
    expect(world.takenFrom()).toEqual([NEW]);
  });

  it("does not ask twice for a repo when it could not write down that it asked", async () => {
    let world: SwitchWorld | undefined;
    const around: Around = async (name, _event, run) => {
      if (name === "SwitchRegenerate" && world !== undefined && requestsOf(world) === 0) world.failingPuts = 1;
      return await run();
    };
    world = openSwitchWorld({ around });
    expect((await world.run()).status).toBe("SUCCEEDED");
    expect(requestsOf(world)).toBe(TAGS.length);
  });

  it.each([true, false])("whose edit got no reply looks whether it was done (done: %s)", async (applied) => {
    let left = 2;
    const world = openSwitchWorld({
      mishap: ({ members }) => (members.includes("editExternalRepo") && left-- > 0 ? { kind: "reset", applied } : null),
    });
    expect((await world.run()).status).toBe("SUCCEEDED");
    expect(world.takenFrom()).toEqual([NEW]);
  });

  it("has newRepo tasks made on a hub before 1.35, which has no queue", async () => {
    const world = openSwitchWorld();
    const { hubReader } = world.ports;
    const hubWriter = await world.ports.hubWriter();
    const unknown = (method: string) => new HubFault(1000, `Invalid method: ${method}`, method);
    const multiCall = hubReader.multiCall.bind(hubReader);
    hubReader.multiCall = async (calls) =>
      (await multiCall(calls)).map((outcome, index) => {
        const method = calls[index]?.method ?? "";
        return method.startsWith("repo.") ? { ok: false, fault: unknown(method) } : outcome;
      });
    const call = hubWriter.call.bind(hubWriter);
    hubWriter.call = async (method, params) => {
      if (method.startsWith("repo.")) throw unknown(method);
      return await call(method, params);
    };
    await world.start("switch-1");
    await world.clock.runUntil(START + 300);
    expect(world.machines.execution("switch-1").status).toBe("RUNNING");
    for (const tag of TAGS) world.makeRepo(tag);
    await world.clock.runUntil(START + 600);
    expect(world.machines.execution("switch-1").status).toBe("SUCCEEDED");
    expect(world.writes).toEqual(["editExternalRepo", "newRepo", "newRepo"]);
    expect(world.takenFrom()).toEqual([NEW]);
  });

  it("goes on without a tag that is gone", async () => {
    const world = openSwitchWorld();
    const { hubReader } = world.ports;
    const multiCall = hubReader.multiCall.bind(hubReader);
    hubReader.multiCall = async (calls) =>
      (await multiCall(calls)).map((outcome, index) =>
        urlOf(world) === NEW && calls[index]?.method === "getRepo" && calls[index]?.params?.[0] === TAGS[1]
          ? { ok: false, fault: new HubFault(1000, `No such tagInfo: '${TAGS[1]}'`, "getRepo") }
          : outcome,
      );
    expect((await world.run()).status).toBe("SUCCEEDED");
    const kept = await world.record();
    expect(kept?.value.tags.map(({ tag }) => tag)).toEqual([TAGS[0]]);
    expect(kept?.value.notes.join("\n")).toContain(`no tag ${TAGS[1]} any more`);
  });
});

describe("a switch is refused, and the hub is not touched,", () => {
  it("when the new address is not fit", async () => {
    const world = openSwitchWorld();
    world.web.dropFrom(expandArch(NEW, "aarch64"), "-primary.xml");
    const { status, why } = await world.run();
    expect(status).toBe("FAILED");
    expect(why).toMatch(/SwitchRefused.*new\.example\.org\/9\/aarch64\/ is not fit for aarch64 \(partial\): records: /);
    expectUntouched(world);
    expect(await world.record()).toBeNull();
  });

  it("when its content is older than what was accepted of the present one", async () => {
    const world = openSwitchWorld();
    await accept(world, OLD, "current", START - 600);
    const { status, why } = await world.run();
    expect(status).toBe("FAILED");
    expect(why).toContain("50 min older for aarch64 than what was accepted at the present address");
    expectUntouched(world);
  });

  it("when it goes back behind what a check has accepted of the candidate", async () => {
    const world = openSwitchWorld();
    await accept(world, NEW, "candidate", START - 60);
    expect((await world.run()).why).toContain("(rolled_back)");
    expectUntouched(world);
  });

  it("when the site's login has no permission: the commands are in the sentence", async () => {
    const world = openSwitchWorld({ admin: false, permissions: [] });
    const { status, why } = await world.run();
    expect(status).toBe("FAILED");
    expect(why).toContain(
      `koji edit-external-repo --url='${NEW}' ${REPO}; koji regen-repo --nowait ${TAGS[0]}; koji regen-repo --nowait ${TAGS[1]}`,
    );
    expectUntouched(world);
  });

  it("while another one of the repo is under way, whose record it leaves alone", async () => {
    const world = openSwitchWorld();
    for (const tag of TAGS) world.stalled.add(tag);
    await world.start("switch-1");
    await world.clock.runUntil(START + 600);
    await world.start("switch-2");
    await world.clock.runUntil(START + 900);
    expect(world.machines.execution("switch-2").status).toBe("FAILED");
    expect(await world.record()).toMatchObject({ value: { id: "switch-1", state: "regenerating" } });
    world.stalled.clear();
    await world.clock.runUntil(START + 3600);
    expect(world.machines.execution("switch-1").status).toBe("SUCCEEDED");
    // And another one may begin.
    expect((await world.run({ to: OLD }, "switch-3")).status).toBe("SUCCEEDED");
  });

  it("when two begin at one moment: one of them is done", async () => {
    const world = openSwitchWorld();
    await Promise.all([world.start("switch-1"), world.start("switch-2")]);
    await world.clock.runUntil(START + 3600);
    const statuses = ["switch-1", "switch-2"].map((name) => world.machines.execution(name).status);
    expect(statuses.toSorted()).toEqual(["FAILED", "SUCCEEDED"]);
    expect(world.takenFrom()).toEqual([NEW]);
    expect(requestsOf(world)).toBe(TAGS.length);
  });
});

describe("a switch is taken back", () => {
  it("when a tag's repo does not become READY in time", async () => {
    const world = openSwitchWorld();
    world.stalled.add(TAGS[1]);
    await world.start("switch-1");
    await world.clock.runUntil(START + 2.2 * 3600);
    expect(urlOf(world)).toBe(OLD);
    world.stalled.clear();
    await world.clock.runUntil(START + 3 * 3600);
    expect(world.machines.execution("switch-1")).toMatchObject({ status: "FAILED", error: "SwitchFailed" });
    expect(world.takenFrom()).toEqual([OLD]);
    // Forward and back, each tag once: the one that never came was still in the queue, and is no older than the last edit.
    expect(requestsOf(world)).toBeLessThanOrEqual(2 * TAGS.length);
    const kept = await world.record();
    expect(kept?.value).toMatchObject({ state: "undone", retiring: [] });
    expect(kept?.value.notes.join("\n")).toContain(`no new repo of ${TAGS[1]} is READY after 120 min`);
  });

  it("when the new repos do not take their rpms from the new address", async () => {
    const world = openSwitchWorld();
    // Merged metadata of a hub that took nothing from it.
    const packagesFrom = world.web.packagesFrom.bind(world.web);
    world.web.packagesFrom = (base) => (base.startsWith("https://new.") ? [] : packagesFrom(base));
    const { status, why } = await world.run();
    expect(status).toBe("FAILED");
    expect(why).toMatch(/takes nothing from https:\/\/new/);
    expect(world.takenFrom()).toEqual([OLD]);
    expect(await world.record()).toMatchObject({ value: { state: "undone" } });
  });

  it("when the rpms that the new repos take are not there", async () => {
    const world = openSwitchWorld();
    world.web.dropFrom(expandArch(NEW, "x86_64"), "zlib-1.0-1.noarch.rpm");
    const { why } = await world.run();
    expect(why).toMatch(/rpms of the new repos do not answer: .*zlib.* \(HTTP 404\)/);
    expect(world.takenFrom()).toEqual([OLD]);
  });

  it("when the hub gives up a tag's repo, after that was asked for once more", async () => {
    const world = openSwitchWorld();
    const giveUp = () => {
      if (urlOf(world) === NEW) for (const each of giveUpAll(world)) expect(each).toBeGreaterThan(0);
      world.clock.after(45, giveUp);
    };
    world.clock.after(45, giveUp);
    const { status, why } = await world.run();
    expect(status).toBe("FAILED");
    expect(why).toContain(`the hub gave up the repo of ${TAGS[0]} twice`);
    expect(world.takenFrom()).toEqual([OLD]);
    expect(world.writes.filter((method) => method === "editExternalRepo")).toHaveLength(2);
  });

  it("not when the hub does not let the login edit: nothing was done, and the commands are in the sentence", async () => {
    const world = openSwitchWorld({ permissions: [] });
    const { status, why } = await world.run();
    expect(status).toBe("FAILED");
    expect(why).toMatch(/SwitchNotPermitted.*koji edit-external-repo --url='https:\/\/new/);
    expect(urlOf(world)).toBe(OLD);
    expect(requestsOf(world)).toBe(0);
    // Asked once: a refusal is an answer.
    expect(world.writes).toEqual(["editExternalRepo"]);
    expect(await world.record()).toMatchObject({ value: { state: "undone" } });
  });
});

describe("when somebody edits the repo meanwhile", () => {
  const THIRD = "https://third.example.org/9/$arch/";

  it.each(["SwitchEdit", "SwitchLook"])("before %s, their address stays", async (step) => {
    let world: SwitchWorld | undefined;
    let isEdited = false;
    const around: Around = async (name, _event, run) => {
      if (name === step && !isEdited) {
        isEdited = true;
        await world?.administrator.call("editExternalRepo", [REPO, null, THIRD]);
      }
      return await run();
    };
    world = openSwitchWorld({ around });
    const { status, why } = await world.run();
    expect(status).toBe("FAILED");
    expect(why).toContain(`somebody changed ${REPO} meanwhile: the hub has ${THIRD}`);
    expect(urlOf(world)).toBe(THIRD);
    const edits = world.writes.filter((method) => method === "editExternalRepo").length;
    expect(edits).toBe(step === "SwitchEdit" ? 0 : 1);
    expect((await world.record())?.value.state).toBe(step === "SwitchEdit" ? "undone" : "failed");
  });
});

/** Ends the active requests of the build tags as kojira does after too many tries. */
function giveUpAll({ hub }: SwitchWorld): number[] {
  const active = hub.repoRequests().filter((request) => request.active);
  return active.map((request) => {
    Object.assign(request, { active: false });
    return request.id;
  });
}
