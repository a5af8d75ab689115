// The wrapper of every handler: one logger, one metrics sink, errors logged once and thrown on so that Lambda counts them.

import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { openTelemetry, type Telemetry } from "./telemetry.ts";

/** A variable that the deployment sets is missing. */
export class EnvironmentIncomplete extends Error {
  override readonly name = "EnvironmentIncomplete";
  readonly retryable = false;
}

/** The value of an environment variable that must be there. */
export function environment(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === "") {
    throw new EnvironmentIncomplete(
      `environment variable ${variable} is not set: deploy with serverless.yml, which sets it`,
    );
  }
  return value;
}

let shared: Telemetry | undefined;

/** Powertools' logger and metrics, made at the first use. Log lines carry no secret: nothing that holds one is logged. */
export function lambdaTelemetry(): Telemetry {
  shared ??= openTelemetry(
    new Logger({ serviceName: "toji" }),
    new Metrics({ namespace: "Toji", serviceName: "toji" }),
    environment("TOJI_STAGE"),
  );
  return shared;
}

/** Wraps a handler. `telemetry` is where its errors go; asked for only once something is to be said. */
export function lambda<Event, Answer>(
  run: (event: Event, context: Context) => Promise<Answer>,
  telemetry: () => Telemetry = lambdaTelemetry,
) {
  return middy<Event, Answer>()
    .onError(({ error, context }) => {
      const text = error instanceof Error ? error.message : String(error);
      telemetry().warn(`failed: ${text}`, { requestId: context.awsRequestId, error });
    })
    .handler(run);
}
