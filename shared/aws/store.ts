// JSON and small texts in the one versioned bucket, written conditionally so that two writers never overwrite each other.

import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, attempt, errorName } from "./errors.ts";

/** Somebody else wrote the object first. */
export class StoreConflict extends Error {
  override readonly name = "StoreConflict";
  readonly key: string;
  readonly retryable = true;
  constructor(key: string, options?: ErrorOptions) {
    super(`${key} was changed by another writer: read it again`, options);
    this.key = key;
  }
}

export interface Stored {
  readonly text: string;
  readonly etag: string;
}

/** `expect`: the etag that must still be there, or "absent" for an object that must not exist yet. */
export interface ObjectStore {
  get(key: string): Promise<Stored | null>;
  put(key: string, text: string, expect?: string): Promise<{ readonly etag: string }>;
  /** Deleting what is not there is fine. */
  remove(key: string): Promise<void>;
  presign(key: string, expiresInSeconds: number): Promise<string>;
}

export function openStore(clients: Pick<AwsClients, "s3" | "presignGet">, bucket: string): ObjectStore {
  const { s3 } = clients;
  return {
    async get(key) {
      try {
        const reply = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return { text: (await reply.Body?.transformToString()) ?? "", etag: reply.ETag ?? "" };
      } catch (error) {
        if (errorName(error) === "NoSuchKey") return null;
        throw new AwsCallFailed("GetObject", error);
      }
    },
    async put(key, text, expect) {
      const condition = expect === undefined ? {} : expect === "absent" ? { IfNoneMatch: "*" } : { IfMatch: expect };
      try {
        const reply = await s3.send(
          new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType: contentType(key), ...condition }),
        );
        return { etag: reply.ETag ?? "" };
      } catch (error) {
        const name = errorName(error);
        // 412 when the condition fails, 409 when two conditional writes meet, 404 when If-Match finds nothing.
        if (name === "PreconditionFailed" || name === "ConditionalRequestConflict" || name === "NoSuchKey") {
          throw new StoreConflict(key, { cause: error });
        }
        throw new AwsCallFailed("PutObject", error);
      }
    },
    async remove(key) {
      await attempt("DeleteObject", () => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })));
    },
    presign: (key, expiresInSeconds) => attempt("presign", () => clients.presignGet(bucket, key, expiresInSeconds)),
  };
}

export interface ListedObject {
  readonly key: string;
  /** Epoch seconds, S3's clock. */
  readonly writtenAt: number;
}

/** Lists every object below a prefix. */
export type ObjectListing = (prefix: string) => Promise<ListedObject[]>;

/** Page by page. Apart from the store, since only the sweep lists: the pass carries no code for it. */
export function openListing({ s3 }: Pick<AwsClients, "s3">, bucket: string): ObjectListing {
  return async (prefix) => {
    const found: ListedObject[] = [];
    let ContinuationToken: string | undefined;
    do {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken });
      const page = await attempt("ListObjectsV2", () => s3.send(command));
      for (const { Key = "", LastModified } of page.Contents ?? []) {
        found.push({ key: Key, writtenAt: (LastModified?.getTime() ?? 0) / 1000 });
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
    return found;
  };
}

function contentType(key: string): string {
  return key.endsWith(".json") ? "application/json" : "text/plain";
}
