// Where `toji mirrors list` and `toji mirrors switch` act: the stack's bucket and its machine, put together from options.

import { type MirrorStatus, readMirrorStatus } from "../../shared/mirrors/index.ts";
import type { BackupWorld } from "../backup/scene.ts";
import type { ExecutionScene } from "../executions.ts";
import { Problem } from "../fleet/scene.ts";
import { oneLine } from "../fleet/words.ts";
import { UsageError } from "../io.ts";
import { bucketOf, clientOptions, clockAt, regionOf, requireMachineArn, storeIn } from "../place.ts";

export const STACK_OPTIONS = {
  bucket: { type: "string" },
  region: { type: "string" },
  endpoint: { type: "string" },
  machine: { type: "string" },
  reason: { type: "string" },
  by: { type: "string" },
  wait: { type: "boolean" },
  json: { type: "boolean" },
} as const;

type OptionName = keyof typeof STACK_OPTIONS;
export type StackArgs = {
  readonly [Name in OptionName]?:
    | ((typeof STACK_OPTIONS)[Name]["type"] extends "boolean" ? boolean : string)
    | undefined;
};

export interface MirrorScene extends ExecutionScene<"switch"> {
  readonly args: StackArgs;
  /** As the last run of the checks wrote it. Throws Problem when none has. */
  status(): Promise<MirrorStatus>;
  by(): string;
}

export async function openMirrorScene(
  args: StackArgs,
  world: BackupWorld,
  out: (line: string) => void,
): Promise<MirrorScene> {
  const { env } = world;
  const bucket = bucketOf(args, env);
  const clients = world.open(regionOf(args, env), clientOptions(args));
  const clock = await clockAt(args.endpoint, world.clock);
  let read: Promise<MirrorStatus> | undefined;
  const status = () => {
    read ??= readStatus();
    return read;
  };
  const readStatus = async () => {
    const found = await readMirrorStatus(storeIn(clients, bucket));
    if (found !== null) return found;
    throw new Problem("no mirror has been looked at yet: the checks run every 15 minutes once the stack is deployed");
  };
  return {
    ...{ args, clients, clock, status },
    now: clock.now(),
    token: () => world.token(),
    async machine() {
      const variable = "TOJI_MIRROR_SWITCH_MACHINE";
      const given = args.machine ?? env[variable];
      const arn = given === undefined || given === "" ? (await status()).machines.switch : given;
      if (arn !== null) return requireMachineArn(arn);
      throw new Problem(`nobody says where the machine of switches is: give its ARN as --machine or ${variable}`);
    },
    by() {
      const by = oneLine(args.by ?? world.userName());
      if (by === "") throw new UsageError("--by: say who you are");
      return by;
    },
    say(line) {
      if (args.json !== true) out(line);
    },
  };
}
