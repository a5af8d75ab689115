// A spot warning or a rebalance recommendation becomes a tag on the instance, so that every pass, whoever runs it, sees it.

import { listInstances, tagInstance } from "../aws/ec2.ts";
import type { FleetPorts } from "./ports.ts";
import { TAG } from "./tags.ts";

/** EC2 takes the instance back: two minutes ahead, if it warns at all. */
export async function noteSpotWarning(ports: FleetPorts, instanceId: string): Promise<void> {
  await note(ports, instanceId, TAG.spotNoticeAt, "EC2 takes it back in two minutes");
}

/** It may be taken back soon. It only informs: the decision says so, and nothing is drained for it. */
export async function noteRebalance(ports: FleetPorts, instanceId: string): Promise<void> {
  await note(ports, instanceId, TAG.rebalanceAt, "EC2 recommends to replace it");
}

/** EventBridge sends what happens to all instances of the account: those that are not ours are left alone. */
async function note(ports: FleetPorts, instanceId: string, tag: string, what: string): Promise<void> {
  const ours = await listInstances(ports.ec2, { key: TAG.fleet, value: ports.site.builders.fleet });
  const instance = ours.find((each) => each.instanceId === instanceId);
  if (instance === undefined || instance.tags[tag] !== undefined) return;
  ports.telemetry.info(`${instance.tags[TAG.slot] ?? "no slot"} (${instanceId}): ${what}`);
  await tagInstance(ports.ec2, instanceId, { [tag]: String(ports.clock.now()) });
}
