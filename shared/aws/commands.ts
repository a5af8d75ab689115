// One shell script on one host by SSM Run Command, waited for until it ends.

import { GetCommandInvocationCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import type { Clock } from "../clock.ts";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, attempt } from "./errors.ts";

export interface HostCommand {
  readonly instanceId: string;
  /** The script. A first line "#!..." chooses its interpreter, else sh reads it. */
  readonly text: string;
  /** Shown in SSM's history; at most 100 characters are kept. */
  readonly comment: string;
  /** How long it may run, from its start. */
  readonly timeoutSeconds: number;
}

export interface CommandResult {
  readonly status: "Success";
  /** At most its first 24,000 characters. */
  readonly stdout: string;
  /** At most its first 8,000 characters. */
  readonly stderr: string;
}

/** It ran and failed, ran too long, or never reached the host. */
export class HostCommandFailed extends Error {
  override readonly name = "HostCommandFailed";
  readonly retryable = true;
  /** SSM's word: Failed, TimedOut, Undeliverable, ... */
  readonly status: string;
  readonly stdout: string;
  readonly stderr: string;
  constructor({ instanceId, comment }: HostCommand, result: { status: string; stdout: string; stderr: string }) {
    super(`${comment} on ${instanceId} ended as ${result.status}: ${lastSentence(result)}`);
    this.status = result.status;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

/** SSM gives up on a host whose agent has not taken the command by then; its own minimum is 30 s. */
const DELIVERY_SECONDS = 60;

/** For SSM to notice the end of what ran too long. */
const GRACE_SECONDS = 30;

const SECONDS_BETWEEN_LOOKS = 1;

/** SSM's words for a command that has not ended. */
const UNDER_WAY: ReadonlySet<string> = new Set(["Pending", "InProgress", "Delayed", "Cancelling"]);

/** Throws HostCommandFailed unless the script ended with 0. Sent again it runs again: the script must bear that. */
export async function runOnHost(
  ssm: AwsClients["ssm"],
  clock: Clock,
  { instanceId, text, comment, timeoutSeconds }: HostCommand,
): Promise<CommandResult> {
  const command = { instanceId, text, comment, timeoutSeconds };
  const send = new SendCommandCommand({
    DocumentName: "AWS-RunShellScript",
    InstanceIds: [instanceId],
    Comment: comment.slice(0, 100),
    TimeoutSeconds: DELIVERY_SECONDS,
    Parameters: { commands: [text], executionTimeout: [String(Math.ceil(timeoutSeconds))] },
  });
  const commandId = (await attempt("SendCommand", () => ssm.send(send))).Command?.CommandId;
  if (commandId === undefined) throw new AwsCallFailed("SendCommand", new Error("the answer has no command id"));
  const deadline = clock.now() + DELIVERY_SECONDS + timeoutSeconds + GRACE_SECONDS;
  while (clock.now() < deadline) {
    await clock.sleep(SECONDS_BETWEEN_LOOKS);
    const result = await lookAt(ssm, commandId, instanceId);
    if (result === null || UNDER_WAY.has(result.status)) continue;
    const { status, ...output } = result;
    if (status === "Success") return { status, ...output };
    throw new HostCommandFailed(command, result);
  }
  throw new HostCommandFailed(command, { status: "TimedOut", stdout: "", stderr: "SSM never said how it ended" });
}

/** null = SSM does not know it yet, or asks to be asked more slowly. */
async function lookAt(ssm: AwsClients["ssm"], CommandId: string, InstanceId: string) {
  try {
    const command = new GetCommandInvocationCommand({ CommandId, InstanceId });
    const reply = await attempt("GetCommandInvocation", () => ssm.send(command));
    return {
      // StatusDetails tells an undeliverable command from one that failed; both have the status Failed.
      status: reply.Status === "Failed" ? (reply.StatusDetails ?? "Failed") : (reply.Status ?? "Pending"),
      stdout: reply.StandardOutputContent ?? "",
      stderr: reply.StandardErrorContent ?? "",
    };
  } catch (error) {
    if (error instanceof AwsCallFailed && (error.retryable || error.code === "InvocationDoesNotExist")) return null;
    throw error;
  }
}

/** Scripts say why they stop in their last line. SSM adds a line of its own about the exit code. */
function lastSentence({ stderr, stdout }: { readonly stderr: string; readonly stdout: string }): string {
  const lines = (text: string) =>
    text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !/^failed to run commands: exit status \d+$/.test(line));
  return lines(stderr).at(-1) ?? lines(stdout).at(-1) ?? "it said nothing";
}
