// `npm run bench:decide`: one decision over 1,000 FREE tasks, 2,000 hosts and 50 profiles; the bar is 150 ms.

import { parseSite } from "../../shared/config/index.ts";
import { decide, EMPTY_MEMORY, type Instance, type Snapshot } from "../../shared/fleet/index.ts";
import { DEFAULT_HUB_OPTIONS, type Host, type Task } from "../../shared/hub/index.ts";

const BAR_MS = 150;
const ROUNDS = 15;
const now = 1_795_000_000;
const ARCHES = ["x86_64", "aarch64", "ppc64le", "s390x", "i386"];

const site = parseSite(
  JSON.stringify({
    hub: { url: "https://hub.test/kojihub", topUrl: "https://hub.test/kojifiles" },
    builders: {
      subnets: [{ id: "subnet-0a", zone: "us-east-1a" }],
      budget: { maxInstances: 2000, maxVcpus: 20000, dollarsPerHour: 2000 },
      maxLaunchesPerPass: 400,
      profiles: Array.from({ length: 50 }, (_, index) => ({
        name: `p${index}`,
        channels: [`channel${index % 10}`],
        arches: [ARCHES[index % 5]],
        capacity: 4 + (index % 5),
        slots: { prefix: `b${index}`, count: 30 },
        imageId: "ami-0a",
        offerings: [{ instanceType: "m7a.xlarge" }, { instanceType: "m6a.2xlarge" }],
      })),
    },
  }),
  "bench",
);

const channels = Array.from({ length: 10 }, (_, id) => ({ id, name: `channel${id}`, enabled: true }));
/** Half of the hosts are pool slots with an instance, half are static; all are full or nearly so. */
const hosts: Host[] = Array.from({ length: 2000 }, (_, index) => ({
  id: index + 1,
  name: index < 1000 ? `b${index % 50}-${String(Math.floor(index / 50) + 1).padStart(2, "0")}` : `static-${index}`,
  arches: ARCHES[index % 5] ?? "",
  capacity: index % 16 === 0 ? 2.5 : 1.2,
  enabled: true,
  ready: true,
  task_load: 0,
  update_ts: now - (index % 60),
  channels: [index % 10],
  data: { maxjobs: 10 },
}));
const task = (id: number, state: 0 | 1, host_id: number | null): Task => ({
  id,
  state,
  waiting: false,
  weight: state === 1 ? 1.5 : 1,
  channel_id: id % 10,
  host_id,
  arch: id % 3 === 0 ? "noarch" : (ARCHES[id % 5] ?? ""),
  method: id % 4 === 0 ? "build" : "buildArch",
  priority: 20 - (id % 2),
  create_ts: now - 600 + (id % 500),
});
const tasks = [
  ...Array.from({ length: 2000 }, (_, index) => task(10_000 + index, 1, index + 1)),
  ...Array.from({ length: 1000 }, (_, index) => task(20_000 + index, 0, null)),
];
const instances: Instance[] = hosts.slice(0, 1000).map((host, index) => ({
  instanceId: `i-${index}`,
  state: "running",
  instanceType: "m7a.xlarge",
  zone: "us-east-1a",
  market: "spot",
  launchedAt: now - 3600,
  slot: host.name,
  profile: `p${index % 50}`,
  checkInAfter: null,
  enabledAt: now - 3000,
  drainingAt: null,
  spotNoticeAt: null,
  launch: "token",
  imageId: null,
  rebalanceAt: null,
  pinned: false,
  drainNow: false,
  takenBySpot: false,
  untagged: false,
  templateVersion: null,
}));
const snapshot: Snapshot = {
  at: now,
  hub: {
    seen: true,
    version: "1.35.3",
    latencySeconds: 0,
    clockAhead: 0,
    notes: [],
    state: { now, options: DEFAULT_HUB_OPTIONS, channels, hosts, tasks, refusals: [], runs: [] },
  },
  ec2: { kind: "seen", instances },
  lookups: { tagArches: {}, packageSeconds: {} },
  hand: { holds: [] },
};

const times: number[] = [];
let summary = "";
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  const decision = decide(snapshot, site, EMPTY_MEMORY, now);
  times.push(performance.now() - start);
  const launches = decision.changes.filter((change) => change.kind === "launch").length;
  summary = `${decision.queue.length} bins, ${launches} launches, ${decision.keep.length} kept, ${decision.unserved.length} unserved`;
}
const first = times[0] ?? 0;
const median = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
console.log(`decide: 1,000 FREE tasks, 2,000 hosts, 50 profiles: ${summary}`);
console.log(`first (cold) ${first.toFixed(0)} ms, median of ${ROUNDS} ${median.toFixed(0)} ms, bar ${BAR_MS} ms`);
if (first > BAR_MS || median > BAR_MS) {
  console.error("slower than the bar");
  process.exitCode = 1;
}
