// A state machine as its file says it, and the form of it in which it runs here: waits, limits and repeats on virtual time.

import { parse } from "yaml";
import * as z from "zod";

const retrier = z.strictObject({
  ErrorEquals: z.array(z.string()).min(1),
  // Defaults: Amazon States Language.
  IntervalSeconds: z.number().int().positive().default(1),
  MaxAttempts: z.number().int().min(0).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.number().positive().optional(),
});
export type Retrier = z.infer<typeof retrier>;

const catcher = z.looseObject({ ErrorEquals: z.array(z.string()).min(1), Next: z.string() });
const choice = z.looseObject({ Next: z.string() });

const stateSchema = z.looseObject({
  Type: z.enum(["Task", "Choice", "Wait", "Map", "Parallel", "Pass", "Succeed", "Fail"]),
  Next: z.string().optional(),
  End: z.boolean().optional(),
  Default: z.string().optional(),
  Choices: z.array(choice).optional(),
  Catch: z.array(catcher).optional(),
  Retry: z.array(retrier).optional(),
  Resource: z.string().optional(),
  TimeoutSeconds: z.number().positive().optional(),
  Seconds: z.number().positive().optional(),
  get ItemProcessor() {
    return definitionSchema.optional();
  },
  get Branches() {
    return z.array(definitionSchema).optional();
  },
});
const definitionSchema = z.looseObject({
  StartAt: z.string(),
  TimeoutSeconds: z.number().positive().optional(),
  States: z.record(z.string(), stateSchema),
});

export type State = z.infer<typeof stateSchema>;
export type Definition = z.infer<typeof definitionSchema>;

/** The file's text with `${Name}` put in. Throws a sentence when a name has no value. */
export function readDefinition(text: string, substitutions: Readonly<Record<string, string>>): Definition {
  const filled = text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = Object.hasOwn(substitutions, name) ? substitutions[name] : undefined;
    if (value === undefined) throw new Error(`the machine names \${${name}}, and nothing of that name was given`);
    return value;
  });
  return definitionSchema.parse(parse(filled, { merge: true }));
}

/** All states, those inside Map and Parallel too. Names are unique in a whole machine. */
export function allStates({ States }: Definition): ReadonlyMap<string, State> {
  const found = new Map<string, State>();
  for (const [name, state] of Object.entries(States)) {
    found.set(name, state);
    for (const inner of innerDefinitions(state)) for (const [key, value] of allStates(inner)) found.set(key, value);
  }
  return found;
}

function innerDefinitions({ ItemProcessor, Branches = [] }: State): readonly Definition[] {
  return ItemProcessor === undefined ? Branches : [ItemProcessor, ...Branches];
}

/** Where a state may lead, by its own word and by its Catch. */
export function nextStates({ Next, Default, Choices = [], Catch = [] }: State): string[] {
  const own = [Next, Default].filter((name) => name !== undefined);
  return [...own, ...Choices.map((each) => each.Next), ...Catch.map((each) => each.Next)];
}

// The library keeps the start time for itself, as the real clock has it.
const START_TIME = "$$.Execution.StartTime";
export const LOCAL_START_TIME = "StartedAt";

/** The library's own timers never fire: they would run on real time. Near to the longest that Node has. */
const NEVER_SECONDS = 2_000_000;
const WAIT_RESOURCE = "arn:aws:lambda:us-east-1:000000000000:function:wait";

/**
 * The same machine for the library: no limit of its own, no repeats (task.ts does both on virtual time), each Wait a Task
 * that sleeps, and the start time where the context can give it. Throws on what would run differently here.
 */
export function localDefinition(definition: Definition): Definition {
  const { TimeoutSeconds: _, ...rest } = definition;
  const States = Object.fromEntries(Object.entries(definition.States).map(([name, each]) => [name, local(name, each)]));
  return { ...rest, States };
}

function local(name: string, state: State): State {
  const { Retry, Seconds, TimeoutSeconds: _, ...rest } = renameStartTime(state);
  requireModelled(name, state);
  switch (state.Type) {
    case "Wait":
      return { ...rest, Type: "Task", Resource: WAIT_RESOURCE, ResultPath: null, TimeoutSeconds: NEVER_SECONDS };
    case "Task":
      return { ...rest, TimeoutSeconds: NEVER_SECONDS };
    case "Map":
    case "Parallel": {
      const { ItemProcessor, Branches } = state;
      return {
        ...rest,
        ...(ItemProcessor === undefined ? {} : { ItemProcessor: localDefinition(ItemProcessor) }),
        ...(Branches === undefined ? {} : { Branches: Branches.map(localDefinition) }),
      };
    }
    default:
      return rest;
  }
}

/** Rather no run than one that is not like Step Functions'. */
function requireModelled(name: string, state: State): void {
  const refuse = (what: string) => {
    throw new Error(`state ${name}: the sandbox does not run ${what}: add it to sandbox/machines`);
  };
  if ((state.QueryLanguage ?? "JSONPath") !== "JSONPath" || "Assign" in state) refuse("JSONata or variables");
  if ("HeartbeatSeconds" in state || "TimeoutSecondsPath" in state) refuse("heartbeats and limits by path");
  if (state.Type === "Wait" && state.Seconds === undefined) refuse("a Wait without Seconds");
  if (state.Type !== "Task" && state.Retry !== undefined) refuse(`Retry of a ${state.Type}`);
  // The library would take a timeout for a failure of the task.
  if (state.Catch?.some((each) => each.ErrorEquals.includes("States.TaskFailed")) === true)
    refuse("a Catch of States.TaskFailed");
  if (state.Resource?.includes("waitForTaskToken") === true) refuse("task tokens");
}

function renameStartTime(state: State): State {
  return stateSchema.parse(
    JSON.parse(JSON.stringify(state).replaceAll(`"${START_TIME}"`, `"$$$$.Execution.${LOCAL_START_TIME}"`)),
  );
}
