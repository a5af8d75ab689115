// An account with a hub of two data volumes and one more region, and short ways to use it.

import {
  CreateSnapshotsCommand,
  DescribeSnapshotsCommand,
  type DescribeSnapshotsCommandInput,
  DescribeVolumesCommand,
  type Volume,
} from "@aws-sdk/client-ec2";
import { GetCommandInvocationCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { type BackupAwsOptions, backupAws, type HubSeed } from "../../sandbox/world/backup-aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { Random } from "../../sandbox/world/random.ts";
import type { SnapshotsOrder } from "../../shared/aws/presign-snapshots.ts";
import { commandText } from "../../shared/backup/command.ts";
import { START } from "./ec2-world.ts";

export const HOME = "eu-west-1";
export const AWAY = "eu-central-1";
export const KEY = "bs-20260901T020000Z-0a1b2c3d";
const MOUNTS = "/mnt/koji /var/lib/pgsql";

export function openBackupWorld(options: Partial<BackupAwsOptions> = {}, seed: Partial<HubSeed> = {}) {
  const clock = new VirtualClock(START);
  const home = { clock, random: new Random(1), home: HOME, regions: [AWAY], buckets: [] };
  const aws = backupAws({ ...home, ...options });
  const hub = aws.addHub({ fleet: "koji", ...seed });
  const ec2 = aws.clients.ec2({ region: HOME });
  const run = (seconds: number) => clock.runUntil(clock.now() + seconds);
  /** Does what needs virtual time to end, and moves time until it has. */
  const during = async <T>(work: () => Promise<T>): Promise<T> => {
    const done = clock.actor(work);
    done.catch(() => {});
    await run(7200);
    return await done;
  };
  const list = async (input: DescribeSnapshotsCommandInput = { OwnerIds: ["self"] }) =>
    (await ec2.send(new DescribeSnapshotsCommand(input))).Snapshots ?? [];
  const volumes = async (): Promise<Volume[]> => (await ec2.send(new DescribeVolumesCommand({}))).Volumes ?? [];
  const take = async (tags: Readonly<Record<string, string>> = {}) => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const command = new CreateSnapshotsCommand({
      InstanceSpecification: { InstanceId: hub.instanceId },
      TagSpecifications: [{ ResourceType: "snapshot", Tags }],
    });
    const ids = ((await ec2.send(command)).Snapshots ?? []).map(({ SnapshotId = "" }) => SnapshotId);
    return ids;
  };
  /** A set that is complete, its snapshots in the order of the devices. */
  const takeComplete = async (tags: Readonly<Record<string, string>> = {}) => {
    const ids = await take(tags);
    await run(600);
    return ids;
  };
  /** Runs one host script on the hub to its end: SSM's last words about it. */
  const script = async (action: string, environment: Readonly<Record<string, string>>, limitSeconds = 300) =>
    await during(async () => {
      const text = commandText(action, environment, "#!/bin/sh\nexit 9\n");
      const send = new SendCommandCommand({
        DocumentName: "AWS-RunShellScript",
        InstanceIds: [hub.instanceId],
        TimeoutSeconds: 60,
        Parameters: { commands: text.split("\n"), executionTimeout: [String(limitSeconds)] },
      });
      const CommandId = (await aws.clients.ssm.send(send)).Command?.CommandId ?? "";
      for (;;) {
        await clock.sleep(1);
        const ask = new GetCommandInvocationCommand({ CommandId, InstanceId: hub.instanceId });
        const answer = await aws.clients.ssm.send(ask);
        if (answer.Status !== "Pending" && answer.Status !== "InProgress") return answer;
      }
    });
  const address = async (order: Partial<SnapshotsOrder> = {}, expires = 300) =>
    await aws.clients.presignCreateSnapshots(
      {
        instanceId: hub.instanceId,
        excludeBootVolume: false,
        description: "set",
        tags: { "toji:set": KEY, "toji:backup": "koji" },
        ...order,
      },
      expires,
    );
  /** The variables of `snapshot`, with an address that is good for now. */
  const snapshotVariables = async (changes: Readonly<Record<string, string>> = {}) => ({
    TOJI_KEY: KEY,
    TOJI_MOUNTS: MOUNTS,
    TOJI_DATABASE: "koji",
    TOJI_FREEZE_LIMIT: "20",
    TOJI_ACCEPT_CRASH: "no",
    TOJI_SNAPSHOT_URL: await address(),
    ...changes,
  });
  return {
    ...aws,
    aws,
    clock,
    hub,
    home: ec2,
    run,
    during,
    list,
    volumes,
    take,
    takeComplete,
    script,
    address,
    snapshotVariables,
  };
}

/** The last line of a script's output. */
export function lastLine(stdout: string | undefined): unknown {
  return JSON.parse((stdout ?? "").trimEnd().split("\n").at(-1) ?? "");
}
