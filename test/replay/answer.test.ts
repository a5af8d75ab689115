// The answer of a replay: every policy once for each of its parameters, and the comparison that follows from the rows.

import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { answerReplay, compare } from "../../sandbox/replay/answer.ts";
import { openStage } from "../../sandbox/replay/crew.ts";
import type { ReplayOrder } from "../../sandbox/replay/line-up.ts";
import { identifyTrace } from "../../sandbox/replay/load.ts";
import { objective } from "../../sandbox/replay/play.ts";
import { familyNamed } from "../../sandbox/replay/policies/index.ts";
import { policyKey } from "../../sandbox/replay/report/input.ts";
import type { PolicyResult } from "../../sandbox/replay/result.ts";
import { hashOfGrids, identifySite, keepWinners } from "../../sandbox/replay/winners.ts";
import { parseSite } from "../../shared/config/index.ts";
import { stageOf, writeTinyTraces } from "./tiny-traces.ts";

const traces = writeTinyTraces();
afterAll(() => traces.remove());

const winnersFile = join(traces.folder, "winners.json");
const quiet = () => {};

const order: ReplayOrder = {
  stage: stageOf(traces.tasks),
  waitValues: [1, 5, 25],
  toji: true,
  tojiWithoutForecast: true,
  families: [familyNamed("static"), familyNamed("karpenter")],
  tuning: "kept",
  winnersFile,
};

describe("a trace with kept winners", async () => {
  keepWinners(
    {
      trace: identifyTrace(order.stage.trace),
      name: "tasks",
      tasks: 24,
      spanHours: 1,
      isFlat: true,
      site: identifySite((await openStage(order.stage)).site, true),
      grids: hashOfGrids(),
      seed: 1,
      winners: [
        { waitValuePerHour: 1, families: { static: { builders: 3 }, karpenter: karpenterAfter(60) } },
        { waitValuePerHour: 5, families: { static: { builders: 3 }, karpenter: familyNamed("karpenter").defaults } },
        { waitValuePerHour: 25, families: { static: { builders: 8 }, karpenter: karpenterAfter(60) } },
      ],
    },
    winnersFile,
  );
  const { answer, details, bounds } = await answerReplay(order, quiet);

  it("has Toji with and without forecast for each wait value, defaults once, each winner once", () => {
    const rows = answer.policies.map(({ name, params, tuned }) => [
      name,
      params.waitValuePerHour ?? params.builders,
      tuned,
    ]);
    expect(rows).toEqual([
      ["toji", 1, false],
      ["toji", 5, false],
      ["toji", 25, false],
      ["toji-no-forecast", 1, false],
      ["toji-no-forecast", 5, false],
      ["toji-no-forecast", 25, false],
      ["static", 2, false],
      ["karpenter", undefined, false],
      ["static", 3, true],
      ["static", 8, true],
      ["karpenter", undefined, true],
      ["karpenter", undefined, true],
    ]);
    expect(answer.tuned).toBe(true);
    expect(answer.notes).toEqual([]);
  });

  it("compares Toji at its wait value with the best row and the best row at defaults", () => {
    for (const { waitValuePerHour, toji, bestBaseline, bestBaselineAtDefaults, bound } of answer.objective) {
      const J = (policy: PolicyResult) => objective(policy, waitValuePerHour);
      const baselines = answer.policies.filter(({ name }) => !name.startsWith("toji"));
      const own = answer.policies.find(
        ({ name, params }) => name === "toji" && params.waitValuePerHour === waitValuePerHour,
      );
      expect(toji).toBe(own === undefined ? null : J(own));
      expect(bestBaseline?.J).toBe(Math.min(...baselines.map(J)));
      expect(bestBaselineAtDefaults?.J).toBe(Math.min(...baselines.filter(({ tuned }) => !tuned).map(J)));
      expect(bound).toBeGreaterThan(0);
    }
  });

  it("bounds every policy, the bare work below all", () => {
    for (const { waitValuePerHour, bound } of answer.objective) {
      for (const policy of answer.policies) expect(objective(policy, waitValuePerHour)).toBeGreaterThanOrEqual(bound);
    }
    expect(bounds.zeroWait.dollars).toBeGreaterThanOrEqual(answer.bounds.work);
    for (const { dollars } of answer.policies) expect(dollars).toBeGreaterThanOrEqual(answer.bounds.work);
    expect(bounds.taskHours).toBeCloseTo(answer.policies.length === 0 ? 0 : 1.3, 0);
  });

  it("has the detail of every row for the report", () => {
    for (const policy of answer.policies) expect(details[policyKey(policy)]?.timeline.length).toBeGreaterThan(0);
  });
});

function karpenterAfter(consolidateAfterSeconds: number) {
  return { ...familyNamed("karpenter").defaults, consolidateAfterSeconds };
}

describe("a trace without winners", () => {
  const stage = stageOf(traces.packages);
  const small = { ...order, stage, waitValues: [5], toji: false, tojiWithoutForecast: false };

  it("is answered with the owners' defaults, and says so", async () => {
    const { answer } = await answerReplay({ ...small, winnersFile: join(traces.folder, "none.json") }, quiet);
    expect(answer.tuned).toBe(false);
    expect(answer.notes.join()).toContain("--tune");
    expect(answer.policies.map(({ tuned }) => tuned)).toEqual([false, false]);
    expect(answer.objective[0]).toMatchObject({ toji: null, bestBaselineAtDefaults: { J: expect.any(Number) } });
    expect(answer.trace.synthetic.length).toBeGreaterThan(0);
  });

  it("is searched if asked, and what was found can be kept", async () => {
    const families = [familyNamed("karpenter")];
    const { answer, searched } = await answerReplay({ ...small, families, tuning: "search" }, quiet);
    const { winners: [winner] = [] } = searched ?? {};
    expect(answer.tuned).toBe(true);
    expect(answer.objective[0]?.bestBaseline?.params).toEqual(winner?.families.karpenter);
    expect(searched?.trace).toBe(identifyTrace(stage.trace));
  });

  it("that no profile of the config serves is no replay", async () => {
    const site = parseSite(
      JSON.stringify({
        hub: { url: "https://hub.test/kojihub", topUrl: "https://hub.test/kojifiles" },
        builders: {
          subnets: [{ id: "subnet-0a", zone: "us-east-1a" }],
          budget: { maxInstances: 10, maxVcpus: 40, dollarsPerHour: 10 },
          profiles: [
            {
              name: "images",
              channels: ["image"],
              arches: ["x86_64"],
              capacity: 4,
              slots: { prefix: "image", count: 2 },
              imageId: "ami-0a",
              offerings: [{ instanceType: "m7a.xlarge" }],
            },
          ],
        },
      }),
      "the test's",
    );
    await expect(answerReplay({ ...small, stage: { ...stage, site } }, quiet)).rejects.toThrow("add one for channel");
  });
});

describe("compare", () => {
  it("tells what there is of a replay without one of the sides", () => {
    expect(compare([], 5)).toEqual({
      waitValuePerHour: 5,
      toji: null,
      bestBaseline: null,
      bestBaselineAtDefaults: null,
    });
  });
});
