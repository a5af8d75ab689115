// S3 in memory: conditional writes and deletes, pages, and presigned URLs that expire.

import { createHmac, hash } from "node:crypto";
import {
  DeleteObjectCommand,
  type DeleteObjectCommandInput,
  type DeleteObjectOutput,
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectOutput,
  HeadObjectCommand,
  type HeadObjectCommandInput,
  type HeadObjectOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2Output,
  NoSuchBucket,
  NotFound,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectOutput,
} from "@aws-sdk/client-s3";
import type { Clock } from "../../shared/clock.ts";
import { ApiGate, type FaultOptions } from "./api-gate.ts";
import { bytesOf, type Content, collectBytes, streamOf } from "./s3-body.ts";
import { noSuchKey, preconditionFailed, s3Error } from "./s3-errors.ts";

export interface S3Options {
  readonly clock: Clock;
  readonly buckets: readonly string[];
  /** Virtual seconds every call takes; default 0. */
  readonly latencySeconds?: number;
}

export type PresignedAnswer =
  | { readonly status: 200; readonly bytes: Uint8Array }
  | { readonly status: 403 | 404; readonly reason: string };

interface StoredObject {
  readonly content: Content;
  /** In bytes. */
  readonly size: number;
  readonly etag: string;
  readonly version: number;
  readonly modifiedAt: number;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Bucket {
  readonly objects: Map<string, StoredObject>;
  /** How often each key was written or deleted; survives deletion, as versions do. */
  readonly versions: Map<string, number>;
}

const ORIGIN = "https://sandbox-s3.invalid";
const LONGEST_PRESIGN_SECONDS = 7 * 24 * 3600;
const LARGEST_PAGE = 1000;

export class S3Model {
  readonly #clock: Clock;
  readonly #gate: ApiGate;
  readonly #buckets: ReadonlyMap<string, Bucket>;
  #conflicts = 0;

  constructor({ clock, buckets, latencySeconds = 0 }: S3Options) {
    this.#clock = clock;
    this.#gate = new ApiGate(clock, latencySeconds);
    this.#buckets = new Map(buckets.map((name) => [name, { objects: new Map(), versions: new Map() }]));
  }

  /** Answers one command, as the SDK's client would after its own retries. */
  async send(command: object): Promise<object> {
    const answer = async (operation: string, apply: () => object | Promise<object>) => {
      const given = await this.#gate.pass(operation, apply);
      return { ...given, $metadata: { httpStatusCode: 200 } };
    };
    if (command instanceof GetObjectCommand) return answer("GetObject", () => this.#get(command.input));
    if (command instanceof HeadObjectCommand) return answer("HeadObject", () => this.#head(command.input));
    if (command instanceof PutObjectCommand) return answer("PutObject", () => this.#put(command.input));
    if (command instanceof DeleteObjectCommand) return answer("DeleteObject", () => this.#delete(command.input));
    if (command instanceof ListObjectsV2Command) return answer("ListObjectsV2", () => this.#list(command.input));
    throw new Error(`the S3 model does not know ${command.constructor.name}: add it to sandbox/world/s3.ts`);
  }

  /** `error`: an S3 code (SlowDown, AccessDenied, ...) or an error of your own; null = whatever is called next. */
  failNext(operation: string | null, error: string | Error, options: FaultOptions = {}): void {
    const makeError = () => (typeof error === "string" ? s3Error(error, `${error} (injected)`) : error);
    this.#gate.failNext(operation, makeError, options);
  }

  /** The next conditional writes meet another one under way: 409 ConditionalRequestConflict, nothing written. */
  conflictNext(times: number): void {
    this.#conflicts = times;
  }

  callCounts(): Readonly<Record<string, number>> {
    return this.#gate.callCounts();
  }

  keys(bucket: string, prefix = ""): string[] {
    return [...this.#bucket(bucket).objects.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
  }

  /** An object as text; null = there is none. */
  text(bucket: string, key: string): string | null {
    const object = this.#bucket(bucket).objects.get(key);
    if (object === undefined) return null;
    return typeof object.content === "string" ? object.content : Buffer.from(object.content).toString();
  }

  /** How many versions a key has had, delete markers included. */
  versionCount(bucket: string, key: string): number {
    return this.#bucket(bucket).versions.get(key) ?? 0;
  }

  presignGet(bucket: string, key: string, expiresInSeconds: number): string {
    this.#bucket(bucket);
    if (!(expiresInSeconds > 0 && expiresInSeconds <= LONGEST_PRESIGN_SECONDS)) {
      throw new RangeError(`a presigned URL lasts up to 7 days, not ${expiresInSeconds} s`);
    }
    const path = `/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
    const expires = String(this.#clock.now() + expiresInSeconds);
    return `${ORIGIN}${path}?expires=${expires}&signature=${sign(path, expires)}`;
  }

  /** What a machine gets that fetches such a URL at a time: the bytes, or why not. */
  fetchPresigned(url: string, now: number): PresignedAnswer {
    const { origin, pathname, searchParams } = new URL(url);
    const expires = searchParams.get("expires") ?? "";
    if (origin !== ORIGIN || searchParams.get("signature") !== sign(pathname, expires)) {
      return { status: 403, reason: "SignatureDoesNotMatch" };
    }
    if (now >= Number(expires)) return { status: 403, reason: "Request has expired" };
    const [, bucket = "", ...key] = pathname.split("/").map(decodeURIComponent);
    const object = this.#bucket(bucket).objects.get(key.join("/"));
    return object === undefined
      ? { status: 404, reason: "NoSuchKey" }
      : { status: 200, bytes: bytesOf(object.content) };
  }

  async #put(input: PutObjectCommandInput): Promise<PutObjectOutput> {
    // Bytes cannot hold half a surrogate pair.
    const content = typeof input.Body === "string" ? input.Body.toWellFormed() : await collectBytes(input.Body);
    const { objects, versions } = this.#bucket(input.Bucket);
    const key = requireKey(input.Key);
    this.#checkWrite(objects.get(key), input);
    const version = (versions.get(key) ?? 0) + 1;
    const etag = `"${hash("md5", content)}"`;
    const { ContentType: contentType, Metadata = {} } = input;
    const size = Buffer.byteLength(content);
    const modifiedAt = this.#clock.now();
    objects.set(key, { content, size, etag, version, modifiedAt, contentType, metadata: { ...Metadata } });
    versions.set(key, version);
    return { ETag: etag, VersionId: `v${version}` };
  }

  #checkWrite(present: StoredObject | undefined, { IfMatch, IfNoneMatch, Key }: PutObjectCommandInput): void {
    if (IfMatch === undefined && IfNoneMatch === undefined) return;
    if (IfNoneMatch !== undefined && IfNoneMatch !== "*") throw s3Error("NotImplemented", "If-None-Match takes only *");
    if (this.#conflicts > 0) {
      this.#conflicts--;
      throw s3Error("ConditionalRequestConflict", "A conflicting conditional operation is under way");
    }
    if (IfNoneMatch !== undefined && present !== undefined) throw preconditionFailed();
    if (IfMatch === undefined) return;
    if (present === undefined) throw noSuchKey(Key);
    if (present.etag !== quoted(IfMatch)) throw preconditionFailed();
  }

  #get(input: GetObjectCommandInput): GetObjectOutput {
    const { Range, VersionId, IfNoneMatch, IfModifiedSince } = input;
    if (Range ?? VersionId ?? IfNoneMatch ?? IfModifiedSince) {
      throw new Error("the S3 model does not know ranges, versions and conditional reads: add them to s3.ts");
    }
    const object = this.#bucket(input.Bucket).objects.get(requireKey(input.Key));
    if (object === undefined) throw noSuchKey(input.Key);
    if (input.IfMatch !== undefined && quoted(input.IfMatch) !== object.etag) throw preconditionFailed();
    return { ...describe(object), Body: streamOf(object.content) };
  }

  #head(input: HeadObjectCommandInput): HeadObjectOutput {
    const object = this.#bucket(input.Bucket).objects.get(requireKey(input.Key));
    if (object === undefined) throw new NotFound({ message: "UnknownError", $metadata: { httpStatusCode: 404 } });
    return describe(object);
  }

  /** Deleting what is not there is fine, unless a condition names it. */
  #delete(input: DeleteObjectCommandInput): DeleteObjectOutput {
    const { objects, versions } = this.#bucket(input.Bucket);
    const key = requireKey(input.Key);
    if (input.VersionId !== undefined) throw new Error("the S3 model does not delete single versions: add it to s3.ts");
    if (input.IfMatch !== undefined) {
      const present = objects.get(key);
      if (present === undefined) throw noSuchKey(key);
      if (input.IfMatch !== "*" && quoted(input.IfMatch) !== present.etag) throw preconditionFailed();
    }
    objects.delete(key);
    const version = (versions.get(key) ?? 0) + 1;
    versions.set(key, version);
    return { DeleteMarker: true, VersionId: `v${version}` };
  }

  #list(input: ListObjectsV2CommandInput): ListObjectsV2Output {
    if (input.Delimiter !== undefined) throw new Error("the S3 model does not know Delimiter: add it to s3.ts");
    const size = Math.min(input.MaxKeys ?? LARGEST_PAGE, LARGEST_PAGE);
    const after = input.ContinuationToken ?? input.StartAfter;
    const { objects } = this.#bucket(input.Bucket);
    const found = this.keys(input.Bucket ?? "", input.Prefix).filter(
      (key) => after === undefined || byBytes(key, after) > 0,
    );
    const page = found.slice(0, size);
    const last = page.at(-1);
    const isTruncated = page.length < found.length && last !== undefined;
    return {
      IsTruncated: isTruncated,
      KeyCount: page.length,
      ...(page.length === 0 ? {} : { Contents: page.map((key) => ({ Key: key, ...listed(objects.get(key)) })) }),
      ...(isTruncated ? { NextContinuationToken: last } : {}),
    };
  }

  #bucket(name: string | undefined): Bucket {
    const bucket = this.#buckets.get(name ?? "");
    if (bucket !== undefined) return bucket;
    throw new NoSuchBucket({ message: `The bucket ${name} does not exist`, $metadata: { httpStatusCode: 404 } });
  }
}

function describe({ size, etag, version, modifiedAt, contentType, metadata }: StoredObject): HeadObjectOutput {
  return {
    ETag: etag,
    VersionId: `v${version}`,
    ContentLength: size,
    LastModified: new Date(modifiedAt * 1000),
    ContentType: contentType ?? "application/octet-stream",
    Metadata: { ...metadata },
  };
}

function listed(object: StoredObject | undefined) {
  if (object === undefined) return {};
  return { ETag: object.etag, Size: object.size, LastModified: new Date(object.modifiedAt * 1000) };
}

function requireKey(key: string | undefined): string {
  if (key === undefined || key === "") throw new Error("No value provided for input HTTP label: Key.");
  return key;
}

/** S3 takes an ETag with and without its quotes. */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

/** S3 lists in the order of UTF-8 bytes. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function sign(path: string, expires: string): string {
  return createHmac("sha256", "sandbox").update(`${path}\n${expires}`).digest("hex");
}
