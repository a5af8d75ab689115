// The one place that makes AWS clients. The sandbox hands out clients whose `send` is answered by its world model.

import type { EC2Client } from "@aws-sdk/client-ec2";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SSMClient } from "@aws-sdk/client-ssm";

/** What the thin files of this folder need of a client. */
export interface AwsClients {
  readonly ec2: Pick<EC2Client, "send">;
  readonly s3: Pick<S3Client, "send">;
  readonly ssm: Pick<SSMClient, "send">;
  /** A URL that lets its holder GET one object until it expires; seconds. */
  presignGet(bucket: string, key: string, expiresInSeconds: number): Promise<string>;
}
