// The site that a trace is replayed on when no config is given: a profile for each arch, as large as the trace ever needs.

import { parseSite, type Site } from "../../shared/config/index.ts";
import { type Job, zeroWaitJobs } from "./bounds/jobs.ts";
import type { Trace } from "./trace.ts";

/** Tasks of the hub's own channel run beside the hub, on no builder of ours. */
const OUTSIDE_CHANNELS: ReadonlySet<string> = new Set(["createrepo"]);

interface Kind {
  readonly instanceType: string;
  readonly onDemandPricePerHour?: number;
}

/** EC2 has no ppc64le and no s390x: a replay of such pools takes the price of the x86_64 type. */
const KINDS: Readonly<Record<string, Kind>> = {
  x86_64: { instanceType: "m7a.large" },
  aarch64: { instanceType: "m7g.large" },
};

/** What waited comes in bursts of its own: more at once than if nothing had waited. */
const SPARE = 1.3;

export interface SiteOptions {
  /**
   * Tasks at once on a builder of two vCPU; default: 4 for builds of one arch (half as dense as Foreman's old builder,
   * which took 16 on four), else 1 (a pool for each arch is small).
   */
  readonly tasksPerBuilder?: number;
  /** Most builders of a profile; default: what the trace could ever use. */
  readonly most?: number;
}

export function siteFor(trace: Trace, options: SiteOptions = {}): Site {
  const ours = trace.tasks.filter((task) => !OUTSIDE_CHANNELS.has(task.channel));
  const channels = [...new Set(ours.map((task) => task.channel))];
  const arches = [...new Set(ours.map((task) => task.arch).filter((arch) => arch !== "noarch"))].sort();
  const isFlat = ours.every((task) => task.parent === null);
  const perBuilder = options.tasksPerBuilder ?? (isFlat || arches.length > 1 ? 1 : 4);
  const known = arches.length === 0 ? ["x86_64"] : arches;
  const most = options.most ?? Math.min(9999, Math.ceil((peakTasks(trace, known) * SPARE) / perBuilder) + 10);
  return parseSite(
    JSON.stringify({
      hub: { url: "https://koji.example.org/kojihub", topUrl: "https://koji.example.org/kojifiles" },
      builders: {
        subnets: [
          { id: "subnet-0123456789abcdef0", zone: "us-east-1a" },
          { id: "subnet-0123456789abcdef1", zone: "us-east-1b" },
        ],
        budget: { maxInstances: 100_000, maxVcpus: 1_000_000, dollarsPerHour: 100_000 },
        maxLaunchesPerPass: 1000,
        profiles: known.map((arch) => ({
          name: `builders-${arch.replaceAll("_", "-")}`,
          channels,
          arches: [arch],
          capacity: isFlat ? 1.6 * perBuilder : 1.5 * perBuilder,
          maxJobs: isFlat ? perBuilder : Math.max(10, 2 * perBuilder),
          slots: { prefix: `builder-${arch}`, count: most },
          imageId: "ami-0123456789abcdef0",
          offerings: [offeringFor(arch)],
        })),
      },
    }),
    "the replay's own site",
  );
}

function offeringFor(arch: string): object {
  const kind = KINDS[arch] ?? KINDS.x86_64;
  return { ...kind, markets: ["on-demand"] };
}

/** The most tasks at work at once in one arch if nothing waits; noarch ones may all run on one. */
function peakTasks(trace: Trace, arches: readonly string[]): number {
  const places = new Map(arches.map((arch) => [arch, [{ pool: arch, share: 1 }]]));
  const jobs = zeroWaitJobs(trace, ({ channel, arch }) =>
    OUTSIDE_CHANNELS.has(channel) ? null : (places.get(arch) ?? places.get(arches[0] ?? "") ?? null),
  );
  const byPool = Map.groupBy(jobs, (job) => job.places[0]?.pool);
  return Math.max(0, ...[...byPool.values()].map(peakOf));
}

function peakOf(jobs: readonly Job[]): number {
  const changes = jobs.flatMap(({ start, seconds }): [number, number][] => [
    [start, 1],
    [start + seconds, -1],
  ]);
  changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let [now, peak] = [0, 0];
  for (const [, by] of changes) {
    now += by;
    peak = Math.max(peak, now);
  }
  return peak;
}
