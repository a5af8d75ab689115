// The steps that change a builder that exists: enable, drain, terminate, and what is done for a lost one.
// The order within each step is the way it may be cut off: what is true at EC2 or the hub is never ahead of its mark.

import { tagInstance, terminateInstance, untagInstance } from "../aws/ec2.ts";
import { AwsCallFailed } from "../aws/errors.ts";
import { disableHost, enableHost, freeTask, write } from "../hub/index.ts";
import { readHolding, writeTogether } from "./host.ts";
import type { FleetPorts } from "./ports.ts";
import { isUntouched } from "./slots.ts";
import { identityKey, TAG } from "./tags.ts";
import { forgetLaunch } from "./template.ts";
import type { Change, Instance } from "./types.ts";

type Step<Kind extends Change["kind"]> = Extract<Change, { kind: Kind }>;

/** The step was not taken, because the world is not as the decision saw it. The next pass decides anew. */
export class NotAsSeen extends Error {
  override readonly name = "NotAsSeen";
  readonly retryable = true;
}

/** All tags in one call: an instance has lost them together. While its identity lies there it was never enabled. */
export async function adoptBuilder(ports: FleetPorts, change: Step<"adopt">): Promise<void> {
  const { [TAG.enabledAt]: enabledAt, ...tags } = change.tags;
  const identity = identityKey(change.slot, change.tags[TAG.launch] ?? "");
  const wasEnabled = enabledAt !== undefined && (await ports.store.get(identity)) === null;
  await tagInstance(ports.ec2, change.instanceId, wasEnabled ? change.tags : tags);
}

/** Its kojid has checked in: it may get tasks, and what its launch needed is put away. */
export async function enableBuilder(ports: FleetPorts, change: Step<"enable">, instance: Instance): Promise<void> {
  await write(await ports.hubWriter(), enableHost(change.slot));
  await putAway(ports, change.slot, instance).catch((error: unknown) => {
    // What is left over is swept with a later launch, and its bucket forgets identities after a day.
    if (!(error instanceof AwsCallFailed)) throw error;
    ports.telemetry.warn(`the launch of ${change.slot} could not be put away: ${error.message}`);
  });
  // Last: an instance without this tag is enabled again, one with it that is disabled was disabled by a person.
  await tagInstance(ports.ec2, instance.instanceId, { [TAG.enabledAt]: String(ports.clock.now()) });
}

/** Marked before it is disabled, so that no later pass takes the disabled host for a person's doing. */
export async function drainBuilder(ports: FleetPorts, change: Step<"drain">): Promise<void> {
  await tagInstance(ports.ec2, change.instanceId, { [TAG.drainingAt]: String(ports.clock.now()) });
  // Without it the builder does not count as one that may come back.
  if (change.forGood) await untagInstance(ports.ec2, change.instanceId, TAG.enabledAt);
  await write(await ports.hubWriter(), disableHost(change.slot));
}

export async function cancelDrain(ports: FleetPorts, slot: string, instanceId: string): Promise<void> {
  await write(await ports.hubWriter(), enableHost(slot));
  await untagInstance(ports.ec2, instanceId, TAG.drainingAt);
}

/** Looks once more, then terminates. If EC2 refuses, a builder that had been serving serves again. */
export async function terminateBuilder(
  ports: FleetPorts,
  change: Step<"terminate">,
  instance: Instance,
): Promise<void> {
  const { host, tasks } = await readHolding(await ports.hubWriter(), change.slot);
  if (change.neverCheckedIn) {
    // A kojid opens nothing before its first check-in.
    if (!isUntouched(instance, host)) throw new NotAsSeen("its kojid has checked in meanwhile: not terminated");
  } else {
    if (tasks[0] !== undefined) throw new NotAsSeen(`the hub holds task ${tasks[0].id} for it now: not terminated`);
    if (host?.enabled === true) throw new NotAsSeen("somebody enabled it meanwhile: not terminated");
  }
  // Before the end, for nothing leads back to it afterwards.
  await putAway(ports, change.slot, instance);
  try {
    await terminateInstance(ports.ec2, instance.instanceId);
  } catch (error) {
    if (error instanceof AwsCallFailed && error.code === "InvalidInstanceID.NotFound") {
      throw new NotAsSeen("EC2 does not know the instance right now: the next pass looks again", { cause: error });
    }
    if (instance.enabledAt !== null) {
      ports.telemetry.warn(`terminating ${change.slot} failed: enabled again`);
      await cancelDrain(ports, change.slot, instance.instanceId);
    }
    throw error;
  }
}

/** With the admin permission: what a lost builder held goes back to the queue now. */
export async function freeTasks(ports: FleetPorts, change: Step<"free-tasks">): Promise<void> {
  await forgetService(ports, change.instanceId);
  // Disabled in the same call: the hub takes a dead host for ready for minutes, and would give them back to it.
  await writeTogether(await ports.hubWriter(), [disableHost(change.slot), ...change.taskIds.map(freeTask)]);
}

export async function enableLost(ports: FleetPorts, change: Step<"enable-lost">): Promise<void> {
  await write(await ports.hubWriter(), enableHost(change.slot));
}

/** A stopped instance loses its marks first: should somebody start it again, it is enabled as a fresh one would be. */
async function forgetService({ ec2 }: FleetPorts, instanceId: string | null): Promise<void> {
  if (instanceId !== null) await untagInstance(ec2, instanceId, TAG.enabledAt, TAG.drainingAt);
}

export async function disableLost(ports: FleetPorts, change: Step<"disable-lost">): Promise<void> {
  await forgetService(ports, change.instanceId);
  await write(await ports.hubWriter(), disableHost(change.slot));
}

async function putAway(ports: FleetPorts, slot: string, instance: Instance): Promise<void> {
  if (instance.launch === null || instance.templateVersion === null) return;
  await forgetLaunch(ports, slot, instance.launch, instance.templateVersion);
}
