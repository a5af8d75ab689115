// Scripts of infra/hosts/hub as SSM runs them on the hub: the text that is sent, and the answer in their last line.

import * as z from "zod";
import { type HostCommand, runOnHost } from "../aws/commands.ts";
import type { BackupPorts } from "./ports.ts";

/** The script ended well and its last line is not the answer it owes. */
export class HostAnswerUnreadable extends Error {
  override readonly name = "HostAnswerUnreadable";
  readonly retryable = true;
}

export type ScriptEnvironment = Readonly<Record<string, string>>;

/**
 * The variables as `export NAME='value'` lines, TOJI_ACTION first, then the script. A script that names its interpreter
 * keeps that as the first line: the agent runs the text as a file. Pure.
 */
export function commandText(action: string, environment: ScriptEnvironment, script: string): string {
  const [first = "", ...rest] = script.split("\n");
  const interpreter = first.startsWith("#!") ? [first] : [];
  const body = first.startsWith("#!") ? rest : [first, ...rest];
  const exports = Object.entries({ TOJI_ACTION: action, ...environment }).map(
    ([name, value]) => `export ${name}=${quoted(value)}`,
  );
  return [...interpreter, ...exports, ...body].join("\n");
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** The last line that is not empty, as JSON. Throws HostAnswerUnreadable. Pure. */
export function readAnswer<Answer>(action: string, stdout: string, schema: z.ZodType<Answer>): Answer {
  const line = stdout.trimEnd().split("\n").at(-1)?.trim() ?? "";
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : "it is no JSON";
    throw new HostAnswerUnreadable(
      `the script ${action} ended well, but its last line is not its answer (${why}): "${line.slice(0, 200)}"`,
      { cause: error },
    );
  }
}

export interface ScriptRun<Answer> extends Pick<HostCommand, "instanceId" | "timeoutSeconds"> {
  readonly action: string;
  readonly environment: ScriptEnvironment;
  readonly schema: z.ZodType<Answer>;
}

/** Runs the script named like the action. Throws HostCommandFailed with its last sentence, HostAnswerUnreadable. */
export async function runScript<Answer>(
  { clients, clock, script, telemetry }: BackupPorts,
  { instanceId, timeoutSeconds, action, environment, schema }: ScriptRun<Answer>,
): Promise<Answer> {
  telemetry.info(`run ${action} on ${instanceId} for at most ${timeoutSeconds} s`, { action, instanceId });
  const text = commandText(action, environment, script(action));
  const comment = `Toji ${action}`;
  const { stdout } = await runOnHost(clients.ssm, clock, { instanceId, text, comment, timeoutSeconds });
  return readAnswer(action, stdout, schema);
}
