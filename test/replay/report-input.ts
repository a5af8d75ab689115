// A report's input of the size and shape of a real one: a year of builds, ten kinds of policies, three wait values.

import { policyKey, type ReportInput } from "../../sandbox/replay/report/input.ts";
import type { Objective, PolicyDetail, PolicyResult } from "../../sandbox/replay/result.ts";

const TASKS = 55_618;
const START = Date.UTC(2020, 0, 3, 10) / 1000;
const SPAN = 360 * 86_400;

type Row = [
  name: string,
  tuned: boolean,
  params: Record<string, number>,
  dollars: number,
  waitHours: number,
  p95: number,
];

const ROWS: readonly Row[] = [
  ["toji", false, { waitValuePerHour: 1 }, 189.9, 236, 158],
  ["toji", false, { waitValuePerHour: 5 }, 813.3, 71, 107],
  ["toji", false, { waitValuePerHour: 25 }, 1735.9, 21, 24],
  ["toji-no-forecast", false, { waitValuePerHour: 1 }, 176.2, 274, 171],
  ["toji-no-forecast", false, { waitValuePerHour: 5 }, 402.8, 190, 149],
  ["toji-no-forecast", false, { waitValuePerHour: 25 }, 1211.4, 96, 131],
  ["taskcluster", false, { pendingRatio: 1, idleSeconds: 900, min: 0 }, 342.7, 312, 163],
  ["taskcluster", true, { pendingRatio: 3, idleSeconds: 10, min: 0 }, 219.0, 197, 132],
  ["taskcluster", true, { pendingRatio: 2, idleSeconds: 2700, min: 0 }, 786.6, 132, 129],
  ["buildkite-agent-scaler", false, { idleSeconds: 600, min: 0 }, 310.1, 305, 166],
  ["buildkite-agent-scaler", true, { idleSeconds: 60, min: 0 }, 188.4, 281, 161],
  ["buildkite-agent-scaler-buffer", false, { buffer: 1, idleSeconds: 600, min: 0 }, 655.0, 182, 151],
  ["buildkite-agent-scaler-buffer", true, { buffer: 12, idleSeconds: 120, min: 1 }, 1915.4, 18, 31],
  ["buildkite-agent-scaler-buffer", true, { buffer: 6, idleSeconds: 120, min: 0 }, 1002.3, 94, 112],
  ["resalloc", false, { preallocated: 4, idleSeconds: 300 }, 3502.8, 61, 118],
  ["resalloc", true, { preallocated: 8, idleSeconds: 60 }, 2101.9, 25, 40],
  ["terraform-aws-github-runner-ephemeral", false, { maximum: 50 }, 288.2, 470, 178],
  ["terraform-aws-github-runner-reuse", false, { minimumRunningSeconds: 300 }, 268.2, 318, 166],
  ["terraform-aws-github-runner-pool", true, { pool: 4, minimumRunningSeconds: 300 }, 1490.8, 88, 121],
  ["karpenter", false, { consolidateAfterSeconds: 0 }, 181.0, 299, 165],
  ["karpenter", true, { consolidateAfterSeconds: 300 }, 262.1, 226, 158],
  ["target-tracking", false, { backlogPerInstance: 4, cooldownSeconds: 300 }, 471.5, 990, 512],
  ["target-tracking", true, { backlogPerInstance: 1, cooldownSeconds: 60 }, 352.6, 402, 201],
  ["static", false, { builders: 4 }, 5971.0, 130, 340],
  ["static", true, { builders: 2 }, 2985.5, 805, 931],
  ["single-big-builder", false, { size: 4 }, 5970.9, 121, 329],
];

/** A number from 0 to 1 that looks like any other; the same at each call. */
function scatter(index: number): number {
  const value = Math.sin(index * 12.9898) * 43_758.5453;
  return value - Math.floor(value);
}

function policyOf([name, tuned, params, dollars, waitHours, p95]: Row): PolicyResult {
  const instanceHours = dollars / 0.173;
  return {
    name,
    params,
    tuned,
    waitSeconds: { p50: 31, p95: p95 + 48, p99: p95 + 130, max: p95 * 6 + 240 },
    noBuilderWaitSeconds: { p50: 0, p95, p99: p95 + 64 },
    noBuilderWaitHours: waitHours,
    buildDelaySeconds: { p50: 40 + p95 / 5, p95: 120 + p95 * 2.4 },
    dollars,
    instanceHours,
    idleShare: 1 - Math.min(0.9, 261 / instanceHours),
    launches: Math.round(instanceHours * 3.1),
    neverUsed: Math.round(instanceHours * 0.08),
    tasksLost: Math.round(instanceHours / 900),
  };
}

/** Days of work with pushes in them, at 300 moments of the year. */
function timelineOf(policy: PolicyResult): PolicyDetail["timeline"] {
  return Array.from({ length: 300 }, (_, index) => {
    const burst =
      scatter(index) > 0.82 ? Math.round(scatter(index + 7) ** 3 * 130) : Math.round(scatter(index + 3) * 6);
    const queued = Math.round(burst * Math.min(1, (policy.noBuilderWaitHours / 400) * scatter(index + 1)));
    const up = Math.ceil((burst - queued) / 4) + Math.round(policy.dollars / 900);
    const builders = up + Math.ceil(queued / 4);
    return { at: START + (index * SPAN) / 300, queued, running: burst - queued, builders, up };
  });
}

function detailOf(policy: PolicyResult): PolicyDetail {
  const { dollars, instanceHours } = policy;
  return {
    calibration: null,
    waits: { noBuilder: policy.noBuilderWaitHours, scheduler: 168, poll: 79 },
    hoursBy: [
      { instanceType: "m7a.xlarge", market: "spot", hours: instanceHours * 0.7, dollars: dollars * 0.52 },
      { instanceType: "m6a.xlarge", market: "spot", hours: instanceHours * 0.2, dollars: dollars * 0.2 },
      { instanceType: "m7a.xlarge", market: "on-demand", hours: instanceHours * 0.1, dollars: dollars * 0.28 },
    ],
    timeline: timelineOf(policy),
    costly: [
      {
        at: START + 22_204_800,
        sentence:
          "keep builder-x86-03 to -19 (m7a.xlarge): 17 idle, in 31 of 44 hours like this one 40 tasks or more came within 3 min; keeping costs $0.84, waiting would be worth $2.10",
        dollars: 9.42,
        because: "No task came for 41 min; 17 builders stood idle.",
      },
      {
        at: START + 4_902_300,
        sentence:
          "launch 6 default-x86 (m7a.xlarge spot): 24 buildArch tasks (weight 36) find no room in default:x86_64; launching costs $0.41, waiting 4 min is worth $8.00",
        dollars: 7.1,
        because: "EC2 had no capacity for 11 min in eu-west-1b; 24 tasks waited 51 hours together.",
      },
      {
        at: START + 9_300_000,
        sentence: "no change: the budget of 40 builders is used up",
        dollars: 5.55,
        because: "66 tasks waited.",
      },
      {
        at: START + 12_000_000,
        sentence: "drain builder-x86-07: idle 190 s, keeping costs more",
        dollars: 1.2,
        because: "A push of 65 packages came 20 s later.",
      },
      {
        at: START + 15_000_000,
        sentence: "launch 1 default-x86: 1 rebuildSRPM task finds no room",
        dollars: 0.31,
        because: "It was cancelled before the builder was up.",
      },
      {
        at: START + 16_000_000,
        sentence: "launch 1 default-x86: the sixth, not shown",
        dollars: 0.02,
        because: "Small.",
      },
    ],
  };
}

function objectiveOf(policies: readonly PolicyResult[], waitValuePerHour: number, bound: number): Objective {
  const cost = (policy: PolicyResult) => policy.dollars + waitValuePerHour * policy.noBuilderWaitHours;
  const baselines = policies.filter(({ name }) => !name.startsWith("toji")).toSorted((a, b) => cost(a) - cost(b));
  const toji = policies.find(({ name, params }) => name === "toji" && params.waitValuePerHour === waitValuePerHour);
  const [best] = baselines;
  const atDefaults = baselines.find(({ tuned }) => !tuned);
  if (toji === undefined || best === undefined || atDefaults === undefined) throw new Error("the rows lack a policy");
  return {
    waitValuePerHour,
    toji: cost(toji),
    bestBaseline: { name: best.name, params: best.params, J: cost(best) },
    bestBaselineAtDefaults: { name: atDefaults.name, J: cost(atDefaults) },
    bound,
  };
}

/** Foreman's year as a replay may have played it. All numbers are invented. */
export function yearInput(): ReportInput {
  const policies = ROWS.map(policyOf);
  return {
    answer: {
      trace: {
        name: "foreman-2020, 5 s between submissions",
        tasks: TASKS,
        spanHours: SPAN / 3600,
        synthetic: [
          "Durations: lognormal by method, no Koji log exists.",
          "Scratch rounds: one per change, in the 24 hours before it.",
          "Nightly builds: 8 on weekdays.",
          "The 5 s between the submissions of one push.",
        ],
      },
      bounds: { work: 17.8, zeroWait: 61.4 },
      policies,
      objective: [objectiveOf(policies, 1, 60.7), objectiveOf(policies, 5, 61.2), objectiveOf(policies, 25, 61.4)],
    },
    details: Object.fromEntries(policies.map((policy) => [policyKey(policy), detailOf(policy)])),
    bounds: {
      note: "Zero-wait bound by level decomposition, exact for one profile; tasks may move between builders in it.",
      work: { taskHours: 1046, instanceHours: 261.5 },
    },
    sensitivity: [
      {
        what: "service time -30 %",
        ratios: [
          { waitValuePerHour: 1, ratio: 1.02 },
          { waitValuePerHour: 5, ratio: 0.85 },
          { waitValuePerHour: 25, ratio: 0.92 },
        ],
      },
      {
        what: "service time +30 %",
        ratios: [
          { waitValuePerHour: 1, ratio: 1.04 },
          { waitValuePerHour: 5, ratio: 0.8 },
          { waitValuePerHour: 25, ratio: 0.9 },
        ],
      },
      {
        what: "boot time -30 %",
        ratios: [
          { waitValuePerHour: 1, ratio: 1.01 },
          { waitValuePerHour: 5, ratio: 0.88 },
          { waitValuePerHour: 25, ratio: 0.97 },
        ],
      },
      {
        what: "boot time +30 %",
        ratios: [
          { waitValuePerHour: 1, ratio: 1.05 },
          { waitValuePerHour: 5, ratio: 0.79 },
          { waitValuePerHour: 25, ratio: 0.86 },
        ],
      },
    ],
    calibration: [
      { low: 0, high: 0.2, children: 4210, appeared: 512 },
      { low: 0.2, high: 0.4, children: 1840, appeared: 571 },
      { low: 0.4, high: 0.6, children: 1377, appeared: 640 },
      { low: 0.6, high: 0.8, children: 2904, appeared: 1990 },
      { low: 0.8, high: 1, children: 9120, appeared: 6130 },
    ],
    setting: {
      command: "npx toji replay --trace foreman-2020.jsonl.gz --wait-value 1,5,25 --seed 1 --report report.html",
      config: [
        "Profile default-x86: 4 vCPU, capacity 4, at most 40 builders, spot before on demand.",
        "A launch costs a fee of $0.001; the budget is not limited.",
      ],
      prices: { region: "us-east-1", asOf: "2026-07-20" },
      hubOptions: { runInterval: 60, pollSeconds: 15, maxJobs: 8 },
      boot: "Lognormal, median 120 s, p90 180 s; 1 in 100 boots fails.",
      seed: 1,
      recorded: ["Pushes, packages and build targets of the year 2020, from the packaging repository's history."],
    },
    versionLine: "toji 0.1.0",
  };
}
