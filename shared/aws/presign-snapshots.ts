// CreateSnapshots as a presigned GET of EC2's query protocol: the hub sends it while it is frozen, and needs no AWS rights.

import type { EC2Client } from "@aws-sdk/client-ec2";
import { SignatureV4 } from "@smithy/signature-v4";
import { attempt } from "./errors.ts";

/** One CreateSnapshots. */
export interface SnapshotsOrder {
  readonly instanceId: string;
  readonly excludeBootVolume: boolean;
  readonly description: string;
  /** On every snapshot. */
  readonly tags: Readonly<Record<string, string>>;
}

/** EC2's query API (the SDK's own: aws-sdk/client-ec2, `Version` of every request). */
const API_VERSION = "2016-11-15";

/** The parameters of the query protocol: lists are counted from 1. */
export function snapshotsQuery({ instanceId, excludeBootVolume, description, tags }: SnapshotsOrder) {
  const query: Record<string, string> = {
    Action: "CreateSnapshots",
    Version: API_VERSION,
    Description: description,
    "InstanceSpecification.InstanceId": instanceId,
    "InstanceSpecification.ExcludeBootVolume": String(excludeBootVolume),
    "TagSpecification.1.ResourceType": "snapshot",
  };
  Object.entries(tags).forEach(([key, value], index) => {
    query[`TagSpecification.1.Tag.${index + 1}.Key`] = key;
    query[`TagSpecification.1.Tag.${index + 1}.Value`] = value;
  });
  return query;
}

/** Signed with the caller's own credentials: the address can do what they may, and this only. */
export async function presignCreateSnapshots(
  { config }: Pick<EC2Client, "config">,
  order: SnapshotsOrder,
  expiresInSeconds: number,
): Promise<string> {
  return await attempt("CreateSnapshots", async () => {
    const region = await config.region();
    const hostname = `ec2.${region}.${region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com"}`;
    const { credentials, sha256 } = config;
    const signer = new SignatureV4({ credentials, region, sha256, service: "ec2" });
    const signed = await signer.presign(
      {
        method: "GET",
        protocol: "https:",
        hostname,
        path: "/",
        headers: { host: hostname },
        query: snapshotsQuery(order),
      },
      { expiresIn: expiresInSeconds },
    );
    const parameters = Object.entries(signed.query ?? {}).map(
      ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`,
    );
    return `https://${hostname}/?${parameters.join("&")}`;
  });
}
