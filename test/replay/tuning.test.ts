// Tuning finds the best of a grid without playing all of it to the end, and what it finds can be kept.

import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openStage } from "../../sandbox/replay/crew.ts";
import { identifyTrace } from "../../sandbox/replay/load.ts";
import { objective, play, playWithin } from "../../sandbox/replay/play.ts";
import { gridOf } from "../../sandbox/replay/policies/grid.ts";
import { FAMILIES, familyNamed } from "../../sandbox/replay/policies/index.ts";
import { tune } from "../../sandbox/replay/tuning.ts";
import {
  findWinners,
  hashOfGrids,
  identifySite,
  keepWinners,
  readWinners,
  type TunedTrace,
} from "../../sandbox/replay/winners.ts";
import { stageOf, writeTinyTraces } from "./tiny-traces.ts";

const traces = writeTinyTraces();
afterAll(() => traces.remove());

const order = stageOf(traces.tasks);
const stage = await openStage(order);
const karpenter = familyNamed("karpenter");
const staticFleet = familyNamed("static");

describe("tune", () => {
  it("finds the winners that playing every set to its end finds, and plays few to the end", async () => {
    const values = [1, 25];
    const found = await tune(order, [staticFleet, karpenter], values);
    for (const { name } of [staticFleet, karpenter]) {
      const family = familyNamed(name);
      const all = gridOf(family).map((params) => {
        return { params, measured: play(stage, { kind: "baseline", family: name, params }).measured };
      });
      for (const value of values) {
        const costs = all.map(({ measured }) => objective(measured, value));
        const best = all[costs.indexOf(Math.min(...costs))];
        const winners = found.winners.find(({ waitValuePerHour }) => waitValuePerHour === value);
        expect(winners?.families[name]).toEqual(best?.params);
      }
    }
    expect(found.replays).toBe(gridOf(staticFleet).length + gridOf(karpenter).length);
    expect(found.cut).toBeGreaterThan(found.replays / 4);
  });
});

describe("a ceiling", () => {
  const choice = { kind: "baseline", family: "static", params: { builders: 1 } } as const;
  const whole = play(stage, choice);
  const J = (value: number) => objective(whole.measured, value);

  it("changes nothing where one of them holds to the end", () => {
    const ceilings = [
      { waitValuePerHour: 1, most: 0 },
      { waitValuePerHour: 5, most: J(5) },
    ];
    expect(playWithin(stage, choice, ceilings)?.measured).toEqual(whole.measured);
  });

  it("ends a replay that is above all of them", () => {
    const ceilings = [1, 5].map((value) => ({ waitValuePerHour: value, most: J(value) / 3 }));
    expect(playWithin(stage, choice, ceilings)).toBeNull();
  });
});

describe("identifyTrace", () => {
  it("knows a file by its content, wherever and however packed it lies", () => {
    const text = '{"ts":1,"duration_s":5}\n';
    const plain = traces.write("plain.jsonl", text);
    expect(identifyTrace({ ...order.trace, name: traces.write("other.jsonl", text) })).toBe(
      identifyTrace({ ...order.trace, name: plain }),
    );
    expect(identifyTrace(order.trace)).not.toBe(identifyTrace({ ...order.trace, name: plain }));
  });

  it("tells spacings apart only where submissions are spaced", () => {
    const at = (name: string, spacingSeconds: number) => identifyTrace({ ...order.trace, name, spacingSeconds });
    expect(at(traces.packages, 0)).not.toBe(at(traces.packages, 15));
    expect(at(traces.tasks, 0)).toBe(at(traces.tasks, 15));
  });

  it("knows a generator for every seed", () => {
    const trace = { ...order.trace, name: "synthetic:cbs" };
    expect(identifyTrace({ ...trace, seed: 2 })).toBe(identifyTrace({ ...trace, seed: 3 }));
  });
});

function tunedTrace(more: Partial<TunedTrace> = {}): TunedTrace {
  return {
    trace: "sha256:aa",
    name: "alpha",
    tasks: 1000,
    spanHours: 10,
    isFlat: true,
    site: identifySite(stage.site, true),
    grids: hashOfGrids(),
    seed: 1,
    winners: [1, 25].map((waitValuePerHour) => ({
      waitValuePerHour,
      families: { static: { builders: waitValuePerHour } },
    })),
    ...more,
  };
}

const buildersAt = (found: ReturnType<typeof findWinners>) =>
  found?.winners.map(({ families }) => families.static?.builders);

describe("findWinners", () => {
  it("gives those of the trace, without a word", () => {
    const found = findWinners([tunedTrace()], tunedTrace(), [25, 1]);
    expect(buildersAt(found)).toEqual([25, 1]);
    expect(found?.but).toBeNull();
  });

  it("gives those of the nearest wait value, and says so", () => {
    const found = findWinners([tunedTrace()], tunedTrace(), [20, 25]);
    expect(buildersAt(found)).toEqual([25, 25]);
    expect(found?.but).toContain("wait value of 20");
  });

  it("gives those of the trace of the same kind with the nearest rate of tasks, and says of which", () => {
    const others = [
      tunedTrace({ trace: "sha256:bb", name: "beta", tasks: 100_000 }),
      tunedTrace({ trace: "sha256:cc", name: "gamma", isFlat: false }),
      tunedTrace(),
    ];
    expect(findWinners(others, tunedTrace({ trace: "sha256:new", tasks: 2000 }), [1])?.but).toContain("alpha");
    expect(findWinners(others, tunedTrace({ trace: "sha256:new", tasks: 80_000 }), [1])?.but).toContain("beta");
    expect(findWinners(others, tunedTrace({ trace: "sha256:new", isFlat: false }), [1])?.but).toContain("gamma");
  });

  it("says that the site or the grids were others", () => {
    expect(findWinners([tunedTrace()], tunedTrace({ site: "config 12" }), [1])?.but).toContain("another site");
    expect(findWinners([tunedTrace({ grids: "old" })], tunedTrace(), [1])?.but).toContain("other grids");
  });

  it("gives none where no trace of the kind was searched", () => {
    expect(findWinners([tunedTrace()], tunedTrace({ trace: "sha256:new", isFlat: false }), [1])).toBeNull();
  });
});

describe("kept winners", () => {
  it("replace those of the same trace and site, and leave the others", () => {
    const file = join(traces.folder, "winners.json");
    expect(readWinners(file)).toEqual([]);
    keepWinners(tunedTrace(), file);
    keepWinners(tunedTrace({ trace: "sha256:bb", name: "beta" }), file);
    keepWinners(tunedTrace({ tasks: 7 }), file);
    expect(readWinners(file).map(({ name, tasks }) => [name, tasks])).toEqual([
      ["alpha", 7],
      ["beta", 1000],
    ]);
  });

  it("are told to be unreadable in one sentence", () => {
    const file = traces.write("bad-winners.json", "{}");
    expect(() => readWinners(file)).toThrow("npm run tune:policy");
  });

  it("of the repository come from today's grids", () => {
    for (const { name, grids, winners } of readWinners()) {
      expect([name, grids]).toEqual([name, hashOfGrids()]);
      for (const { families } of winners) {
        for (const [family, params] of Object.entries(families))
          expect(gridOf(familyNamed(family))).toContainEqual(params);
      }
    }
    expect(FAMILIES.length).toBeGreaterThan(0);
  });
});
