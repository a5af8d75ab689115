// States of the console to look at and to test with.

import type { ConsoleState } from "../../sandbox/console/index.ts";
import type { BuilderView, SlotPhase } from "../../shared/fleet/types.ts";

export const PHASES = [
  "empty",
  "launching",
  "booting",
  "serving",
  "draining",
  "stopping",
  "stopped",
  "lost",
  "unknown",
] as const satisfies readonly SlotPhase[];

const NOW = Date.UTC(2026, 10, 23, 14, 2, 7) / 1000;

export function builder(slot: string, phase: SlotPhase, changes: Partial<BuilderView> = {}): BuilderView {
  const gone = phase === "empty" || phase === "lost";
  return {
    slot,
    profile: slot.includes("arm") ? "default-arm" : "default-x86",
    phase,
    instanceId: gone ? null : `i-0${slot.length}c0ffee`,
    instanceType: gone ? null : slot.includes("arm") ? "m7g.2xlarge" : "m7a.large",
    market: gone ? null : slot.includes("arm") ? "on-demand" : "spot",
    pricePerHour: gone ? 0 : slot.includes("arm") ? 0.3264 : 0.0478,
    tasks: 0,
    load: 0,
    ...changes,
  };
}

/** A busy minute: every phase, two architectures, a burst that waits. */
export function busyState(changes: Partial<ConsoleState> = {}): ConsoleState {
  return {
    now: NOW,
    speed: 20,
    hubUrl: "http://127.0.0.1:8080/kojihub",
    pageUrl: "http://127.0.0.1:8081/",
    backups: {
      summary: "2 unverified, 1 verified; newest proof 3.4 h old, restored in 13 min",
      running: ["nightly-3: WaitForSnapshots"],
      command: "npx toji backup list --endpoint http://127.0.0.1:4082 --bucket toji-sandbox --region us-east-1",
    },
    mirrors: {
      summary: "3 ok, 1 partial; candidates 4 ok; 2 of 84 live rpms gone; looked at 4 min ago",
      running: ["failover-updates: WaitForRepos"],
      news: "13:58 example-updates (x86_64) at https://mirror.example.org/updates/x86_64/ is partial: rpms: 2 of 20 do not answer",
      command: "npx toji mirrors list --endpoint http://127.0.0.1:4082 --bucket toji-sandbox --region us-east-1",
    },
    queue: [
      { channel: "createrepo", arch: "noarch", free: 1, oldestSeconds: 4, weight: 1.5 },
      { channel: "default", arch: "aarch64", free: 2, oldestSeconds: 412, weight: 3.5 },
      { channel: "default", arch: "noarch", free: 3, oldestSeconds: 12, weight: 0.6 },
      { channel: "default", arch: "x86_64", free: 11, oldestSeconds: 96, weight: 17.25 },
    ],
    builders: [
      builder("builder-arm-01", "serving", { tasks: 3, load: 5.5 }),
      builder("builder-arm-02", "booting"),
      builder("builder-x86-01", "serving", { tasks: 1, load: 1.5 }),
      builder("builder-x86-02", "serving", { tasks: 2, load: 3.75 }),
      builder("builder-x86-03", "draining", { tasks: 1, load: 0.5 }),
      builder("builder-x86-04", "launching"),
      builder("builder-x86-05", "launching"),
      builder("builder-x86-06", "stopping"),
      builder("builder-x86-07", "stopped"),
      builder("builder-x86-08", "lost", { tasks: 2, load: 3 }),
      builder("builder-x86-09", "unknown"),
      builder("builder-x86-10", "empty"),
    ],
    capacities: { "default-x86": 3, "default-arm": 6 },
    tasks: Array.from({ length: 24 }, (_, index) => ({
      id: 4211 + index,
      method: index % 5 === 4 ? "createrepo" : "buildArch",
      arch: index % 5 === 4 ? "noarch" : index % 3 === 0 ? "aarch64" : "x86_64",
      channel: index % 5 === 4 ? "createrepo" : "default",
      state: index < 14 ? "FREE" : index < 17 ? "ASSIGNED" : "OPEN",
      host: index < 14 ? null : `builder-x86-0${1 + (index % 3)}`,
      ageSeconds: 4 + index * 17,
    })),
    decisions: [
      {
        at: NOW - 2,
        changes: [
          "launch builder-x86-04 (default-x86, m7a.large spot, us-east-1a): 8 buildArch tasks (weight 13.25) in default:x86_64, oldest 96 s, find no room; a builder boots in about 130 s",
          "launch builder-x86-05 (default-x86, m7a.large spot, us-east-1a): 8 buildArch tasks (weight 13.25) in default:x86_64, oldest 96 s, find no room; a builder boots in about 130 s",
          "terminate builder-x86-06: drained, its kojid has stopped and no task is on it",
        ],
        keep: [
          "keep builder-arm-01: has 3 task(s), load 5.5 of 6",
          "keep builder-x86-01: has 1 task(s), load 1.5 of 3",
          "keep builder-x86-02: has 2 task(s), load 3.8 of 3",
        ],
        notes: [
          "no launch for 3 more task(s) in default:x86_64: the budget of $1.20 an hour leaves $0.03",
          "task 4219 (buildArch, ppc64le) is left alone: no profile builds ppc64le",
        ],
      },
      {
        at: NOW - 62,
        changes: [
          "drain builder-x86-03: idle 151 s, break-even is 150 s, and the queue has no task for it, saves $0.05 an hour",
        ],
        keep: ["keep builder-x86-01: idle 70 s, break-even is 150 s"],
        notes: [],
      },
      {
        at: NOW - 100,
        changes: [
          "enable builder-x86-02: it checked in 4 s ago with the kojid of this launch",
          "free-tasks builder-x86-08: EC2 took the instance; tasks 4190, 4191 go back to the queue",
        ],
        keep: [],
        notes: [],
      },
      {
        at: NOW - 480,
        changes: [],
        keep: [],
        notes: ['no change: the hub answered "server is offline" (fault 1014) since 2026-11-23T13:52Z'],
      },
    ],
    totals: {
      tasksDone: 1342,
      waitP50Seconds: 12,
      waitP95Seconds: 204,
      instanceHours: 41.27,
      dollars: 3.912,
      launches: 57,
      pricePerHour: 0.9871,
    },
    history: Array.from({ length: 60 }, (_, index) => ({
      at: NOW - (59 - index) * 15,
      free: Math.round(9 + 8 * Math.sin(index / 6)),
      running: Math.round(10 + 6 * Math.sin(index / 6 - 1)),
      builders: Math.round(8 + 4 * Math.sin(index / 6 - 1.6)),
    })),
    ...changes,
  };
}

/** Before the first pass. */
export function quietState(changes: Partial<ConsoleState> = {}): ConsoleState {
  const zero = { tasksDone: 0, instanceHours: 0, dollars: 0, launches: 0, pricePerHour: 0 };
  return {
    ...busyState(),
    queue: [],
    builders: [],
    tasks: [],
    decisions: [],
    history: [],
    totals: { ...zero, waitP50Seconds: Number.NaN, waitP95Seconds: Number.NaN },
    ...changes,
  };
}
