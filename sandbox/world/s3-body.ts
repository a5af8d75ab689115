// Object bodies: what a PutObject may be given, and the one-time stream a GetObject answers.

import { Readable } from "node:stream";
import type { GetObjectOutput, PutObjectCommandInput } from "@aws-sdk/client-s3";

/** What an object holds: text as it was put, for that is what most of them are, or bytes. */
export type Content = string | Uint8Array;

export function bytesOf(content: Content): Uint8Array<ArrayBuffer> {
  return typeof content === "string" ? new TextEncoder().encode(content) : content.slice();
}

export async function collectBytes(body: Exclude<PutObjectCommandInput["Body"], string>): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  // Not `slice`: a Buffer's shares its memory.
  if (body instanceof Uint8Array) return new Uint8Array(body);
  if (body instanceof Blob) return body.bytes();
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return new Uint8Array(Buffer.concat(parts));
}

export function streamOf(content: Content): NonNullable<GetObjectOutput["Body"]> {
  return new Body(content);
}

/** Like the SDK's: it can be read once. */
class Body extends Readable {
  readonly #content: Content;
  #taken = false;

  constructor(content: Content) {
    super();
    this.#content = content;
  }

  override _read(): void {
    this.push(bytesOf(this.#content));
    this.push(null);
  }

  async transformToByteArray(): Promise<Uint8Array<ArrayBuffer>> {
    return bytesOf(this.#take());
  }

  async transformToString(encoding = "utf-8"): Promise<string> {
    const content = this.#take();
    if (typeof content === "string" && encoding === "utf-8") return content;
    return new TextDecoder(encoding).decode(bytesOf(content));
  }

  transformToWebStream() {
    return new Blob([bytesOf(this.#take())]).stream();
  }

  #take(): Content {
    if (this.#taken) throw new Error("The stream has already been transformed.");
    this.#taken = true;
    return this.#content;
  }
}
