// Clients for backups: several regions and accounts, EBS's block lists, and an order for snapshots that somebody else may send.

import { EBSClient } from "@aws-sdk/client-ebs";
import { EC2Client } from "@aws-sdk/client-ec2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { type AwsClients, type ClientOptions, openClients } from "./clients.ts";
import { presignCreateSnapshots, type SnapshotsOrder } from "./presign-snapshots.ts";

/** Where calls go: a region of this account, or of the account whose role is named. */
export interface Place {
  readonly region: string;
  readonly roleArn?: string | undefined;
}

export interface BackupClients extends Pick<AwsClients, "s3" | "ssm" | "presignGet"> {
  /** The hub's region. */
  readonly home: string;
  ec2(place: Place): AwsClients["ec2"];
  ebs(place: Place): Pick<EBSClient, "send">;
  readonly sfn: Pick<SFNClient, "send">;
  /** An HTTPS address whose GET sends exactly this order, until it expires. It holds no key and can do nothing else. */
  presignCreateSnapshots(order: SnapshotsOrder, expiresInSeconds: number): Promise<string>;
}

/** `home`: the hub's region. Clients are made at their first use and kept. */
export function openBackupClients(home: string, options: ClientOptions = {}): BackupClients {
  const { endpoint } = options;
  const base = openClients({ ...options, region: home });
  const endpointOf = endpoint === undefined ? {} : { endpoint };
  const made = new Map<string, unknown>();
  const once = <Client>(key: string, make: () => Client): Client => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key) as Client;
  };
  const setting = ({ region, roleArn }: Place) => ({
    region,
    ...endpointOf,
    ...(roleArn === undefined
      ? {}
      : { credentials: fromTemporaryCredentials({ params: { RoleArn: roleArn, RoleSessionName: "toji-backup" } }) }),
  });
  const keyOf = ({ region, roleArn = "" }: Place) => `${region} ${roleArn}`;
  const ec2 = (place: Place) =>
    once(`ec2 ${keyOf(place)}`, () => new EC2Client({ ...setting(place), retryMode: "standard", maxAttempts: 3 }));
  return {
    s3: base.s3,
    ssm: base.ssm,
    presignGet: base.presignGet,
    home,
    ec2,
    ebs: (place) => once(`ebs ${keyOf(place)}`, () => new EBSClient(setting(place))),
    get sfn() {
      return once("sfn", () => new SFNClient({ region: home, ...endpointOf }));
    },
    presignCreateSnapshots: (order, expiresInSeconds) =>
      presignCreateSnapshots(ec2({ region: home }), order, expiresInSeconds),
  };
}
