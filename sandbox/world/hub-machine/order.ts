// CreateSnapshots by its presigned address: what EC2 makes of a GET, without the SDK.

import { CreateSnapshotsCommand, type CreateSnapshotsResult } from "@aws-sdk/client-ec2";
import { type SnapshotsOrder, snapshotsQuery } from "../../../shared/aws/presign-snapshots.ts";
import type { Ec2Model } from "../ec2/index.ts";

/** As curl sees it. `lost`: it was sent, and no answer came. `unreachable`: it never left the host. */
export type OrderReply =
  | { readonly kind: "answered"; readonly snapshots: readonly { readonly snapshot: string; readonly volume: string }[] }
  | { readonly kind: "refused" | "lost" | "unreachable"; readonly why: string };

/** Like shared/aws/presign-snapshots.ts, with a signature that means nothing. `now` in epoch seconds. */
export function presignedOrder(region: string, order: SnapshotsOrder, now: number, expiresInSeconds: number): string {
  const parameters = new URLSearchParams({
    ...snapshotsQuery(order),
    "X-Amz-Date": new Date(now * 1000).toISOString().replace(/[-:]|\.\d+/g, ""),
    "X-Amz-Expires": String(expiresInSeconds),
    "X-Amz-Signature": "0".repeat(64),
  });
  return `https://ec2.${region}.amazonaws.com/?${parameters}`;
}

/** EC2's errors that say nothing of whether the call was done. */
const SAYS_NOTHING: ReadonlySet<string> = new Set([
  "InternalError",
  "Unavailable",
  "ServiceUnavailable",
  "TimeoutError",
]);

export async function sendOrder(ec2: Ec2Model, address: string, now: number): Promise<OrderReply> {
  const url = new URL(address);
  if (!/^ec2\.[a-z0-9-]+\.amazonaws\.com$/.test(url.hostname)) {
    return { kind: "unreachable", why: `curl's error 6: ${url.hostname} does not exist` };
  }
  const parameters = url.searchParams;
  if (isExpired(parameters, now)) return { kind: "refused", why: "RequestExpired, Request has expired." };
  try {
    const answer = await ec2.send(new CreateSnapshotsCommand(readOrder(parameters)));
    return { kind: "answered", snapshots: snapshotsOf(answer) };
  } catch (error) {
    if (!(error instanceof Error) || error.name === "NotModelled") throw error;
    const isLost = SAYS_NOTHING.has(error.name) || error.name === "Error";
    return { kind: isLost ? "lost" : "refused", why: `${error.name}, ${error.message}` };
  }
}

function isExpired(parameters: URLSearchParams, now: number): boolean {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get("X-Amz-Date") ?? "") ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) / 1000;
  return !(now < signedAt + Number(parameters.get("X-Amz-Expires")));
}

function readOrder(parameters: URLSearchParams) {
  const tags: { Key: string; Value: string }[] = [];
  for (let number = 1; parameters.has(`TagSpecification.1.Tag.${number}.Key`); number++) {
    const name = `TagSpecification.1.Tag.${number}`;
    tags.push({ Key: parameters.get(`${name}.Key`) ?? "", Value: parameters.get(`${name}.Value`) ?? "" });
  }
  return {
    Description: parameters.get("Description") ?? "",
    InstanceSpecification: {
      InstanceId: parameters.get("InstanceSpecification.InstanceId") ?? "",
      ExcludeBootVolume: parameters.get("InstanceSpecification.ExcludeBootVolume") === "true",
    },
    TagSpecifications: [{ ResourceType: "snapshot" as const, Tags: tags }],
  };
}

function snapshotsOf(answer: CreateSnapshotsResult) {
  return (answer.Snapshots ?? []).map(({ SnapshotId = "", VolumeId = "" }) => ({
    snapshot: SnapshotId,
    volume: VolumeId,
  }));
}
