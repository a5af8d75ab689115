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
  noteRebalance,
  noteSpotWarning,
  openFleetPorts,
  readBuilderScripts,
  runInvocation,
} from "../../shared/fleet/index.ts";
import { environment, lambda, lambdaTelemetry } from "../../shared/lambda.ts";

const notice = z.object({
  "detail-type": z.enum(["EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"]),
  detail: z.object({ "instance-id": z.string() }),
});

const NOTE = {
  "EC2 Spot Instance Interruption Warning": noteSpotWarning,
  "EC2 Instance Rebalance Recommendation": noteRebalance,
} as const;

/** Any event starts a pass; what EC2 announces is noted first. `open` is called once for each container. */
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
    const { data: announced } = notice.safeParse(event);
    if (announced !== undefined) await NOTE[announced["detail-type"]](opened, announced.detail["instance-id"]);
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
