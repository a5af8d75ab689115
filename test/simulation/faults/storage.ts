// What happens to the bucket and the parameters.

import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { s3Error } from "../../../sandbox/world/s3-errors.ts";
import { BUCKET } from "../constants.ts";
import { chance, whole } from "../draw.ts";
import type { AwsCall } from "../weather.ts";
import type { FaultKind } from "./kind.ts";

function failing(
  name: string,
  meant: (call: AwsCall) => boolean,
  code: string,
  options: { readonly applied?: boolean; readonly most?: number } = {},
): FaultKind {
  return {
    name,
    seconds: [20, 400],
    begin(world, random, took) {
      const share = random.between(0.2, 1);
      let left = options.most === undefined ? Number.POSITIVE_INFINITY : whole(random, 1, options.most);
      return world.weather.aws.add(async (call, next) => {
        if (!meant(call) || left <= 0 || !chance(random, share)) return await next();
        left -= 1;
        took();
        if (options.applied === true) await next();
        else await world.clock.sleep(world.input.awsLatencySeconds);
        world.trace.add(`  ${call.service}: ${call.operation} ends in ${code}`);
        throw s3Error(code, `${code} (injected)`);
      });
    },
  };
}

const isConditional = ({ operation, input }: AwsCall) =>
  operation === "PutObject" && ("IfMatch" in input || "IfNoneMatch" in input);

export const STORAGE_FAULTS: readonly FaultKind[] = [
  failing("s3 conditional write conflicts", isConditional, "ConditionalRequestConflict", { most: 4 }),
  failing("s3 write answer lost", ({ operation }) => operation === "PutObject", "InternalError", {
    applied: true,
    most: 3,
  }),
  failing("s3 asks to slow down", ({ service }) => service === "s3", "SlowDown"),
  failing("s3 reads fail", ({ operation }) => operation === "GetObject", "InternalError", { most: 10 }),
  failing("parameters unreadable", ({ service }) => service === "ssm", "AccessDeniedException"),
  {
    name: "memory unreadable",
    begin(world, _random, took) {
      took();
      world.invariants.memoryLostAt = world.clock.now();
      world.clock.after(0, () =>
        world.aws.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "fleet/memory.json", Body: "{" })),
      );
      return undefined;
    },
  },
  {
    name: "bucket emptied",
    begin(world, random, took) {
      took();
      world.invariants.memoryLostAt = world.clock.now();
      const prefix = random.pick(["fleet/memory.json", "fleet/", ""]);
      world.clock.after(0, async () => {
        for (const Key of world.aws.s3.keys(BUCKET, prefix))
          await world.aws.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
      });
      return undefined;
    },
  },
];
