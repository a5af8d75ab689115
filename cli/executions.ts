// Executions as a person asks about them: started once by name, followed to their end, told in words.

import { AwsCallFailed } from "../shared/aws/errors.ts";
import {
  describeExecution,
  type ExecutionDetail,
  type ExecutionPlace,
  type ExecutionSummary,
  newestExecutions,
  placeOf,
  type Sfn,
  startExecution,
} from "../shared/aws/executions.ts";
import { caughtSchema, sentenceOf } from "../shared/caught.ts";
import type { Clock } from "../shared/clock.ts";
import { Problem } from "./fleet/scene.ts";
import { durationText, oneLine, timeText } from "./fleet/words.ts";

/** What starting and following an execution needs of a scene; `Name`: of its machines. */
export interface ExecutionScene<Name extends string = never> {
  readonly clients: { readonly sfn: Sfn };
  /** The machine's ARN. Throws Problem when nobody says where it is. */
  machine(name: Name): Promise<string>;
  readonly clock: Clock;
  readonly now: number;
  /** Four hexadecimal digits that nobody else has just now. */
  token(): string;
  /** For persons who wait. */
  say(line: string): void;
}

export interface ExecutionView extends ExecutionSummary {
  /** The state it is in or ended in; null = its history says none. */
  readonly state: string | null;
  /** One sentence, or null while nothing is wrong. */
  readonly error: string | null;
  readonly output: unknown;
}

/** "on-demand-20261123T192339Z-1a2b": nobody else's, and a repeat by the SDK finds the same execution. */
export function executionName(kind: string, { now, token }: Pick<ExecutionScene, "now" | "token">): string {
  const time = new Date(now * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return `${kind}-${time}-${token()}`;
}

export async function start<Name extends string>(
  scene: ExecutionScene<Name>,
  machine: Name,
  name: string,
  input: object,
) {
  const machineArn = await scene.machine(machine);
  const begin = () => startExecution(scene.clients.sfn, machineArn, name, input);
  return { arn: await explained(machineArn, begin), name };
}

/** Newest first. */
export async function listExecutions<Name extends string>(scene: ExecutionScene<Name>, machine: Name, most: number) {
  const machineArn = await scene.machine(machine);
  const found = await explained(machineArn, () => newestExecutions(scene.clients.sfn, machineArn, most));
  return found.map((each) => ({ machine, ...each }));
}

/** null = there is none. */
export async function look({ clients }: Pick<ExecutionScene, "clients">, arn: string): Promise<ExecutionView | null> {
  const detail = await explained(arn, () => describeExecution(clients.sfn, arn));
  if (detail === null) return null;
  const place = await explained(arn, () => placeOf(clients.sfn, arn));
  const { output, failure: _, ...summary } = detail;
  return { ...summary, state: place.state?.name ?? null, error: errorOf(detail, place), output: parse(output) };
}

const POLL_SECONDS = 15;

/** Says each state as it comes. Ending the wait does not end the execution. */
export async function follow(
  scene: Pick<ExecutionScene, "clients" | "clock" | "say">,
  arn: string,
): Promise<ExecutionView> {
  let told: string | null = null;
  for (;;) {
    const view = await look(scene, arn);
    if (view === null) throw new Problem(`there is no execution ${arn} any more`);
    if (view.status !== "RUNNING") return view;
    if (view.state !== told) scene.say(`${timeText(scene.clock.now())}  ${view.state ?? "begun"}`);
    told = view.state;
    await scene.clock.sleep(POLL_SECONDS);
  }
}

export const STATUS_WORDS: Readonly<Record<string, string>> = {
  RUNNING: "running",
  SUCCEEDED: "done",
  FAILED: "FAILED",
  TIMED_OUT: "FAILED (it took longer than it may)",
  ABORTED: "STOPPED by a person",
};

export function executionLines(view: ExecutionView, now: number): string[] {
  const { name, status, startedAt, endedAt, state, error } = view;
  const lasted = durationText((endedAt ?? now) - startedAt);
  const where = state === null ? "" : `, ${endedAt === null ? "now" : "at the end"} in ${state}`;
  return [
    `${name}: ${STATUS_WORDS[status] ?? status}${where}`,
    `begun ${timeText(startedAt)}, ${endedAt === null ? "running for" : "took"} ${lasted}`,
    ...(error === null ? [] : [`why: ${error}`]),
  ];
}

/** What a Catch put into the machine's state came first; a Fail's own words and its way there come after that. */
function errorOf({ failure, status }: ExecutionDetail, place: ExecutionPlace): string | null {
  const caught = caughtSchema.safeParse(parse(place.state?.input ?? null));
  const first = caught.success ? caught.data.error : undefined;
  if (first !== undefined) return oneLine(sentenceOf({ Error: first.Error, Cause: first.Cause }));
  if (status === "RUNNING" || status === "SUCCEEDED") return null;
  const told = [failure, place.failure].flatMap((each) =>
    each === null || (each.error === "" && each.cause === "")
      ? []
      : [sentenceOf({ Error: each.error, Cause: each.cause })],
  );
  return oneLine([...new Set(told)].join("; ")) || null;
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    // Long inputs come cut.
    return null;
  }
}

const ABSENT: ReadonlySet<string> = new Set(["StateMachineDoesNotExist", "InvalidArn"]);
const DENIED: ReadonlySet<string> = new Set(["AccessDeniedException", "AccessDenied"]);

async function explained<T>(arn: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof AwsCallFailed)) throw error;
    const { code, operation } = error;
    if (ABSENT.has(code)) {
      throw new Problem(`there is no ${arn}: is the stack deployed in this account and region?`, { cause: error });
    }
    if (DENIED.has(code)) {
      const sentence = `AWS denies ${operation} to these credentials: they need states:${operation} on ${arn}`;
      throw new Problem(sentence, { cause: error });
    }
    throw error;
  }
}
