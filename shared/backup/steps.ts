// How a Lambda function runs one step of the backup, drill and restore machines, or a look at all sets.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { parseSite } from "../config/index.ts";
import { environment, lambdaTelemetry } from "../lambda.ts";
import { stepOf } from "../lambda-step.ts";
import { type BackupPorts, openBackupPorts } from "./ports.ts";

/** `run` parses the event itself. `open` is called once for each container. */
export function backupStep<Answer>(
  run: (ports: BackupPorts, event: unknown) => Promise<Answer>,
  open: () => BackupPorts = openLambdaPorts,
) {
  return stepOf(run, open);
}

/** From the function's environment and bundle. */
export function openLambdaPorts(): BackupPorts {
  const root = environment("LAMBDA_TASK_ROOT");
  return openBackupPorts({
    site: parseSite(readFileSync(join(root, "toji.yml"), "utf8"), "toji.yml"),
    clock: systemClock,
    telemetry: lambdaTelemetry(),
    region: environment("AWS_REGION"),
    bucket: environment("TOJI_BUCKET"),
    script: (name) => readFileSync(join(root, "infra/hosts/hub", name), "utf8"),
  });
}
