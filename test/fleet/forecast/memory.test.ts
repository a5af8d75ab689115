// The forecast's memory over many passes: bounded, the same after it was stored, harmless when it is empty or unreadable.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Site } from "../../../shared/config/index.ts";
import { decide } from "../../../shared/fleet/decide.ts";
import { chancesOfRise } from "../../../shared/fleet/forecast/arrivals.ts";
import { NO_FORECAST } from "../../../shared/fleet/forecast/memory.ts";
import { forecastSchema } from "../../../shared/fleet/forecast/stored.ts";
import { readMemory } from "../../../shared/fleet/stored-memory.ts";
import { type Decision, EMPTY_MEMORY, type Memory, type Snapshot } from "../../../shared/fleet/types.ts";
import { worldOf } from "../arbitraries.ts";
import { holds, SEED } from "../seed.ts";
import { builder, free, makeProfile, makeSite, makeSnapshot, NOW, open, type TaskSpec, times } from "../world.ts";

const SITE = makeSite({
  builders: { forecast: true, waitValuePerHour: 5 },
  profiles: [
    makeProfile(),
    makeProfile({
      name: "arm",
      arches: ["aarch64"],
      slots: { prefix: "a", count: 3 },
      offerings: [{ instanceType: "m7g.xlarge" }],
    }),
  ],
});
const stored = (memory: Memory) => readMemory(JSON.stringify(memory));

/** The scene as it would be seen `seconds` later: builders are as old as now, and have just polled. */
function later(snapshot: Snapshot, seconds: number): Snapshot {
  if (!snapshot.hub.seen || snapshot.ec2.kind !== "seen") return snapshot;
  const { state } = snapshot.hub;
  const move = (time: number | null) => (time === null ? null : time + seconds);
  const instances = snapshot.ec2.instances.map((instance) => ({
    ...instance,
    launchedAt: instance.launchedAt + seconds,
    checkInAfter: move(instance.checkInAfter),
  }));
  return {
    ...snapshot,
    at: snapshot.at + seconds,
    ec2: { kind: "seen", instances },
    hub: {
      ...snapshot.hub,
      state: {
        ...state,
        now: state.now + seconds,
        hosts: state.hosts.map((host) => ({ ...host, update_ts: move(host.update_ts) })),
      },
    },
  };
}

/** Passes every ten seconds over these scenes; `between` is what happens to the memory after each. */
function passes(
  scenes: readonly (readonly TaskSpec[])[],
  site: Site = SITE,
  between = (memory: Memory) => memory,
): readonly Decision[] {
  const builders = { "b-01": builder.serving(), "b-02": builder.serving() };
  let memory = EMPTY_MEMORY;
  return scenes.map((tasks, index) => {
    const snapshot = later(makeSnapshot({ site, builders, tasks }), index * 10);
    const decision = decide(snapshot, site, memory, NOW + index * 10);
    memory = between(decision.memory);
    return decision;
  });
}

/** A busy hour: builds come, fan out and end; `draws` says when. */
function busyHour(draws: readonly number[]): TaskSpec[][] {
  return draws.map((draw, pass) =>
    times(draw % 7, (index): TaskSpec => {
      const id = 1000 + 50 * Math.floor(pass / 12) + index;
      const kind = (draw + index) % 4;
      const about = { id, package: `package-${index}`, create_ts: NOW };
      if (kind === 0) return free({ ...about, arch: "aarch64" });
      if (kind === 1) return free({ ...about, method: "build", arch: "noarch", target: "f44" });
      if (kind === 2)
        return open("b-01", { ...about, method: "build", arch: "noarch", target: "f44", weight: 0.2, waiting: true });
      return open("b-02", { ...about, parent: id - 1, weight: 1.5, start_ts: NOW });
    }),
  );
}
const anyHour = fc.array(fc.nat(1000), { minLength: 30, maxLength: 60 }).map(busyHour);
const shown = (decisions: readonly Decision[]) =>
  decisions.map(({ changes, keep, notes }) => ({ changes, keep, notes }));

describe("a restart with the stored memory", () => {
  it("decides as if there had been none", () => {
    holds(
      anyHour,
      (scenes) => {
        const restarted = passes(scenes, SITE, (memory) => stored(memory).memory);
        expect(shown(restarted)).toEqual(shown(passes(scenes)));
      },
      10,
    );
  });

  it("finds all of it again", () => {
    holds(
      anyHour,
      (scenes) => {
        const memory = passes(scenes).at(-1)?.memory ?? EMPTY_MEMORY;
        expect(stored(memory)).toEqual({ memory, forgotten: null });
      },
      10,
    );
  });
});

describe("a memory that cannot be read", () => {
  const memory = passes(busyHour(times(40, (index) => index * 37))).at(-1)?.memory ?? EMPTY_MEMORY;

  it.each([
    ["no object", 7],
    ["of another shape", { ...memory.forecast, groups: { x86: { came: "yesterday" } } }],
    ["of an older version", { at: NOW, newestTask: 1 }],
    ["with a time that is none", { ...memory.forecast, at: "now" }],
  ])("as it is %s, is learned anew, and the rest of the memory stays", (_, forecast) => {
    const read = readMemory(JSON.stringify({ ...memory, forecast }));
    expect(read.forgotten).toBeNull();
    expect(read.memory).toEqual({ ...memory, forecast: NO_FORECAST });
  });

  it("as it was written before there was a forecast, is empty", () => {
    const { forecast: _, ...old } = memory;
    expect(readMemory(JSON.stringify(old)).memory.forecast).toEqual(NO_FORECAST);
  });
});

describe("an empty memory", () => {
  it("asks for no builder that nothing needs: an idle site stays empty", () => {
    const decision = decide(makeSnapshot({ site: SITE }), SITE, EMPTY_MEMORY, NOW);
    expect(decision.changes).toEqual([]);
  });

  it("is what a site without the forecast keeps", () => {
    const without = makeSite({ builders: { forecast: false } });
    expect(passes(busyHour([5, 6, 3]), without).at(-1)?.memory.forecast).toEqual(NO_FORECAST);
  });
});

describe("demand that rises from nothing", () => {
  const rest: TaskSpec[][] = times(20, () => []);
  const learnedFrom = (task: TaskSpec) => {
    const scenes = times(4, (round) => [...rest, ...times(8, () => [{ ...task, id: 100 + round }])]).flat();
    const { groups } = passes(scenes).at(-1)?.memory.forecast ?? NO_FORECAST;
    return Object.values(groups).map((group) => chancesOfRise(group, ["any any"])[0] ?? 1);
  };

  it("is learned", () => {
    expect(Math.min(...learnedFrom(free()))).toBeLessThan(0.9);
  });

  it("is learned of tasks that several profiles can run as well", () => {
    expect(Math.min(...learnedFrom(free({ arch: "noarch" })))).toBeLessThan(0.9);
  });
});

describe("a thousand random passes", () => {
  it("leave a memory of bounded size that can be stored", () => {
    // Worlds partly of nonsense, on one site, as one after the other might be seen; weights as hubs have them.
    const worlds = fc.sample(worldOf(SITE, true), { seed: SEED, numRuns: 250 });
    let memory = EMPTY_MEMORY;
    let now = NOW;
    for (let pass = 0; pass < 1000; pass++) {
      const world = worlds[(pass * 7919) % worlds.length];
      if (world === undefined || !world.snapshot.hub.seen) continue;
      now += 10 + (pass % 50);
      const seen = later(world.snapshot, now - NOW);
      if (!seen.hub.seen) continue;
      const tasks = seen.hub.state.tasks.map((task) => ({
        ...task,
        id: task.id + 10 * pass,
        weight: Math.min(25, task.weight),
      }));
      const snapshot = { ...seen, hub: { ...seen.hub, state: { ...seen.hub.state, tasks } } };
      memory = { ...EMPTY_MEMORY, forecast: decide(snapshot, SITE, memory, now).memory.forecast };
    }
    expect(forecastSchema.parse(JSON.parse(JSON.stringify(memory.forecast)))).toEqual(memory.forecast);
    expect(JSON.stringify(memory.forecast).length).toBeLessThan(300_000);
    expect(Object.keys(memory.forecast.graph.families).length).toBeLessThan(100);
    for (const { looks, came } of Object.values(memory.forecast.groups)) {
      // The oldest builders of these worlds took two hours to boot.
      expect(looks.length).toBeLessThan(300);
      expect(came.length).toBeLessThanOrEqual(360);
    }
    for (const keeps of Object.values(memory.forecast.keeps)) expect(keeps.length).toBeLessThan(60);
  });
});
