// One decision: from what was seen to what is changed, what stays, and one sentence for each. Pure and total.

import type { Site } from "../config/index.ts";
import { FREE_TASK_LIMIT, type HubState, TASK_STATE } from "../hub/index.ts";
import { bootLimit, noteBoots, openBreakers } from "./boots.ts";
import { createJudge } from "./eligible.ts";
import {
  blockedNotes,
  builderViews,
  holdNotes,
  launchChanges,
  queueByBin,
  rebalanceNotes,
  strangerNotes,
} from "./explain.ts";
import { judgeUnplaced, lookAhead, slotCapacity, withReturning } from "./look-ahead.ts";
import { lookFurther, WITHOUT_FORECAST, withoutForeign } from "./look-further.ts";
import { noteHubSeen, noteListed, noteSeen, noteSpotLosses, withoutFuture, withUnlisted } from "./memory.ts";
import { bringBack, findNeeded } from "./needed.ts";
import { instanceCost, remainingBudget } from "./offerings.ts";
import { type Bounds, pack } from "./pack.ts";
import { nextStep } from "./protocol.ts";
import { findDisagreement, holdOn, restrain } from "./restraint.ts";
import type { SlotCapacity } from "./simulate.ts";
import { deriveSlots, type Slot, type Slots } from "./slots.ts";
import { findSurplus } from "./surplus.ts";
import type { Change, Decision, Instance, Memory, Snapshot } from "./types.ts";
import { findRecoveries, leaveOnePolling, sentenceForWatch, type Watch, watchTimeouts } from "./watch.ts";

/** `now` in epoch seconds; the hub's own clock is in the snapshot. */
export function decide(snapshot: Snapshot, site: Site, stored: Memory, now: number): Decision {
  const { hub, ec2 } = snapshot;
  const memory = withoutFuture(stored, site, now);
  if (!hub.seen) {
    const since = memory.hubOfflineSince ?? now;
    const lasting = hub.offline ? ` since ${new Date(since * 1000).toISOString().slice(0, 16)}Z` : "";
    return noChange(now, `no change: ${hub.reason}${lasting}`, { ...memory, hubOfflineSince: since });
  }
  const remembered = noteHubSeen(memory, now);
  if (ec2.kind === "failed") return noChange(now, `no change: ${ec2.reason}`, remembered);

  const listed = ec2.kind === "seen" ? ec2.instances : [];
  const instances = ec2.kind === "seen" ? withUnlisted(listed, remembered, site, now) : [];
  const view = ec2.kind === "seen" ? { ...ec2, instances } : ec2;
  const slots = deriveSlots(hub.state, view, site, remembered.lastInstance, {
    hubBackSeconds: secondsSince(remembered.hubBackAt, now),
    clockAhead: hub.clockAhead,
  });
  const world = { snapshot, state: hub.state, slots, instances, site, now };
  const lately = noteListed({ ...remembered, lookups: snapshot.lookups }, listed, now);
  const seen = learn(world, lately, hub.clockAhead);
  return decideOnWorld(world, seen, [...hub.notes, ...clockNote(hub.clockAhead)]);
}

const secondsSince = (at: number | null, now: number) => (at === null ? Number.POSITIVE_INFINITY : now - at);

/** A pass that saw hub and EC2. */
interface World {
  readonly snapshot: Snapshot;
  readonly state: HubState;
  readonly slots: Slots;
  /** Launches that EC2 does not list yet are among them. */
  readonly instances: readonly Instance[];
  readonly site: Site;
  readonly now: number;
}

function learn({ slots, instances, site, now }: World, memory: Memory, clockAhead: number): Memory {
  const seen = noteSeen(memory, slots.all, instances, now);
  return noteSpotLosses(noteBoots(seen, slots.all, instances, site, { now, clockAhead }), instances, site, now);
}

function decideOnWorld(world: World, seen: Memory, hubNotes: readonly string[]): Decision {
  const { snapshot, state, slots, instances, site, now } = world;
  const judge = createJudge(state, site, slots.all, snapshot.lookups);
  const capacityOf = (slot: Slot): SlotCapacity => slotCapacity(slot, site, seen, now);
  const queue = withReturning(state, slots.all);
  const ahead = lookAhead(queue.state, slots.all, snapshot, capacityOf);
  const { demand, unserved } = judgeUnplaced(ahead.simulation, state, judge);

  const outlook = site.builders.forecast
    ? lookFurther(
        {
          ...world,
          state: withoutForeign(queue.state, ahead.simulation),
          judge,
          cancelled: ahead.cancelled,
          capacityOf,
        },
        seen,
      )
    : WITHOUT_FORECAST;
  const protocol = protocolSteps(slots, ahead.cancelled, outlook.called, state, site, seen, now);
  const watch = watchTimeouts(state, slots.all, site, capacityOf);
  const packing = pack(
    demand,
    slots.all,
    site,
    boundsOf(world, seen, watch),
    seen.failedOfferings,
    sentenceForWatch(watch),
    outlook.wanted,
  );
  const needed = findNeeded(slots.all, packing);
  const surplus = leaveOnePolling(
    findSurplus(slots.all, { busySlots: ahead.simulation.busySlots, needed, kept: outlook.kept }, site, seen, now),
    watch,
  );
  const back = bringBack(slots.all, needed, protocol.changes);
  const spoken = new Set([...protocol.changes.map((each) => each.slot), ...protocol.keep.map((each) => each.builder)]);
  const drains = surplus.drains.filter((each) => !spoken.has(each.slot));
  const disagreement = snapshot.ec2.kind === "seen" ? findDisagreement(slots.all, site) : null;
  const wanted = [...protocol.changes, ...back, ...launchChanges(packing, site, seen, now), ...drains];
  const { changes, keep } = restrain(wanted, slots.all, snapshot.hand, disagreement, now);
  const breakers = [...openBreakers(site, slots.all, seen, now), ...(disagreement === null ? [] : [disagreement])];
  return {
    at: now,
    queue: queueByBin(state, judge, snapshot.lookups),
    builders: builderViews(slots.all, site),
    changes: inSafeOrder(changes),
    keep: [...keep, ...untouched(protocol.keep, changes), ...surplus.keep.filter((each) => !spoken.has(each.builder))],
    unserved,
    notes: [
      ...hubNotes,
      ...strangerNotes(slots),
      ...windowNote(state),
      ...queue.notes,
      ...rebalanceNotes(slots.all),
      ...holdNotes(snapshot.hand, now),
      ...breakers.map((each) => each.reason),
      ...blockedNotes(packing),
      ...(snapshot.ec2.kind === "not-asked"
        ? ["EC2 was not asked: builders are judged by the hub's own record of them"]
        : []),
    ],
    pricePerHour: instances.reduce(
      (sum, each) => sum + (each.state === "terminated" ? 0 : instanceCost(each, site).pricePerHour),
      0,
    ),
    breakers,
    memory: outlook.memory === null ? seen : { ...seen, forecast: outlook.memory },
  };
}

/** One sentence for each slot: what is launched into a lost one says more than why it stays lost. */
function untouched<T extends { readonly builder: string }>(keep: readonly T[], changes: readonly Change[]): T[] {
  const changed = new Set(changes.map((each) => each.slot));
  return keep.filter((each) => !changed.has(each.builder));
}

function boundsOf({ snapshot, state, slots, instances, site, now }: World, memory: Memory, watch: Watch): Bounds {
  return {
    options: state.options,
    budget: remainingBudget(instances, site),
    now,
    limitOf(profile) {
      const held = holdOn(profile.name, snapshot.hand, now);
      return held === null ? bootLimit(profile, slots.all, memory, site, now) : { launches: 0, reason: held };
    },
    uncertain: new Set(Object.keys(memory.uncertain)),
    recoveries: snapshot.ec2.kind === "seen" ? findRecoveries(state, slots.all, site, watch) : new Map(),
  };
}

/** A pass that could not see the whole world changes nothing. */
function noChange(now: number, note: string, memory: Memory): Decision {
  return {
    at: now,
    queue: [],
    builders: [],
    changes: [],
    keep: [],
    unserved: [],
    notes: [note],
    pricePerHour: 0,
    breakers: [],
    memory,
  };
}

function protocolSteps(
  slots: Slots,
  cancelled: ReadonlySet<string>,
  called: ReadonlyMap<string, string>,
  state: HubState,
  site: Site,
  memory: Memory,
  now: number,
): { readonly changes: Change[]; readonly keep: { builder: string; reason: string }[] } {
  const changes: Change[] = [];
  const keep: { builder: string; reason: string }[] = [];
  for (const slot of slots.all) {
    const reason = cancelled.has(slot.name)
      ? "the queue has tasks that only it could take at once: its drain is called off"
      : called.get(slot.name);
    if (reason !== undefined && slot.instance !== null) {
      changes.push({ kind: "cancel-drain", slot: slot.name, instanceId: slot.instance.instanceId, reason });
      continue;
    }
    const step = nextStep(slot, state, site, memory, now);
    if (step === null) continue;
    if ("change" in step) changes.push(step.change);
    else keep.push({ builder: slot.name, reason: step.keep });
  }
  return { changes, keep };
}

/** Both clocks are kept by time servers: minutes between them are somebody's mistake. */
const CLOCK_TOLERANCE_SECONDS = 60;

function clockNote(ahead: number): string[] {
  if (Math.abs(ahead) < CLOCK_TOLERANCE_SECONDS) return [];
  return [`the hub's clock is ${Math.abs(ahead)} s ${ahead > 0 ? "ahead of" : "behind"} ours: set it right`];
}

function windowNote(state: HubState): string[] {
  const free = state.tasks.filter((task) => task.state === TASK_STATE.FREE).length;
  if (free <= FREE_TASK_LIMIT) return [];
  return [`${free} tasks are FREE; the hub looks at the first ${FREE_TASK_LIMIT} only, and so does this decision`];
}

const ORDER: readonly Change["kind"][] = [
  "adopt",
  "enable",
  "cancel-drain",
  "free-tasks",
  "enable-lost",
  "disable-lost",
  "launch",
  "drain",
  "terminate",
];

/** Capacity first, then lost work, then launches; what takes capacity away comes last. */
function inSafeOrder(changes: readonly Change[]): Change[] {
  return ORDER.flatMap((kind) => changes.filter((change) => change.kind === kind));
}
