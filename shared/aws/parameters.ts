// Secrets and certificates from SSM parameters. The values go to their user and nowhere else.

import { GetParameterCommand } from "@aws-sdk/client-ssm";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, errorName } from "./errors.ts";

/** A parameter that the config names cannot be read. */
export class ParameterMissing extends Error {
  override readonly name = "ParameterMissing";
  readonly parameter: string;
  readonly retryable = false;
  constructor(parameter: string, options?: ErrorOptions) {
    super(`SSM parameter ${parameter} does not exist: make it as \`npx toji config init\` says`, options);
    this.parameter = parameter;
  }
}

export async function readParameter(clients: Pick<AwsClients, "ssm">, name: string): Promise<string> {
  try {
    const reply = await clients.ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    const value = reply.Parameter?.Value;
    if (value === undefined || value === "") throw new ParameterMissing(name);
    return value;
  } catch (error) {
    if (error instanceof ParameterMissing) throw error;
    if (errorName(error) === "ParameterNotFound") throw new ParameterMissing(name, { cause: error });
    throw new AwsCallFailed("GetParameter", error);
  }
}
