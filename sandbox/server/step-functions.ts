// Step Functions over HTTP (AWS JSON 1.0), so that the SDK's own client drives a running sandbox.

import { SFNServiceException } from "@aws-sdk/client-sfn";
import type { StepFunctionsModel } from "../machines/index.ts";
import type { WireAnswer, WireRequest } from "./aws-endpoint.ts";

const TARGET = /^AWSStepFunctions\.(\w+)$/;

/** null = the request is for another service. */
export function stepFunctionsOperation({ headers }: Pick<WireRequest, "headers">): string | null {
  return TARGET.exec(headers["x-amz-target"] ?? "")?.[1] ?? null;
}

export async function answerStepFunctions(
  model: StepFunctionsModel,
  operation: string,
  { body }: WireRequest,
): Promise<WireAnswer> {
  try {
    const { $metadata, ...output } = { $metadata: null, ...(await model.call(operation, parse(body))) };
    return json(200, output);
  } catch (error) {
    if (!(error instanceof SFNServiceException)) {
      const message = error instanceof Error ? error.message : String(error);
      return json(500, { __type: "com.amazonaws.states#InternalServerError", message });
    }
    return json(error.$metadata.httpStatusCode ?? 400, {
      __type: `com.amazonaws.states#${error.name}`,
      message: error.message,
    });
  }
}

function parse(body: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? value : [];
  } catch {
    // Refused by the model, as something that is no object.
    return [];
  }
}

/** Times on the wire are epoch seconds. */
function json(status: number, value: object): WireAnswer {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: new TextEncoder().encode(JSON.stringify(onWire(value))),
  };
}

function onWire(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(onWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, onWire(each)]));
}
