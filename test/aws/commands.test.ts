// A script on a host by SSM: sent once, waited for, and its last sentence told when it fails.

import { GetCommandInvocationCommand, SendCommandCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { HostCommandFailed, runOnHost } from "../../shared/aws/commands.ts";
import { awsError } from "./bucket.ts";

const client = new SSMClient({ region: "us-east-1" });
const ssm = mockClient(client);
beforeEach(() => {
  ssm.reset();
  ssm.on(SendCommandCommand).resolves({ Command: { CommandId: "command-1" } });
});

function openClock() {
  let now = 1000;
  const sleep = async (seconds: number) => {
    now += seconds;
  };
  return { now: () => now, sleep };
}

const command = { instanceId: "i-1", text: "#!/bin/sh\nexit 0", comment: "Toji survey", timeoutSeconds: 60 };
const run = () => runOnHost(client, openClock(), command);

describe("a command", () => {
  it("runs as a shell script with its own time limit, and is waited for second by second", async () => {
    ssm
      .on(GetCommandInvocationCommand)
      .rejectsOnce(awsError("InvocationDoesNotExist"))
      .resolvesOnce({ Status: "Pending" })
      .rejectsOnce(awsError("ThrottlingException"))
      .resolvesOnce({ Status: "InProgress", StandardOutputContent: "half" })
      .resolves({ Status: "Success", StandardOutputContent: "{}\n", StandardErrorContent: "noise" });
    expect(await run()).toEqual({ status: "Success", stdout: "{}\n", stderr: "noise" });
    expect(ssm.commandCalls(SendCommandCommand).map((call) => call.args[0].input)).toEqual([
      {
        DocumentName: "AWS-RunShellScript",
        InstanceIds: ["i-1"],
        Comment: "Toji survey",
        TimeoutSeconds: 60,
        Parameters: { commands: [command.text], executionTimeout: ["60"] },
      },
    ]);
  });

  it("that fails says the script's last sentence, not SSM's", async () => {
    ssm.on(GetCommandInvocationCommand).resolves({
      Status: "Failed",
      StatusDetails: "Failed",
      StandardOutputContent: "freezing\n",
      StandardErrorContent: "survey: first\nsurvey: /mnt/koji is not mounted.\nfailed to run commands: exit status 1\n",
    });
    const failed = run();
    await expect(failed).rejects.toThrow("Toji survey on i-1 ended as Failed: survey: /mnt/koji is not mounted.");
    await expect(failed).rejects.toMatchObject({ name: "HostCommandFailed", stdout: "freezing\n" });
  });

  it("that never reached the host, or says nothing, is told so", async () => {
    ssm
      .on(GetCommandInvocationCommand)
      .resolvesOnce({ Status: "Failed", StatusDetails: "Undeliverable" })
      .resolvesOnce({ Status: "TimedOut", StandardOutputContent: "last words\n" });
    await expect(run()).rejects.toThrow("ended as Undeliverable: it said nothing");
    await expect(run()).rejects.toThrow("ended as TimedOut: last words");
  });

  it("of which SSM never says how it ended is given up", async () => {
    ssm.on(GetCommandInvocationCommand).rejects(awsError("InvocationDoesNotExist"));
    await expect(run()).rejects.toBeInstanceOf(HostCommandFailed);
    await expect(run()).rejects.toThrow("SSM never said how it ended");
  });

  it("is not waited for when it cannot be sent or looked at", async () => {
    ssm.on(GetCommandInvocationCommand).rejects(awsError("AccessDeniedException"));
    await expect(run()).rejects.toMatchObject({ operation: "GetCommandInvocation", code: "AccessDeniedException" });
    ssm.on(SendCommandCommand).resolves({});
    await expect(run()).rejects.toThrow("the answer has no command id");
    ssm.on(SendCommandCommand).rejects(awsError("InvalidInstanceId"));
    await expect(run()).rejects.toMatchObject({ operation: "SendCommand", code: "InvalidInstanceId" });
  });
});
