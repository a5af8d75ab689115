// As much of AWS over HTTP as a fleet pass without changes and a sweep need: S3 objects, one page of EC2, a hub that is away.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface AwsStub {
  readonly origin: string;
  /** Objects by key, as the function wrote them. */
  readonly objects: Map<string, string>;
  /** EC2's calls in the order they came: `Action` and its other parameters. */
  readonly calls: Readonly<Record<string, string>>[];
  close(): Promise<void>;
}

const NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";

const S3_MISSING = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";

const HUB_OFFLINE = `<?xml version="1.0"?><methodResponse><fault><value><struct>
<member><name>faultCode</name><value><int>1014</int></value></member>
<member><name>faultString</name><value><string>server is offline</string></value></member>
</struct></value></fault></methodResponse>`;

/** `instances`: the XML of instancesSet's items. `answers`: what is inside EC2's other answers, by action. */
export async function startAwsStub(
  bucket: string,
  instances: string,
  answers: Readonly<Record<string, string>> = {},
): Promise<AwsStub> {
  const objects = new Map<string, string>();
  const calls: Record<string, string>[] = [];
  const answer = (request: IncomingMessage, body: string): { status: number; text: string } => {
    const path = decodeURIComponent(request.url?.split("?")[0] ?? "");
    const prefix = new URLSearchParams(request.url?.split("?")[1]).get("prefix");
    if (path.startsWith("/kojihub")) return { status: 200, text: HUB_OFFLINE };
    if (path.startsWith(`/${bucket}`) && prefix !== null) return { status: 200, text: listObjects(objects, prefix) };
    if (path.startsWith(`/${bucket}/`)) return answerS3(objects, request.method, path.slice(bucket.length + 2), body);
    const call = Object.fromEntries(new URLSearchParams(body));
    calls.push(call);
    const { Action = "" } = call;
    const inside = Action === "DescribeInstances" ? reservations(instances) : (answers[Action] ?? "");
    return { status: 200, text: `<${Action}Response xmlns="${NAMESPACE}">${inside}</${Action}Response>` };
  };
  const server = createServer(async (request, response) => {
    const { status, text } = answer(request, Buffer.concat(await request.toArray()).toString());
    response.writeHead(status, { "content-type": "text/xml", etag: `"${objects.size}"` }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    calls,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function answerS3(objects: Map<string, string>, method: string | undefined, key: string, body: string) {
  if (method === "PUT") {
    objects.set(key, body);
    return { status: 200, text: "" };
  }
  if (method === "DELETE") {
    objects.delete(key);
    return { status: 204, text: "" };
  }
  const found = objects.get(key);
  return found === undefined ? { status: 404, text: S3_MISSING } : { status: 200, text: found };
}

function listObjects(objects: ReadonlyMap<string, string>, prefix: string): string {
  const found = [...objects.keys()].filter((key) => key.startsWith(prefix));
  const contents = found.map(
    (key) => `<Contents><Key>${key}</Key><LastModified>2026-11-22T13:14:36.000Z</LastModified></Contents>`,
  );
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`;
}

function reservations(items: string): string {
  return `<reservationSet><item><instancesSet>${items}</instancesSet></item></reservationSet>`;
}
