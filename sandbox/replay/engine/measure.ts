// What came of a replay: waits and their parts, delays of builds, money, idle time.

import { quantile } from "../../quantile.ts";
import { zeroWaitEnds } from "../bounds/jobs.ts";
import type { PolicyDetail, PolicyResult, Spread } from "../result.ts";
import type { PlayedTask } from "./task.ts";
import type { World } from "./world.ts";

export type Measured = Omit<PolicyResult, "name" | "params" | "tuned">;

/** After the last task has ended. Builders that are still there are billed to that instant. */
export function measure(world: World): Measured {
  const { fleet, setting, lastEnd } = world;
  const ours = world.tasks.filter((task) => task.pools.length > 0);
  const machines = fleet.hosts.flatMap(({ machine }) => (machine === null ? [] : [machine]));
  const bills = [...fleet.bills, ...machines.map((machine) => fleet.billOf(machine, lastEnd))];
  const seconds = sum(bills.map((bill) => bill.seconds));
  const idle = seconds - fleet.busySeconds - sum(fleet.hosts.map((host) => busyOf(host, lastEnd)));
  const delays = buildDelays(world);
  const waits = spread(ours.map((task) => task.noBuilderSeconds + task.schedulerSeconds + task.pollSeconds));
  const { max: _, ...noBuilder } = spread(ours.map((task) => task.noBuilderSeconds));
  return {
    waitSeconds: waits,
    noBuilderWaitSeconds: noBuilder,
    noBuilderWaitHours: sum(ours.map((task) => task.noBuilderSeconds)) / 3600,
    buildDelaySeconds: { p50: delays.p50, p95: delays.p95 },
    dollars: sum(bills.map((bill) => bill.dollars)) + fleet.launches * setting.launchFee,
    instanceHours: seconds / 3600,
    idleShare: seconds === 0 ? 0 : Math.max(0, idle / seconds),
    launches: fleet.launches,
    neverUsed: bills.filter((bill) => !bill.used).length,
    tasksLost: world.tasksLost,
  };
}

/** The parts that only the report shows. */
export function measureDetail(
  world: World,
  timeline: PolicyDetail["timeline"],
  told: Pick<PolicyDetail, "calibration" | "costly"> = { calibration: null, costly: [] },
): PolicyDetail {
  const ours = world.tasks.filter((task) => task.pools.length > 0);
  const hours = (of: (task: PlayedTask) => number) => sum(ours.map(of)) / 3600;
  const live = world.fleet.hosts.flatMap(({ machine }) =>
    machine === null ? [] : [world.fleet.billOf(machine, world.lastEnd)],
  );
  const byKind = Map.groupBy([...world.fleet.bills, ...live], (bill) => `${bill.instanceType} ${bill.market}`);
  return {
    waits: {
      noBuilder: hours((task) => task.noBuilderSeconds),
      scheduler: hours((task) => task.schedulerSeconds),
      poll: hours((task) => task.pollSeconds),
    },
    hoursBy: [...byKind.values()].flatMap((bills) => {
      const [first] = bills;
      if (first === undefined) return [];
      const { instanceType, market } = first;
      const seconds = sum(bills.map((bill) => bill.seconds));
      return [{ instanceType, market, hours: seconds / 3600, dollars: sum(bills.map((bill) => bill.dollars)) }];
    }),
    timeline,
    ...told,
  };
}

function busyOf(host: World["fleet"]["hosts"][number], until: number): number {
  if (host.machine === null) return 0;
  return host.busySeconds + (host.tasks.size > 0 ? until - host.busySince : 0);
}

const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);

/** By the nearest rank; all 0 for no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => quantile(sorted, share);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Of submissions: by how much they ended later than if every task had been opened at once. */
function buildDelays({ setting, tasks }: World): Spread {
  const ends = zeroWaitEnds(setting.trace);
  const roots = tasks.filter((task) => task.parent === null);
  return spread(roots.map((task) => Math.max(0, task.doneAt - (ends.get(task.is.id)?.to ?? task.doneAt))));
}
