// Object bodies: what a PutObject may be given, and the one-time stream a GetObject answers.

import { Readable } from "node:stream";
import type { GetObjectOutput, PutObjectCommandInput } from "@aws-sdk/client-s3";

export async function collectBytes(body: PutObjectCommandInput["Body"]): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (typeof body === "string") return new TextEncoder().encode(body);
  // Not `slice`: a Buffer's shares its memory.
  if (body instanceof Uint8Array) return new Uint8Array(body);
  if (body instanceof Blob) return body.bytes();
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return new Uint8Array(Buffer.concat(parts));
}

/** Like the SDK's: it can be read once. */
export function streamOf(bytes: Uint8Array): NonNullable<GetObjectOutput["Body"]> {
  let taken = false;
  const take = () => {
    if (taken) throw new Error("The stream has already been transformed.");
    taken = true;
    return bytes.slice();
  };
  return Object.assign(Readable.from([Buffer.from(bytes)]), {
    transformToByteArray: async () => take(),
    transformToString: async (encoding?: string) => new TextDecoder(encoding ?? "utf-8").decode(take()),
    transformToWebStream: () => new Blob([take()]).stream(),
  });
}
