// SSM's Run Command on the model: its delays, its ends, and what it cuts.

import {
  GetCommandInvocationCommand,
  SendCommandCommand,
  type SendCommandCommandInput,
  SSMServiceException,
} from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { type CommandHost, RunCommands, type ScriptResult } from "../../sandbox/world/run-command.ts";
import { SsmModel } from "../../sandbox/world/ssm.ts";
import type { BackupClients } from "../../shared/aws/backup-clients.ts";
import { runOnHost } from "../../shared/aws/commands.ts";

const HUB = "i-00000000000000001";
const FINE: ScriptResult = { exitCode: 0, stdout: "done\n", stderr: "" };

const errorName = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof SSMServiceException ? error.name : String(error)),
  );

function openCommandWorld(answer: (script: string, signal: AbortSignal) => Promise<ScriptResult>) {
  const clock = new VirtualClock(1000);
  const commands = new RunCommands({ clock });
  let reachable = true;
  const host: CommandHost = { isReachable: () => reachable, run: answer };
  commands.register(HUB, host);
  const model = new SsmModel({ clock, commands });
  const send = async (input: Partial<SendCommandCommandInput> = {}) => {
    const words = { DocumentName: "AWS-RunShellScript", InstanceIds: [HUB], Parameters: { commands: ["true"] } };
    return await model.send(new SendCommandCommand({ ...words, ...input }));
  };
  const sent = async (input: Partial<SendCommandCommandInput> = {}) => {
    await send(input);
    return idOf(1);
  };
  const look = async (CommandId = idOf(1)) =>
    await model.send(new GetCommandInvocationCommand({ CommandId, InstanceId: HUB }));
  const run = (seconds: number) => clock.runUntil(clock.now() + seconds);
  const client = { send: ((command: object) => model.send(command)) as BackupClients["ssm"]["send"] };
  return { clock, commands, model, client, send, sent, look, run, setReachable: (on: boolean) => (reachable = on) };
}

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

describe("a command", () => {
  it("is unknown at first, then pending, in progress, and done", async () => {
    const scripts: string[] = [];
    const world = openCommandWorld(async (script) => {
      scripts.push(script);
      await world.clock.sleep(30);
      return FINE;
    });
    const { sent, look, run } = world;
    await sent({ Parameters: { commands: ["first", "second"] } });
    expect(await errorName(look())).toBe("InvocationDoesNotExist");
    await run(1);
    expect(await look()).toMatchObject({ Status: "Pending" });
    await run(2);
    expect(await look()).toMatchObject({ Status: "InProgress", StandardOutputContent: "", ResponseCode: -1 });
    await run(40);
    expect(await look()).toMatchObject({ Status: "Success", StandardOutputContent: "done\n", ResponseCode: 0 });
    expect(scripts).toEqual(["first\nsecond"]);
  });

  it("that fails says how, and long output is cut", async () => {
    const long = { exitCode: 3, stdout: "x".repeat(30_000), stderr: "y".repeat(9000) };
    const { sent, look, run } = openCommandWorld(async () => long);
    await sent();
    await run(10);
    const answer = { Status: "Failed", StatusDetails: "Failed", ResponseCode: 3 };
    expect(await look()).toMatchObject({
      ...answer,
      StandardOutputContent: "x".repeat(24_000),
      StandardErrorContent: "y".repeat(8000),
    });
  });

  it("is killed when it runs too long", async () => {
    let killed = false;
    const world = openCommandWorld(async (_script, signal) => {
      const ended = new Promise<ScriptResult>((resolve) => signal.addEventListener("abort", () => resolve(FINE)));
      const result = await world.clock.wait(ended);
      killed = true;
      return result;
    });
    await world.sent({ Parameters: { commands: ["sleep"], executionTimeout: ["60"] } });
    await world.run(61);
    expect(await world.look()).toMatchObject({ Status: "InProgress" });
    await world.run(5);
    expect(await world.look()).toMatchObject({ Status: "TimedOut", StatusDetails: "ExecutionTimedOut" });
    expect(killed).toBe(true);
  });

  it("waits for a machine that is away, for as long as it was told", async () => {
    const { sent, look, run, setReachable } = openCommandWorld(async () => FINE);
    setReachable(false);
    await sent({ TimeoutSeconds: 30 });
    await run(20);
    expect(await look()).toMatchObject({ Status: "Pending" });
    await run(20);
    expect(await look()).toMatchObject({ Status: "TimedOut", StatusDetails: "DeliveryTimedOut" });
  });

  it("reaches a machine that comes back in time", async () => {
    const { sent, look, run, setReachable } = openCommandWorld(async () => FINE);
    setReachable(false);
    await sent({ TimeoutSeconds: 60 });
    await run(20);
    setReachable(true);
    await run(10);
    expect(await look()).toMatchObject({ Status: "Success" });
  });

  it("may be lost on its way, or slow", async () => {
    const { sent, send, look, run, commands } = openCommandWorld(async () => FINE);
    commands.loseNext();
    await sent();
    await run(10);
    expect(await look()).toMatchObject({ Status: "Failed", StatusDetails: "Undeliverable", ResponseCode: -1 });
    commands.delayNext(40);
    await send();
    await run(30);
    expect(await look(idOf(2))).toMatchObject({ Status: "Pending" });
    await run(15);
    expect(await look(idOf(2))).toMatchObject({ Status: "Success" });
  });

  it("is refused for a machine, a document or a size that SSM does not take", async () => {
    const { send } = openCommandWorld(async () => FINE);
    expect(await errorName(send({ InstanceIds: ["i-00000000000000fff"] }))).toBe("InvalidInstanceId");
    expect(await errorName(send({ DocumentName: "Other" }))).toBe("InvalidDocument");
    expect(await errorName(send({ TimeoutSeconds: 5 }))).toBe("ValidationException");
    const large = { commands: ["x".repeat(70_000)] };
    expect(await errorName(send({ Parameters: large }))).toBe("ValidationException");
  });

  it("is run through the project's own adapter", async () => {
    const { clock, client, run } = openCommandWorld(async () => ({
      exitCode: 1,
      stdout: "",
      stderr: "snapshot: no.\n",
    }));
    const order = { instanceId: HUB, text: "true", comment: "Toji test", timeoutSeconds: 60 };
    const done = clock.actor(() => runOnHost(client, clock, order)).then(String, String);
    await run(120);
    expect(await done).toContain("snapshot: no.");
  });
});
