// Lambda entry point of the sweep: what crashes left behind is marked, and removed once it is surely nobody's.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openClients } from "../../shared/aws/clients.ts";
import { systemClock } from "../../shared/clock.ts";
import { parseSite } from "../../shared/config/index.ts";
import { openSweepPorts, runSweep, type SweepPorts, type SweepResult } from "../../shared/fleet/index.ts";
import { environment, lambda, lambdaTelemetry } from "../../shared/lambda.ts";

/** Whatever the event says, a sweep looks at everything. `open` is called once for each container. */
export function sweepHandler(open: () => SweepPorts) {
  let ports: SweepPorts | undefined;
  return lambda<unknown, SweepResult>(async () => {
    ports ??= open();
    return await runSweep(ports);
  });
}

export const handler = sweepHandler(() => {
  const root = environment("LAMBDA_TASK_ROOT");
  return openSweepPorts({
    site: parseSite(readFileSync(join(root, "toji.yml"), "utf8"), "toji.yml"),
    clients: openClients(),
    clock: systemClock,
    telemetry: lambdaTelemetry(),
    bucket: environment("TOJI_BUCKET"),
    launchTemplateId: environment("TOJI_LAUNCH_TEMPLATE_ID"),
  });
});
