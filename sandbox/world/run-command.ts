// SSM's Run Command: scripts that reach a machine after a while, run there, and answer piece by piece.

import {
  type GetCommandInvocationCommandInput,
  type GetCommandInvocationResult,
  InvalidDocument,
  InvalidInstanceId,
  InvocationDoesNotExist,
  type SendCommandCommandInput,
  type SendCommandResult,
  SSMServiceException,
} from "@aws-sdk/client-ssm";
import type { VirtualClock } from "./clock.ts";

/** A machine with SSM's agent. */
export interface CommandHost {
  /** The agent is there and takes commands. */
  isReachable(): boolean;
  /** Runs a shell script to its end; the signal says that the agent kills it. */
  run(script: string, signal: AbortSignal): Promise<ScriptResult>;
}

export interface ScriptResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunCommandOptions {
  readonly clock: VirtualClock;
  /** Seconds from SendCommand until the invocation can be asked for; default 1. */
  readonly visibleSeconds?: number;
  /** Seconds from SendCommand until the machine starts the script; default 2. */
  readonly deliverySeconds?: number;
}

type Ending = "Success" | "Failed" | "Execution Timed Out" | "Delivery Timed Out" | "Undeliverable";

interface Invocation {
  readonly instanceId: string;
  readonly sentAt: number;
  readonly comment: string;
  startedAt: number | null;
  endedAt: number | null;
  ending: Ending | null;
  result: ScriptResult;
}

/** What GetCommandInvocation shows of a longer output. Source: SDK typings. */
const STDOUT_CHARACTERS = 24_000;
const STDERR_CHARACTERS = 8000;

/** AWS-RunShellScript's own default, in seconds, and SendCommand's for the delivery. */
const EXECUTION_SECONDS = 3600;
const DELIVERY_SECONDS = 3600;

/** Systems Manager refuses larger requests. */
const REQUEST_BYTES = 64 * 1024;

export class RunCommands {
  readonly #clock: VirtualClock;
  readonly #visibleSeconds: number;
  readonly #deliverySeconds: number;
  readonly #hosts = new Map<string, CommandHost>();
  readonly #invocations = new Map<string, Invocation>();
  #undeliverable = 0;
  #delays: number[] = [];
  #sent = 0;

  constructor({ clock, visibleSeconds = 1, deliverySeconds = 2 }: RunCommandOptions) {
    this.#clock = clock;
    this.#visibleSeconds = visibleSeconds;
    this.#deliverySeconds = deliverySeconds;
  }

  /** The machine registers; again = it replaces what was there. */
  register(instanceId: string, host: CommandHost): void {
    this.#hosts.set(instanceId, host);
  }

  /** The next commands never reach their machine. */
  loseNext(times = 1): void {
    this.#undeliverable += times;
  }

  /** The next command reaches its machine so many seconds later. */
  delayNext(seconds: number): void {
    this.#delays.push(seconds);
  }

  send(input: SendCommandCommandInput): SendCommandResult {
    const { DocumentName = "", InstanceIds = [], TimeoutSeconds = DELIVERY_SECONDS, Comment = "" } = input;
    if (DocumentName !== "AWS-RunShellScript") {
      throw new InvalidDocument({ message: `Document with name ${DocumentName} does not exist.`, $metadata: {} });
    }
    const [instanceId, ...others] = InstanceIds;
    if (instanceId === undefined || others.length > 0 || input.Targets !== undefined) {
      throw new Error("the SSM model knows commands to one instance only: add more to sandbox/world/run-command.ts");
    }
    const host = this.#hosts.get(instanceId);
    if (host === undefined) {
      throw new InvalidInstanceId({ message: "Instances not in a valid state for account", $metadata: {} });
    }
    if (TimeoutSeconds < 30 || TimeoutSeconds > 2_592_000) throw invalid("TimeoutSeconds must be 30 to 2592000");
    const { commands = [], executionTimeout = [String(EXECUTION_SECONDS)], ...rest } = input.Parameters ?? {};
    const unknown = Object.keys(rest).find((name) => name !== "workingDirectory");
    if (unknown !== undefined) throw invalid(`Parameter ${unknown} is not defined in the document`);
    const script = commands.join("\n");
    if (Buffer.byteLength(script) > REQUEST_BYTES) throw invalid("The request is larger than 64 KB");
    if (Comment.length > 100) throw invalid("Comment is longer than 100 characters");
    this.#sent++;
    const CommandId = `00000000-0000-4000-8000-${String(this.#sent).padStart(12, "0")}`;
    const invocation = newInvocation(instanceId, this.#clock.now(), Comment);
    this.#invocations.set(CommandId, invocation);
    this.#deliver(invocation, host, script, TimeoutSeconds, Number(executionTimeout[0]));
    return { Command: { CommandId, DocumentName, InstanceIds: [instanceId], Status: "Pending", Comment } };
  }

  get({ CommandId = "", InstanceId = "" }: GetCommandInvocationCommandInput): GetCommandInvocationResult {
    const found = this.#invocations.get(CommandId);
    const isVisible = found !== undefined && this.#clock.now() >= found.sentAt + this.#visibleSeconds;
    if (!isVisible || found.instanceId !== InstanceId) {
      throw new InvocationDoesNotExist({ message: "InvocationDoesNotExist", $metadata: { httpStatusCode: 400 } });
    }
    const { ending, result, startedAt, endedAt } = found;
    const where = { CommandId, InstanceId, DocumentName: "AWS-RunShellScript", Comment: found.comment };
    if (ending === null) {
      const isRunning = startedAt !== null;
      const Status = isRunning ? ("InProgress" as const) : ("Pending" as const);
      const StatusDetails = isRunning ? "InProgress" : "Pending";
      return { ...where, Status, StatusDetails, ResponseCode: -1, StandardOutputContent: "", StandardErrorContent: "" };
    }
    return {
      ...where,
      Status: statusOf(ending),
      StatusDetails: ending.replaceAll(" ", ""),
      ResponseCode: ending === "Success" || ending === "Failed" ? result.exitCode : -1,
      StandardOutputContent: result.stdout.slice(0, STDOUT_CHARACTERS),
      StandardErrorContent: result.stderr.slice(0, STDERR_CHARACTERS),
      ...(startedAt === null ? {} : { ExecutionStartDateTime: isoTime(startedAt) }),
      ...(endedAt === null ? {} : { ExecutionEndDateTime: isoTime(endedAt) }),
    };
  }

  #deliver(
    invocation: Invocation,
    host: CommandHost,
    script: string,
    deliveryLimit: number,
    executionLimit: number,
  ): void {
    if (this.#undeliverable > 0) {
      this.#undeliverable--;
      this.#clock.after(this.#deliverySeconds, () => this.#end(invocation, "Undeliverable"));
      return;
    }
    const delay = this.#delays.shift() ?? this.#deliverySeconds;
    const expiresAt = invocation.sentAt + deliveryLimit;
    this.#clock.after(Math.min(delay, deliveryLimit), async () => {
      // The agent may come back within the time that the command waits for it.
      while (!host.isReachable() && this.#clock.now() < expiresAt) await this.#clock.sleep(5);
      if (this.#clock.now() >= expiresAt) return this.#end(invocation, "Delivery Timed Out");
      await this.#run(invocation, host, script, executionLimit);
    });
  }

  async #run(invocation: Invocation, host: CommandHost, script: string, limitSeconds: number): Promise<void> {
    invocation.startedAt = this.#clock.now();
    const killer = new AbortController();
    const cancel = this.#clock.after(limitSeconds, () => {
      this.#end(invocation, "Execution Timed Out");
      killer.abort();
    });
    const result = await host.run(script, killer.signal);
    cancel();
    if (invocation.ending !== null) return;
    invocation.result = result;
    this.#end(invocation, result.exitCode === 0 ? "Success" : "Failed");
  }

  #end(invocation: Invocation, ending: Ending): void {
    invocation.ending = ending;
    invocation.endedAt = this.#clock.now();
  }
}

function newInvocation(instanceId: string, sentAt: number, comment: string): Invocation {
  const result = { exitCode: -1, stdout: "", stderr: "" };
  return { instanceId, sentAt, comment, startedAt: null, endedAt: null, ending: null, result };
}

function statusOf(ending: Ending): "Success" | "Failed" | "TimedOut" {
  switch (ending) {
    case "Success":
      return "Success";
    case "Failed":
    case "Undeliverable":
      return "Failed";
    case "Execution Timed Out":
    case "Delivery Timed Out":
      return "TimedOut";
    default:
      return ending satisfies never;
  }
}

function invalid(message: string): SSMServiceException {
  return new SSMServiceException({
    name: "ValidationException",
    message,
    $fault: "client",
    $metadata: { httpStatusCode: 400 },
  });
}

const isoTime = (seconds: number) => new Date(seconds * 1000).toISOString();
