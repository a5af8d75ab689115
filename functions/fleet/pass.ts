// Lambda entry point of the fleet: schedule ticks, spot warnings, state changes and the queue alarm all lead to the same pass.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { openClients } from "../../shared/aws/clients.ts";
import { systemClock } from "../../shared/clock.ts";
import { parseSite } from "../../shared/config/index.ts";
import {
  type FleetPorts,
  type InvocationResult,
  noteSpotWarning,
  openFleetPorts,
  readBuilderScripts,
  runInvocation,
} from "../../shared/fleet/index.ts";
import { environment, lambda, lambdaTelemetry } from "../../shared/lambda.ts";

const spotWarning = z.object({
  "detail-type": z.literal("EC2 Spot Instance Interruption Warning"),
  detail: z.object({ "instance-id": z.string() }),
});

/** Any event starts a pass; a spot warning is noted first. `open` is called once for each container. */
export function fleetHandler(open: () => Promise<FleetPorts>) {
  let ports: Promise<FleetPorts> | undefined;
  const cache = { channelIds: [] };
  return lambda<unknown, Omit<InvocationResult, "last">>(async (event, context) => {
    // A container whose first start failed tries again with the next event.
    ports ??= open().catch((error: unknown) => {
      ports = undefined;
      throw error;
    });
    const opened = await ports;
    const warning = spotWarning.safeParse(event);
    if (warning.success) await noteSpotWarning(opened, warning.data.detail["instance-id"]);
    const { passes, skipped } = await runInvocation(opened, cache, ownerOf(context.awsRequestId));
    return { passes, skipped };
  });
}

/** An event may be delivered twice with one request id: each delivery is a writer of its own. */
function ownerOf(requestId: string): string {
  return `${requestId}/${randomUUID()}`;
}

export const handler = fleetHandler(() => {
  const root = environment("LAMBDA_TASK_ROOT");
  return openFleetPorts({
    site: parseSite(readFileSync(join(root, "toji.yml"), "utf8"), "toji.yml"),
    clients: openClients(),
    clock: systemClock,
    telemetry: lambdaTelemetry(),
    bucket: environment("TOJI_BUCKET"),
    launchTemplateId: environment("TOJI_LAUNCH_TEMPLATE_ID"),
    scripts: readBuilderScripts(root),
  });
});
