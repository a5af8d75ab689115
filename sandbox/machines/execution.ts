// Runs one execution of a machine: the library walks the states, the clock is virtual.

import { ExecutionError, type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import type { VirtualClock } from "../world/clock.ts";
import { nextTurn } from "../world/turn.ts";
import { allStates, type Definition, LOCAL_START_TIME, localDefinition, type State } from "./definition.ts";
import type { MachineEvent } from "./log.ts";
import { runTask, type TaskCall } from "./task.ts";

/** A machine made ready to run, any number of times. */
export interface Program {
  readonly states: ReadonlyMap<string, State>;
  readonly timeoutSeconds: number | undefined;
  readonly machine: StateMachine;
}

/** Definitions that the library has checked, which takes it a tenth of a second each time. */
const checked = new Set<string>();

/** Throws what is wrong with the definition. */
export function openProgram(definition: Definition): Program {
  const key = JSON.stringify(definition);
  const machine = new StateMachine(
    // The library types a definition more narrowly than a file can be.
    localDefinition(definition) as unknown as StateMachineDefinition,
    { validationOptions: { noValidate: checked.has(key) } },
  );
  checked.add(key);
  return { states: allStates(definition), timeoutSeconds: definition.TimeoutSeconds, machine };
}

export interface ExecutionSetting {
  readonly clock: VirtualClock;
  readonly program: Program;
  readonly name: string;
  readonly arn: string;
  readonly machineArn: string;
  readonly input: unknown;
  /** By a task's Resource. */
  callOf(resource: string): TaskCall;
  onEvent(event: MachineEvent): void;
  /** Called at once with what stops the execution from outside. */
  onStoppable(stop: (status: "TIMED_OUT" | "ABORTED", error: string, cause: string) => void): void;
}

export type ExecutionEnd =
  | { readonly status: "SUCCEEDED"; readonly output: unknown }
  | { readonly status: "FAILED" | "TIMED_OUT" | "ABORTED"; readonly error: string; readonly cause: string };

type LocalMachine = ReturnType<StateMachine["run"]>;
type Input = Parameters<StateMachine["run"]>[0];
type Handlers = NonNullable<NonNullable<RunOptions["overrides"]>["taskResourceLocalHandlers"]>;

/** An actor of the clock's; never throws. */
export async function runExecution(setting: ExecutionSetting): Promise<ExecutionEnd> {
  const { clock, input, onEvent } = setting;
  const { machine, states, timeoutSeconds } = setting.program;
  onEvent({ kind: "started", input });
  const running = machine.run(input as Input, {
    overrides: { taskResourceLocalHandlers: handlersOf(setting) },
    context: contextOf(setting),
  });
  let stopped: ExecutionEnd | undefined;
  const stop = (status: "TIMED_OUT" | "ABORTED", error: string, cause: string) => {
    stopped ??= { status, error, cause };
    running.abort();
  };
  setting.onStoppable(stop);
  const cancel =
    timeoutSeconds === undefined
      ? () => {}
      : clock.after(timeoutSeconds, () =>
          stop("TIMED_OUT", "States.Timeout", `it took longer than ${timeoutSeconds} s`),
        );
  const told = tell(running.eventLogs, states, onEvent);
  const end = await endOf(running, () => stopped);
  cancel();
  await told;
  onEvent(end.status === "SUCCEEDED" ? { kind: "succeeded", output: end.output } : { kind: "ended", ...end });
  return end;
}

async function endOf({ result }: LocalMachine, stopped: () => ExecutionEnd | undefined): Promise<ExecutionEnd> {
  try {
    return { status: "SUCCEEDED", output: await result };
  } catch (error) {
    const cause = error instanceof ExecutionError && error.cause instanceof Error ? error.cause : error;
    const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
    return stopped() ?? { status: "FAILED", error: name, cause: message };
  }
}

/** By the name of the state. */
function handlersOf(setting: ExecutionSetting): Handlers {
  const { clock, onEvent } = setting;
  const { states } = setting.program;
  const handlers: Handlers = {};
  for (const [name, state] of states) {
    if (state.Type === "Wait") {
      handlers[name] = async () => {
        await clock.sleep(state.Seconds ?? 0);
        return null;
      };
    }
    if (state.Type !== "Task") continue;
    const call = setting.callOf(state.Resource ?? "");
    const onRetry = ({ name: error, message: cause }: Error, attempt: number, seconds: number) =>
      onEvent({ kind: "repeated", state: name, error, cause, attempt, seconds });
    handlers[name] = async (input) => {
      // So that the log has what came before.
      await nextTurn();
      return (await runTask({ clock, name, state, call, onRetry }, input)) as Input;
    };
  }
  return handlers;
}

function contextOf({ clock, name, arn, machineArn, input }: ExecutionSetting): NonNullable<RunOptions["context"]> {
  const startedAt = new Date(clock.now() * 1000).toISOString();
  return {
    Execution: { Id: arn, Name: name, Input: input as Input, [LOCAL_START_TIME]: startedAt },
    StateMachine: { Id: machineArn, Name: machineArn.split(":").at(-1) ?? "" },
  };
}

/** What the library says, in the words of our log. */
async function tell(
  events: LocalMachine["eventLogs"],
  states: ReadonlyMap<string, State>,
  onEvent: (event: MachineEvent) => void,
): Promise<void> {
  for await (const event of events) {
    if (event.type !== "StateEntered" && event.type !== "StateExited" && event.type !== "StateFailed") continue;
    const { name: state, input, output } = event.state;
    const type = states.get(state)?.Type ?? event.state.type;
    if (event.type === "StateEntered") onEvent({ kind: "entered", state, type, input });
    else if (event.type === "StateExited") onEvent({ kind: "left", state, type, output });
    else if ("Error" in event) onEvent({ kind: "failed", state, error: event.Error, cause: String(event.Cause) });
  }
}
