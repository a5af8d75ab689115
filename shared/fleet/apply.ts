// Makes the changes of a decision, one by one and in its order; each outcome is a sentence. What fails is seen again next pass.

import { LeaseLost } from "../aws/lease.ts";
import { HubOffline, HubUnreachable } from "../hub/index.ts";
import {
  adoptBuilder,
  cancelDrain,
  disableLost,
  drainBuilder,
  enableBuilder,
  enableLost,
  freeTasks,
  terminateBuilder,
} from "./builders.ts";
import { changeSentence } from "./explain.ts";
import { isMismatch, isThrottled, isUnanswered, launchBuilder } from "./launch.ts";
import { noteLaunches } from "./memory.ts";
import type { FleetPorts } from "./ports.ts";
import { shownLaunches } from "./template.ts";
import type {
  Change,
  Decision,
  FailedOffering,
  Instance,
  Launch,
  Memory,
  OfferingChoice,
  RecentLaunch,
} from "./types.ts";

export interface Outcome {
  readonly kind: Change["kind"];
  readonly slot: string;
  readonly done: boolean;
  /** What was done, or why not. */
  readonly sentence: string;
}

export interface Applied {
  readonly outcomes: readonly Outcome[];
  readonly memory: Memory;
}

/** What launches teach while a pass runs. */
interface Lessons {
  readonly failed: FailedOffering[];
  readonly withoutInstance: string[];
  readonly launched: Record<string, RecentLaunch>;
  readonly unanswered: Record<string, number>;
  /** EC2 asked for fewer calls: no further launch in this pass. */
  throttled: boolean;
}

/** `mayGoOn` says whether this invocation still is the one writer; asked before every change. */
export async function apply(
  decision: Decision,
  instances: readonly Instance[],
  ports: FleetPorts,
  mayGoOn: () => boolean,
): Promise<Applied> {
  const lessons: Lessons = { failed: [], withoutInstance: [], launched: {}, unanswered: {}, throttled: false };
  const byId = new Map(instances.map((instance) => [instance.instanceId, instance]));
  const outcomes: Outcome[] = [];
  for (const change of decision.changes) {
    if (!mayGoOn()) {
      ports.telemetry.warn("the lease is about to end: the remaining changes wait for the next pass");
      break;
    }
    ports.telemetry.info(changeSentence(change), { slot: change.slot });
    const outcome = await applyOne(change, byId, ports, lessons);
    outcomes.push(outcome);
    if (!outcome.done)
      ports.telemetry.warn(`${change.kind} ${change.slot} not done: ${outcome.sentence}`, { slot: change.slot });
    if (outcome.stop) break;
  }
  const { failed, withoutInstance, launched, unanswered } = lessons;
  return { outcomes, memory: noteLaunches(decision.memory, failed, withoutInstance, launched, unanswered) };
}

async function applyOne(
  change: Change,
  byId: ReadonlyMap<string, Instance>,
  ports: FleetPorts,
  lessons: Lessons,
): Promise<Outcome & { readonly stop?: boolean }> {
  const { kind, slot } = change;
  try {
    return { kind, slot, ...(await takeStep(change, byId, ports, lessons)) };
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    if (isThrottled(error)) lessons.throttled ||= kind === "launch";
    // Without its hub there is nothing more to do safely in this pass.
    const stop = error instanceof HubOffline || error instanceof HubUnreachable;
    return { kind, slot, done: false, sentence: sentenceOf(error), stop };
  }
}

async function takeStep(
  change: Change,
  byId: ReadonlyMap<string, Instance>,
  ports: FleetPorts,
  lessons: Lessons,
): Promise<{ readonly done: boolean; readonly sentence: string }> {
  switch (change.kind) {
    case "launch":
      return await launch(change, byId, ports, lessons);
    case "adopt":
      await adoptBuilder(ports, change);
      return { done: true, sentence: "its tags are back" };
    case "enable":
      await enableBuilder(ports, change, instanceOf(change, byId));
      return { done: true, sentence: "enabled" };
    case "cancel-drain":
      await cancelDrain(ports, change.slot, change.instanceId);
      return { done: true, sentence: "its drain is called off" };
    case "drain":
      await drainBuilder(ports, change);
      return { done: true, sentence: "disabled" };
    case "terminate":
      await terminateBuilder(ports, change, instanceOf(change, byId));
      return { done: true, sentence: "terminated" };
    case "free-tasks":
      await freeTasks(ports, change);
      return { done: true, sentence: `freed tasks ${change.taskIds.join(", ")}` };
    case "enable-lost":
      await enableLost(ports, change);
      return { done: true, sentence: "enabled, so that the hub frees its tasks" };
    case "disable-lost":
      await disableLost(ports, change);
      return { done: true, sentence: "disabled" };
  }
}

function instanceOf(change: { readonly instanceId: string }, byId: ReadonlyMap<string, Instance>): Instance {
  const instance = byId.get(change.instanceId);
  if (instance === undefined) throw new Error(`${change.instanceId} is not among the instances of this pass`);
  return instance;
}

async function launch(
  change: Launch,
  byId: ReadonlyMap<string, Instance>,
  ports: FleetPorts,
  lessons: Lessons,
): Promise<{ readonly done: boolean; readonly sentence: string }> {
  if (lessons.throttled) return { done: false, sentence: "EC2 asked for fewer calls: it waits for the next pass" };
  const profile = ports.site.builders.profiles.find((each) => each.name === change.profile);
  if (profile === undefined) throw new Error(`no profile ${change.profile} in the config`);
  const shown = shownLaunches(byId.values());
  try {
    const result = await launchBuilder(ports, change, profile, shown);
    lessons.failed.push(...result.failed);
    lessons.throttled ||= result.throttled;
    if (result.instance === null) lessons.withoutInstance.push(change.slot);
    else noteLaunch(change, result.instance.instanceId, result.instance.offering, ports, lessons);
    return { done: result.instance !== null, sentence: result.sentence };
  } catch (error) {
    // An earlier attempt used the token with other parameters, and its answer was lost: EC2 may list its instance yet.
    // The slot counts as taken meanwhile; if nothing appears, the next launch has another token.
    const [first] = change.offerings;
    if (isMismatch(error) && first !== undefined) noteLaunch(change, `launch ${change.token}`, first, ports, lessons);
    else if (isUnanswered(error)) lessons.unanswered[change.slot] = ports.clock.now();
    throw error;
  }
}

function noteLaunch(
  { slot, profile }: Launch,
  instanceId: string,
  { instanceType, zone, market }: OfferingChoice,
  ports: FleetPorts,
  lessons: Lessons,
): void {
  lessons.launched[slot] = { instanceId, at: ports.clock.now(), profile, instanceType, zone, market };
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
