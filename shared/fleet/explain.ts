// Decisions in plain words: the sentences of launches, the queue by bin, the builders as a person looks at them. Pure.

import type { Site } from "../config/index.ts";
import { expectedWeight, type HubState, TASK_STATE } from "../hub/index.ts";
import { clockTime, type Demand, type Judge, round } from "./eligible.ts";
import { launchToken } from "./memory.ts";
import { instanceCost } from "./offerings.ts";
import type { Packing, PlannedLaunch } from "./pack.ts";
import { holdOn } from "./restraint.ts";
import type { Slot, Slots } from "./slots.ts";
import type { BinQueue, BuilderView, Change, Hand, Lookups, Memory } from "./types.ts";

/** Launches of one profile share one sentence: what they are for together, unless they have a reason of their own. */
export function launchChanges(packing: Packing, site: Site, memory: Memory, now: number): Change[] {
  const byProfile = Map.groupBy(packing.launches, (each) => each.slot.profile);
  return [...byProfile.values()].flatMap((launches) => {
    const demand = launches.flatMap((each) => each.demand);
    const shared = `${describeDemand(demand, now)} no room; a builder boots in about ${site.builders.bootSeconds} s`;
    return launches.map((each) => launchChange(each, site, memory, each.reason ?? shared));
  });
}

function launchChange(launch: PlannedLaunch, site: Site, memory: Memory, reason: string): Change {
  const { slot, offerings } = launch;
  return {
    kind: "launch",
    slot: slot.name,
    profile: slot.profile.name,
    token: launchToken(site, slot, memory),
    checkInAfter: slot.host?.update_ts ?? null,
    intoLost: slot.phase === "lost",
    enablesHost: slot.phase === "empty" && !slot.polling,
    offerings,
    reason,
  };
}

/** "5 buildArch, 1 tagBuild tasks (weight 8.5) in default:x86_64, oldest 40 s, find" */
function describeDemand(demand: readonly Demand[], now: number): string {
  const methods = countBy(demand, (each) => each.task.method);
  const bins = [...countBy(demand, (each) => `${each.channel}:${each.task.arch}`).keys()];
  const weight = demand.reduce((sum, each) => sum + each.weight, 0);
  const oldest = Math.max(...demand.map((each) => now - each.task.create_ts));
  const what = [...methods].map(([method, count]) => `${count} ${method}`).join(", ");
  const where = bins.length > 3 ? `${bins.slice(0, 3).join(", ")} and ${bins.length - 3} more` : bins.join(", ");
  const [noun, verb] = demand.length === 1 ? ["task", "finds"] : ["tasks", "find"];
  return `${what} ${noun} (weight ${round(weight)}) in ${where}, oldest ${Math.max(0, Math.round(oldest))} s, ${verb}`;
}

function countBy<T>(list: readonly T[], keyOf: (each: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const each of list) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  return counts;
}

/** Demand that gets no builder now: the sentence that says which limit holds it. */
export function blockedNotes(packing: Packing): string[] {
  const byReason = Map.groupBy(packing.blocked, (each) => each.reason);
  const demand = [...byReason].map(([reason, entries]) => {
    const demand = entries.flatMap((each) => each.demand);
    const bins = [...countBy(demand, (each) => `${each.channel}:${each.task.arch}`).keys()].join(", ");
    return `no launch for ${demand.length} more task(s) in ${bins}: ${reason}`;
  });
  return [...demand, ...packing.unmet];
}

export function strangerNotes(slots: Slots): string[] {
  const rivals = slots.all.flatMap((slot) =>
    slot.rivals.map(({ instanceId }) => {
      const what = `instance ${instanceId} claims slot ${slot.name}, which ${slot.instance?.instanceId} holds`;
      const why = slot.tasks.length > 0 ? "nothing is ended while the hub holds tasks for it" : "one of them must go";
      return `${what}: ${why}`;
    }),
  );
  const strangers = slots.strangers.map(
    ({ instanceId }) =>
      `instance ${instanceId} has our fleet tag, no slot tag and no user data of ours: left alone; tag it again or terminate it by hand`,
  );
  return [...rivals, ...strangers];
}

/** EC2 expects to take these back: it may never come to that, so nothing is done. */
export function rebalanceNotes(slots: readonly Slot[]): string[] {
  return slots.flatMap(({ name, instance }) =>
    instance === null || instance.rebalanceAt === null || instance.spotNoticeAt !== null
      ? []
      : [`EC2 recommends to replace ${name} since ${clockTime(instance.rebalanceAt)}: it may be taken back soon`],
  );
}

export function holdNotes({ holds }: Hand, now: number): string[] {
  const names = [...new Set(holds.map((each) => each.profile))];
  return names.flatMap(
    (name) => holdOn(name ?? "", { holds: holds.filter((each) => each.profile === name) }, now) ?? [],
  );
}

export function queueByBin(state: HubState, judge: Judge, lookups: Lookups): BinQueue[] {
  const bins = new Map<
    string,
    { channel: string; arch: string; free: number; oldestSeconds: number; weight: number }
  >();
  for (const task of state.tasks) {
    if (task.state !== TASK_STATE.FREE) continue;
    const channel = judge.channelName(task.channel_id);
    const key = `${channel}:${task.arch}`;
    const bin = bins.get(key) ?? { channel, arch: task.arch, free: 0, oldestSeconds: 0, weight: 0 };
    const seconds = task.package == null ? null : lookups.packageSeconds[task.package]?.seconds;
    bin.free += 1;
    bin.oldestSeconds = Math.max(bin.oldestSeconds, Math.round(state.now - task.create_ts));
    bin.weight += expectedWeight(task, seconds);
    bins.set(key, bin);
  }
  return [...bins.values()]
    .map((bin) => ({ ...bin, weight: Math.round(bin.weight * 100) / 100 }))
    .sort((a, b) => (a.channel === b.channel ? (a.arch < b.arch ? -1 : 1) : a.channel < b.channel ? -1 : 1));
}

/** Every slot with something in it. */
export function builderViews(slots: readonly Slot[], site: Site): BuilderView[] {
  return slots
    .filter((slot) => slot.phase !== "empty")
    .map((slot) => ({
      slot: slot.name,
      profile: slot.profile.name,
      phase: slot.phase,
      instanceId: slot.instance?.instanceId ?? null,
      instanceType: slot.instance?.instanceType ?? null,
      market: slot.instance?.market ?? null,
      pricePerHour: slot.instance === null ? 0 : instanceCost(slot.instance, site).pricePerHour,
      tasks: slot.tasks.length,
      load: slot.tasks.reduce((sum, task) => sum + (task.waiting === true ? 0 : task.weight), 0),
    }));
}

/** One line for a person: "launch builder-x86-03 (m7a.xlarge spot, us-east-1a): ..." */
export function changeSentence(change: Change): string {
  if (change.kind !== "launch") return `${change.kind} ${change.slot}: ${change.reason}`;
  const first = change.offerings[0];
  const what =
    first === undefined ? change.profile : `${change.profile}, ${first.instanceType} ${first.market}, ${first.zone}`;
  return `launch ${change.slot} (${what}): ${change.reason}`;
}
