// The account of a sandbox: the models of EC2, S3 and SSM, and clients that look like the SDK's.

import type { AwsClients } from "../../shared/aws/clients.ts";
import type { VirtualClock } from "./clock.ts";
import { Ec2Model, type Ec2Options } from "./ec2/index.ts";
import type { Random } from "./random.ts";
import { S3Model } from "./s3.ts";
import { SsmModel, type SsmOptions } from "./ssm.ts";

export interface AwsOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly ec2: Omit<Ec2Options, "clock" | "random" | "latencySeconds">;
  readonly buckets: readonly string[];
  readonly parameters?: NonNullable<SsmOptions["parameters"]>;
  /** Virtual seconds every AWS call takes; default 0. */
  readonly latencySeconds?: number;
}

export interface SandboxAws {
  readonly clients: AwsClients;
  readonly ec2: Ec2Model;
  readonly s3: S3Model;
  readonly ssm: SsmModel;
}

export function createAws({
  clock,
  random,
  buckets,
  parameters = {},
  latencySeconds = 0,
  ...options
}: AwsOptions): SandboxAws {
  const ec2 = new Ec2Model({ ...options.ec2, clock, random: random.fork("ec2"), latencySeconds });
  const s3 = new S3Model({ clock, buckets, latencySeconds });
  const ssm = new SsmModel({ clock, parameters, latencySeconds });
  // Each model answers a command with the output type of that command; `send` is overloaded beyond what can be said.
  const clients: AwsClients = {
    ec2: { send: ((command: object) => ec2.send(command)) as AwsClients["ec2"]["send"] },
    s3: { send: ((command: object) => s3.send(command)) as AwsClients["s3"]["send"] },
    ssm: { send: ((command: object) => ssm.send(command)) as AwsClients["ssm"]["send"] },
    presignGet: async (bucket, key, expiresInSeconds) => s3.presignGet(bucket, key, expiresInSeconds),
  };
  return { clients, ec2, s3, ssm };
}
