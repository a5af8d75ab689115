// SSM in memory: its parameters, and commands on machines.

import {
  GetCommandInvocationCommand,
  GetParameterCommand,
  GetParametersCommand,
  type GetParametersResult,
  type Parameter,
  ParameterNotFound,
  type ParameterType,
  SendCommandCommand,
  SSMServiceException,
} from "@aws-sdk/client-ssm";
import type { Clock } from "../../shared/clock.ts";
import { ApiGate, type FaultOptions } from "./api-gate.ts";
import type { RunCommands } from "./run-command.ts";

export interface ParameterSeed {
  readonly value: string;
  readonly type: ParameterType;
}

export interface SsmOptions {
  readonly clock: Clock;
  /** By name; a text alone is a SecureString. */
  readonly parameters?: Readonly<Record<string, string | ParameterSeed>>;
  /** Where commands go; without it the model knows none. */
  readonly commands?: RunCommands;
  /** Virtual seconds every call takes; default 0. */
  readonly latencySeconds?: number;
}

interface StoredParameter extends ParameterSeed {
  readonly version: number;
  readonly modifiedAt: number;
}

/** SSM's limit for one GetParameters. Source: SDK typings. */
const MOST_NAMES = 10;

export class SsmModel {
  readonly #clock: Clock;
  readonly #gate: ApiGate;
  readonly #commands: RunCommands | undefined;
  readonly #parameters = new Map<string, StoredParameter>();

  constructor({ clock, parameters = {}, commands, latencySeconds = 0 }: SsmOptions) {
    this.#clock = clock;
    this.#commands = commands;
    this.#gate = new ApiGate(clock, latencySeconds);
    for (const [name, seed] of Object.entries(parameters)) this.setParameter(name, seed);
  }

  async send(command: object): Promise<object> {
    if (command instanceof GetParameterCommand) {
      return this.#gate.pass("GetParameter", () => {
        const { Name = "", WithDecryption = false } = command.input;
        const stored = this.#find(Name);
        if (stored === undefined) {
          throw new ParameterNotFound({ message: "UnknownError", $metadata: { httpStatusCode: 400 } });
        }
        return { Parameter: view(Name, stored, WithDecryption), $metadata: { httpStatusCode: 200 } };
      });
    }
    if (command instanceof GetParametersCommand) {
      return this.#gate.pass("GetParameters", () => ({
        ...this.#getParameters(command.input.Names ?? [], command.input.WithDecryption ?? false),
        $metadata: { httpStatusCode: 200 },
      }));
    }
    const commands = this.#commands;
    if (commands !== undefined && command instanceof SendCommandCommand)
      return this.#gate.pass("SendCommand", () => ({
        ...commands.send(command.input),
        $metadata: { httpStatusCode: 200 },
      }));
    if (commands !== undefined && command instanceof GetCommandInvocationCommand)
      return this.#gate.pass("GetCommandInvocation", () => ({
        ...commands.get(command.input),
        $metadata: { httpStatusCode: 200 },
      }));
    throw new Error(`the SSM model does not know ${command.constructor.name}: add it to sandbox/world/ssm.ts`);
  }

  setParameter(name: string, seed: string | ParameterSeed): void {
    const { value, type } = typeof seed === "string" ? { value: seed, type: "SecureString" as const } : seed;
    const version = (this.#parameters.get(name)?.version ?? 0) + 1;
    this.#parameters.set(name, { value, type, version, modifiedAt: this.#clock.now() });
  }

  deleteParameter(name: string): void {
    this.#parameters.delete(name);
  }

  /** `error`: an SSM code (ThrottlingException, ...) or an error of your own; null = whatever is called next. */
  failNext(operation: string | null, error: string | Error, options: FaultOptions = {}): void {
    const makeError = () => (typeof error === "string" ? ssmError(error, `${error} (injected)`) : error);
    this.#gate.failNext(operation, makeError, options);
  }

  callCounts(): Readonly<Record<string, number>> {
    return this.#gate.callCounts();
  }

  /** Names that do not exist are listed, not an error. */
  #getParameters(names: readonly string[], decrypt: boolean): GetParametersResult {
    if (names.length > MOST_NAMES)
      throw ssmError("ValidationException", `no more than ${MOST_NAMES} names in one call`);
    const Parameters: Parameter[] = [];
    const InvalidParameters: string[] = [];
    for (const name of names) {
      const stored = this.#find(name);
      if (stored === undefined) InvalidParameters.push(name);
      else Parameters.push(view(name, stored, decrypt));
    }
    return { Parameters, InvalidParameters };
  }

  #find(name: string): StoredParameter | undefined {
    if (name.includes(":"))
      throw new Error("the SSM model does not know ARNs, versions and labels: add them to ssm.ts");
    return this.#parameters.get(name);
  }
}

/** Without decryption a SecureString comes as its cipher text. */
function view(name: string, { value, type, version, modifiedAt }: StoredParameter, decrypt: boolean): Parameter {
  return {
    Name: name,
    Type: type,
    Value: type === "SecureString" && !decrypt ? `AQICAHencrypted${version}` : value,
    Version: version,
    LastModifiedDate: new Date(modifiedAt * 1000),
  };
}

function ssmError(code: string, message: string): SSMServiceException {
  return new SSMServiceException({ name: code, message, $fault: "client", $metadata: { httpStatusCode: 400 } });
}
