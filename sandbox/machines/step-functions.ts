// Step Functions in memory: machines from their files, executions as actors of the virtual clock, the SDK's own commands.

import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type GetExecutionHistoryOutput,
  ListExecutionsCommand,
  type ListExecutionsOutput,
  StartExecutionCommand,
  type StartExecutionOutput,
  StopExecutionCommand,
  type StopExecutionOutput,
} from "@aws-sdk/client-sfn";
import { ApiGate, type FaultOptions } from "../world/api-gate.ts";
import type { VirtualClock } from "../world/clock.ts";
import { readDefinition } from "./definition.ts";
import { sfnError } from "./errors.ts";
import { openProgram, type Program, runExecution } from "./execution.ts";
import { described, type Execution, identity, started } from "./execution-view.ts";
import { historyOf, type LogEntry, type MachineEvent } from "./log.ts";
import { nestedExecution } from "./nested.ts";
import { pageOf, requireName, requireRecord, requireText } from "./requests.ts";
import type { TaskCall } from "./task.ts";

/** A Lambda function: takes the event, gives the answer or throws. */
export type StepFunction = (event: unknown) => Promise<unknown>;

export interface MachineSpec {
  /** As it is deployed: toji-backup. */
  readonly name: string;
  /** Of statemachines/*.asl.yaml. */
  readonly text: string;
}

export interface StepFunctionsOptions {
  readonly clock: VirtualClock;
  /** By the name that other machines call it by: BackupMachine. */
  readonly machines: Readonly<Record<string, MachineSpec>>;
  /** By the name that the machines' files have for it: BackupBegin. */
  readonly functions: Readonly<Record<string, StepFunction>>;
  readonly region?: string;
  /** Virtual seconds every call takes; default 0. */
  readonly latencySeconds?: number;
  /** Told of every entry of the log as it comes. */
  onEvent?(entry: LogEntry): void;
}

interface Machine {
  readonly arn: string;
  readonly name: string;
  readonly program: Program;
}

const ACCOUNT = "000000000000";

export class StepFunctionsModel {
  readonly #options: StepFunctionsOptions;
  readonly #gate: ApiGate;
  readonly #region: string;
  readonly #machines = new Map<string, Machine>();
  readonly #functions = new Map<string, StepFunction>();
  readonly #executions = new Map<string, Execution>();
  readonly #log: LogEntry[] = [];

  constructor(options: StepFunctionsOptions) {
    this.#options = options;
    this.#region = options.region ?? "eu-west-1";
    this.#gate = new ApiGate(options.clock, options.latencySeconds ?? 0);
    const substitutions: Record<string, string> = {};
    for (const [key, { name }] of Object.entries(options.machines)) substitutions[key] = this.arnOf(name);
    for (const [key, call] of Object.entries(options.functions)) {
      substitutions[key] = `arn:aws:lambda:${this.#region}:${ACCOUNT}:function:${key}`;
      this.#functions.set(substitutions[key], call);
    }
    for (const { name, text } of Object.values(options.machines)) {
      const program = openProgram(readDefinition(text, substitutions));
      this.#machines.set(this.arnOf(name), { arn: this.arnOf(name), name, program });
      for (const { Type, Resource } of program.states.values()) if (Type === "Task") this.#callOf(Resource ?? "");
    }
  }

  arnOf(machineName: string): string {
    return `arn:aws:states:${this.#region}:${ACCOUNT}:stateMachine:${machineName}`;
  }

  /** Answers one command, as the SDK's client would after its own retries. */
  async send(command: object): Promise<object> {
    if (command instanceof StartExecutionCommand) return this.call("StartExecution", command.input);
    if (command instanceof DescribeExecutionCommand) return this.call("DescribeExecution", command.input);
    if (command instanceof ListExecutionsCommand) return this.call("ListExecutions", command.input);
    if (command instanceof StopExecutionCommand) return this.call("StopExecution", command.input);
    if (command instanceof GetExecutionHistoryCommand) return this.call("GetExecutionHistory", command.input);
    throw new Error(`the Step Functions model does not know ${command.constructor.name}: add it to sandbox/machines`);
  }

  /** One operation by its name, as the wire has it. Throws Step Functions' errors. */
  async call(operation: string, input: object): Promise<object> {
    const request = requireRecord(input);
    const answer = await this.#gate.pass(operation, () => this.#answer(operation, request));
    return { ...answer, $metadata: { httpStatusCode: 200 } };
  }

  /** `error`: a code (ThrottlingException, ...) or an error of your own; null = whatever is called next. */
  failNext(operation: string | null, error: string | Error, options: FaultOptions = {}): void {
    const makeError = () => (typeof error === "string" ? sfnError(error, `${error} (injected)`) : error);
    this.#gate.failNext(operation, makeError, options);
  }

  callCounts(): Readonly<Record<string, number>> {
    return this.#gate.callCounts();
  }

  /** Everything that all executions did, in order. */
  log(): readonly LogEntry[] {
    return this.#log;
  }

  /** In order of their start. */
  executions(): readonly Execution[] {
    return [...this.#executions.values()];
  }

  /** The newest execution with a name; throws when there is none. */
  execution(name: string): Execution {
    const found = this.executions().findLast((each) => each.name === name);
    if (found === undefined) throw new Error(`no execution is named ${name}`);
    return found;
  }

  #answer(operation: string, request: Readonly<Record<string, unknown>>): object {
    switch (operation) {
      case "StartExecution":
        return this.#start(request);
      case "DescribeExecution":
        return described(this.#find(request));
      case "ListExecutions":
        return this.#list(request);
      case "StopExecution":
        return this.#stop(request);
      case "GetExecutionHistory":
        return this.#history(request);
      default:
        throw sfnError("UnknownOperationException", `the sandbox's Step Functions do not know ${operation}`);
    }
  }

  #start(request: Readonly<Record<string, unknown>>): StartExecutionOutput {
    const machine = this.#machine(requireText(request, "stateMachineArn"));
    const name = requireName(request.name ?? `run-${this.#executions.size + 1}`);
    const input = request.input === undefined ? "{}" : requireText(request, "input");
    if (!isJson(input)) throw sfnError("InvalidExecutionInput", "the input of the execution is not JSON");
    const arn = `${machine.arn.replace(":stateMachine:", ":execution:")}:${name}`;
    const present = this.#executions.get(arn);
    if (present !== undefined) {
      if (present.status === "RUNNING" && present.input === input) return started(present);
      throw sfnError("ExecutionAlreadyExists", `Execution Already Exists: '${arn}'`);
    }
    return started(this.#run(machine, { arn, name, input }));
  }

  #run(machine: Machine, { arn, name, input }: Pick<Execution, "arn" | "name" | "input">): Execution {
    const { clock } = this.#options;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const execution: Execution = {
      ...{ arn, name, input, machineArn: machine.arn, startedAt: clock.now(), ended, log: [] },
      ...{ status: "RUNNING", stoppedAt: null, output: null, error: null, cause: null },
      stop: () => {},
    };
    this.#executions.set(arn, execution);
    // An event's actor is nobody's branch: the execution goes on when its caller has ended.
    const cancel = clock.after(0, async () => {
      const end = await runExecution({
        ...{ clock, name, arn, machineArn: machine.arn, program: machine.program, input: JSON.parse(input) },
        callOf: (resource) => this.#callOf(resource),
        onEvent: (event) => this.#note(machine, execution, event),
        onStoppable: (stop) => {
          execution.stop = stop;
        },
      });
      execution.stoppedAt = clock.now();
      execution.status = end.status;
      if (end.status === "SUCCEEDED") execution.output = JSON.stringify(end.output);
      else Object.assign(execution, { error: end.error, cause: end.cause });
      resolve();
    });
    // Stopped before its first state.
    execution.stop = (status, error, cause) => {
      cancel();
      Object.assign(execution, { status, error, cause, stoppedAt: clock.now() });
      resolve();
    };
    return execution;
  }

  #note({ name }: Machine, execution: Execution, event: MachineEvent): void {
    const entry = { ...event, at: this.#options.clock.now(), machine: name, execution: execution.name };
    execution.log.push(entry);
    this.#log.push(entry);
    this.#options.onEvent?.(entry);
  }

  #callOf(resource: string): TaskCall {
    const nested = nestedExecution(resource, this.#options.clock, {
      start: (request) => this.call("StartExecution", request),
      find: (arn) => this.#find({ executionArn: arn }),
    });
    const call = nested ?? this.#functions.get(resource);
    if (call === undefined) throw new Error(`a machine calls ${resource}, and nothing here answers that`);
    return call;
  }

  #stop(request: Readonly<Record<string, unknown>>): StopExecutionOutput {
    const execution = this.#find(request);
    const { error = "", cause = "" } = request;
    if (execution.status === "RUNNING") execution.stop("ABORTED", String(error), String(cause));
    return { stopDate: new Date((execution.stoppedAt ?? this.#options.clock.now()) * 1000) };
  }

  #list(request: Readonly<Record<string, unknown>>): ListExecutionsOutput {
    const { arn } = this.#machine(requireText(request, "stateMachineArn"));
    const { statusFilter } = request;
    const found = this.executions()
      .filter(({ machineArn, status }) => machineArn === arn && (statusFilter ?? status) === status)
      .reverse();
    const { page, ...token } = pageOf(found, request, 100);
    return { executions: page.map((each) => ({ ...started(each), ...identity(each) })), ...token };
  }

  #history(request: Readonly<Record<string, unknown>>): GetExecutionHistoryOutput {
    const events = historyOf(this.#find(request).log);
    const { page, ...token } = pageOf(request.reverseOrder === true ? events.reverse() : events, request, 1000);
    return { events: page, ...token };
  }

  #machine(arn: string): Machine {
    if (!arn.startsWith("arn:")) throw sfnError("InvalidArn", `Invalid Arn: '${arn}'`);
    const machine = this.#machines.get(arn);
    if (machine === undefined) throw sfnError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  #find(request: Readonly<Record<string, unknown>>): Execution {
    const arn = requireText(request, "executionArn");
    if (!arn.startsWith("arn:")) throw sfnError("InvalidArn", `Invalid Arn: '${arn}'`);
    const execution = this.#executions.get(arn);
    if (execution === undefined) throw sfnError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
    return execution;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
