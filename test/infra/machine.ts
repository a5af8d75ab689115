// A state machine of a compiled template, and what its tasks run.

import * as z from "zod";
import { pascalCase } from "../../infra/steps/step.ts";
import { resourcesOf, type Template } from "./project.ts";

const machineSchema = z.object({
  StateMachineName: z.string(),
  StateMachineType: z.literal("STANDARD"),
  Definition: z.looseObject({ States: z.record(z.string(), z.unknown()) }),
  DefinitionSubstitutions: z.record(z.string(), z.unknown()),
  LoggingConfiguration: z.object({ Level: z.literal("ERROR") }),
});

/** mirror-check: MirrorCheckMachine. */
const machineId = (machine: string) => `${pascalCase(machine)}Machine`;

/** Throws when it is not there, or is no standard machine that logs its errors. */
export const machineOf = (template: Template, machine: string) =>
  machineSchema.parse(resourcesOf(template, "AWS::StepFunctions::StateMachine")[machineId(machine)]);

const taskSchema = z.object({
  Type: z.literal("Task"),
  Resource: z.string(),
  TimeoutSeconds: z.number().default(Infinity),
});
const mapSchema = z.object({ ItemProcessor: z.object({ States: z.record(z.string(), z.unknown()) }) });

/** States with a task, those of a Map included: the substitution that each runs, and its limit. */
export function tasksOf(
  states: Readonly<Record<string, unknown>>,
): { readonly runs: string; readonly seconds: number }[] {
  return Object.values(states).flatMap((state) => {
    const inner = mapSchema.safeParse(state);
    if (inner.success) return tasksOf(inner.data.ItemProcessor.States);
    const found = taskSchema.safeParse(state);
    const runs = /^\$\{(\w+)\}$/.exec(found.data?.Resource ?? "")?.[1];
    return runs === undefined ? [] : [{ runs, seconds: found.data?.TimeoutSeconds ?? 0 }];
  });
}

/** The longest limit of the tasks that run each function: the function must end before it. */
export function limitsOf(template: Template, machine: string): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { runs, seconds } of tasksOf(machineOf(template, machine).Definition.States))
    limits.set(runs, Math.max(limits.get(runs) ?? 0, seconds));
  return limits;
}

const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string(),
  Target: z.object({
    Arn: z.object({ "Fn::Sub": z.string() }),
    Input: z.object({ "Fn::Sub": z.string() }),
    RetryPolicy: z.object({ MaximumRetryAttempts: z.number(), MaximumEventAgeInSeconds: z.number() }),
  }),
});

/** A schedule that starts a machine; `id` is its logical id. */
export const scheduleOf = (template: Template, id: string) =>
  scheduleSchema.parse(resourcesOf(template, "AWS::Scheduler::Schedule")[id]);
