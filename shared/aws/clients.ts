// The one place that makes AWS clients. The sandbox hands out clients whose `send` is answered by its world model.

import { EC2Client } from "@aws-sdk/client-ec2";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SSMClient } from "@aws-sdk/client-ssm";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

/** What the thin files of this folder need of a client. */
export interface AwsClients {
  readonly ec2: Pick<EC2Client, "send">;
  readonly s3: Pick<S3Client, "send">;
  readonly ssm: Pick<SSMClient, "send">;
  /** A URL that lets its holder GET one object until it expires; seconds. */
  presignGet(bucket: string, key: string, expiresInSeconds: number): Promise<string>;
}

export interface ClientOptions {
  /** Default: the environment's. */
  readonly region?: string;
  /** One address for all services: a sandbox. */
  readonly endpoint?: string;
  /** How long to wait for a connection and for silence in it; default: for ever, as Lambda ends the invocation. */
  readonly timeoutSeconds?: number;
}

/** Real clients; region and credentials come from the environment, as Lambda sets it, unless options say otherwise. */
export function openClients({ region, endpoint, timeoutSeconds }: ClientOptions = {}): AwsClients {
  const milliseconds = (timeoutSeconds ?? 0) * 1000;
  const where = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(milliseconds === 0 ? {} : { requestHandler: { connectionTimeout: milliseconds, socketTimeout: milliseconds } }),
  };
  // A bucket's own host name exists at AWS only.
  const s3 = new S3Client({ ...where, ...(endpoint === undefined ? {} : { forcePathStyle: true }) });
  return {
    ec2: new EC2Client({ ...where, retryMode: "standard", maxAttempts: 3 }),
    s3,
    ssm: new SSMClient(where),
    presignGet: (Bucket, Key, expiresIn) => getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn }),
  };
}
