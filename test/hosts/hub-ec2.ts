// EC2's CreateSnapshots as the hub meets it: over TLS, some time on its way, with an answer in XML.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { issueIdentity, serveHttps } from "./builder-host.ts";
import type { Disk, HubHost } from "./hub-host.ts";

/** The time of an API call as the facts give it. It is the wait itself: nothing is asserted about it. */
const API_MILLISECONDS = 800;

export interface Reply {
  readonly status: number;
  readonly body: string;
}

export function snapshotsXml(disks: number): string {
  const items = Array.from({ length: disks }, (_, index) => {
    const tags = "<tagSet><item><key>toji:set</key><value>a &lt;snapshotId&gt;</value></item></tagSet>";
    const volume = `<volumeId>vol-0000000000000000${index}</volumeId>`;
    const snapshot = `<snapshotId>snap-0000000000000000${index}</snapshotId>`;
    // The order of elements is not promised.
    const ids = index % 2 === 0 ? `${volume}<state>pending</state>${snapshot}` : `${snapshot}<progress/>${volume}`;
    return `<item><description/>${tags}${ids}<volumeSize>8</volumeSize></item>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<CreateSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>
<snapshotSet>${items.join("\n")}</snapshotSet></CreateSnapshotsResponse>`;
}

export const SNAPSHOTS = [
  { snapshot: "snap-00000000000000000", volume: "vol-00000000000000000" },
  { snapshot: "snap-00000000000000001", volume: "vol-00000000000000001" },
];

export interface Ec2 {
  readonly url: (key: string) => string;
  /** So many orders came for the key. */
  readonly orders: (key: string) => number;
}

export interface Ec2Setting {
  readonly milliseconds?: number;
  /** So many snapshots are in the answer; one for each disk of the host if left out. */
  readonly disks?: number;
  /** At the moment of the request: what a snapshot holds is what the disks hold now. */
  readonly onOrder?: (disks: readonly Disk[]) => Promise<void>;
  /** null: the connection breaks. */
  readonly reply?: () => Reply | null;
}

export async function startEc2(host: HubHost, setting: Ec2Setting = {}): Promise<Ec2> {
  const { milliseconds = API_MILLISECONDS, disks, onOrder, reply } = setting;
  const counts = new Map<string, number>();
  const identity = await issueIdentity("ec2.eu-west-1.amazonaws.com");
  const bundle = join(host.directory, "ca.pem");
  writeFileSync(bundle, identity.certificate);
  host.environment = { ...host.environment, CURL_CA_BUNDLE: bundle };
  const server = await serveHttps(identity, async (request, response) => {
    const key = new URL(request.url ?? "/", "https://ec2").searchParams.get("key") ?? "";
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const answered = new Promise((resolve) => setTimeout(resolve, milliseconds));
    await onOrder?.(host.disks);
    await answered;
    const answer = reply === undefined ? { status: 200, body: snapshotsXml(disks ?? host.disks.length) } : reply();
    if (answer === null) request.socket.destroy();
    else response.writeHead(answer.status, { "content-type": "text/xml" }).end(answer.body);
  });
  host.closeAtEnd(() => server.close());
  return {
    url: (key) => `${server.url}/?Action=CreateSnapshots&key=${key}&X-Amz-Signature=5ec2e7`,
    orders: (key) => counts.get(key) ?? 0,
  };
}
