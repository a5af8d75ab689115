// A spot warning becomes a tag on the instance, so that every pass, whoever runs it, sees it.

import { listInstances, tagInstance } from "../aws/ec2.ts";
import type { FleetPorts } from "./ports.ts";
import { TAG } from "./tags.ts";

/** EventBridge sends the warnings of all instances of the account: those that are not ours are left alone. */
export async function noteSpotWarning(ports: FleetPorts, instanceId: string): Promise<void> {
  const ours = await listInstances(ports.ec2, { key: TAG.fleet, value: ports.site.builders.fleet });
  const instance = ours.find((each) => each.instanceId === instanceId);
  if (instance === undefined || instance.tags[TAG.spotNoticeAt] !== undefined) return;
  ports.telemetry.info(`EC2 takes ${instanceId} (${instance.tags[TAG.slot] ?? "no slot"}) back in two minutes`);
  await tagInstance(ports.ec2, instanceId, TAG.spotNoticeAt, String(ports.clock.now()));
}
