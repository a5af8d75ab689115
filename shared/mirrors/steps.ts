// How a Lambda function runs one step of the machines mirror-check and mirror-switch.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openClients } from "../aws/clients.ts";
import { systemClock } from "../clock.ts";
import { parseSite } from "../config/index.ts";
import { environment, lambdaTelemetry } from "../lambda.ts";
import { stepOf } from "../lambda-step.ts";
import { type MirrorsPorts, openMirrorsPorts } from "./ports.ts";

/** `run` parses the event itself. `open` is called once for each container, and again after it failed. */
export function mirrorsStep<Answer>(
  run: (ports: MirrorsPorts, event: unknown) => Promise<Answer>,
  open: () => Promise<MirrorsPorts> = openLambdaPorts,
) {
  return stepOf(run, open);
}

/** From the function's environment and bundle. */
async function openLambdaPorts(): Promise<MirrorsPorts> {
  const root = environment("LAMBDA_TASK_ROOT");
  return await openMirrorsPorts({
    site: parseSite(readFileSync(join(root, "toji.yml"), "utf8"), "toji.yml"),
    clients: openClients(),
    clock: systemClock,
    telemetry: lambdaTelemetry(),
    bucket: environment("TOJI_BUCKET"),
  });
}
