// The S3 model: two writers never overwrite each other, pages are whole, presigned URLs end.

import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAws } from "../../sandbox/world/aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { Random } from "../../sandbox/world/random.ts";

const Bucket = "toji-state";

function openWorld() {
  const clock = new VirtualClock(1000);
  const ec2 = { subnets: [], pricePerHour: () => 1 };
  const aws = createAws({ clock, random: new Random(1), buckets: [Bucket], ec2 });
  const { s3 } = aws.clients;
  const put = (Key: string, Body: NonNullable<PutObjectCommandInput["Body"]>, condition: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }));
  const get = (Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }));
  const remove = (Key: string, condition: object = {}) =>
    s3.send(new DeleteObjectCommand({ Bucket, Key, ...condition }));
  return { clock, s3, model: aws.s3, put, get, remove, presign: aws.clients.presignGet };
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: unknown) =>
      error instanceof S3ServiceException ? `${error.name} ${error.$metadata.httpStatusCode}` : String(error),
  );

describe("objects", () => {
  it("come back as they were put, once per answer, with what describes them", async () => {
    const { s3, put, get } = openWorld();
    const made = await put("a/b.json", '{"é":1}', { ContentType: "application/json", Metadata: { pass: "7" } });
    const answer = await get("a/b.json");
    expect(answer).toMatchObject({ ETag: made.ETag, ContentLength: 8, ContentType: "application/json" });
    expect(answer.LastModified).toEqual(new Date(1000 * 1000));
    expect(await answer.Body?.transformToString()).toBe('{"é":1}');
    await expect(answer.Body?.transformToString()).rejects.toThrow("already been transformed");
    expect(await (await get("a/b.json")).Body?.transformToByteArray()).toEqual(new Uint8Array(Buffer.from('{"é":1}')));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "a/b.json" }));
    expect(head).toMatchObject({ ETag: made.ETag, ContentLength: 8, Metadata: { pass: "7" } });
  });

  it("may be given as text, bytes or a stream, and are copies", async () => {
    const { put, model } = openWorld();
    const bytes = Buffer.from("bytes");
    await put("bytes", bytes);
    await put("stream", Readable.from([Buffer.from("str"), Buffer.from("eam")]));
    bytes.fill(0);
    expect([model.text(Bucket, "bytes"), model.text(Bucket, "stream")]).toEqual(["bytes", "stream"]);
  });

  it("that are not there have the errors of the SDK", async () => {
    const { s3, get, remove } = openWorld();
    expect(await failure(get("none"))).toBe("NoSuchKey 404");
    expect(await failure(s3.send(new HeadObjectCommand({ Bucket, Key: "none" })))).toBe("NotFound 404");
    expect(await failure(s3.send(new GetObjectCommand({ Bucket: "other", Key: "a" })))).toBe("NoSuchBucket 404");
    expect(await failure(remove("none"))).toBe("no error");
    const copy = new CopyObjectCommand({ Bucket, Key: "a", CopySource: "b" });
    await expect(s3.send(copy)).rejects.toThrow("does not know CopyObjectCommand");
  });

  it("keep a count of their versions, deletions included", async () => {
    const { model, put, remove } = openWorld();
    await put("a", "1");
    await put("a", "2");
    await remove("a");
    expect(model.versionCount(Bucket, "a")).toBe(3);
    expect(model.text(Bucket, "a")).toBeNull();
    expect((await put("a", "3")).VersionId).toBe("v4");
  });
});

describe("conditional writes", () => {
  it("refuse to create over, to replace what changed, and to replace what is gone", async () => {
    const { put, remove, model } = openWorld();
    const first = await put("a", "1", { IfNoneMatch: "*" });
    expect(await failure(put("a", "2", { IfNoneMatch: "*" }))).toBe("PreconditionFailed 412");
    const second = await put("a", "2", { IfMatch: first.ETag });
    expect(await failure(put("a", "3", { IfMatch: first.ETag }))).toBe("PreconditionFailed 412");
    expect(await failure(remove("a", { IfMatch: first.ETag }))).toBe("PreconditionFailed 412");
    expect(model.text(Bucket, "a")).toBe("2");
    await remove("a", { IfMatch: second.ETag?.replaceAll('"', "") });
    expect(await failure(put("a", "3", { IfMatch: second.ETag }))).toBe("NoSuchKey 404");
    expect(await failure(remove("a", { IfMatch: "*" }))).toBe("NoSuchKey 404");
  });

  it("can meet another write under way: 409, and nothing is written", async () => {
    const { put, model } = openWorld();
    model.conflictNext(1);
    await put("a", "unconditional");
    expect(await failure(put("b", "1", { IfNoneMatch: "*" }))).toBe("ConditionalRequestConflict 409");
    expect(model.text(Bucket, "b")).toBeNull();
    expect(await failure(put("b", "1", { IfNoneMatch: "*" }))).toBe("no error");
  });

  it("let each of many concurrent increments through exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), async (writers, rounds) => {
        const { put, get, model } = openWorld();
        await put("n", "0", { IfNoneMatch: "*" });
        const increment = async (): Promise<void> => {
          const answer = await get("n");
          const next = Number(await answer.Body?.transformToString()) + 1;
          const result = await failure(put("n", String(next), { IfMatch: answer.ETag }));
          if (result !== "no error") await increment();
        };
        for (let round = 0; round < rounds; round++) await Promise.all(Array.from({ length: writers }, increment));
        expect(model.text(Bucket, "n")).toBe(String(writers * rounds));
        expect(model.versionCount(Bucket, "n")).toBe(writers * rounds + 1);
      }),
      { numRuns: 30 },
    );
  });

  it("whose answer was lost have happened", async () => {
    const { put, model } = openWorld();
    model.failNext("PutObject", "InternalError", { applied: true });
    expect(await failure(put("a", "1", { IfNoneMatch: "*" }))).toBe("InternalError 500");
    expect(await failure(put("a", "1", { IfNoneMatch: "*" }))).toBe("PreconditionFailed 412");
    model.failNext(null, "SlowDown", { times: 2 });
    expect(await failure(put("b", "1"))).toBe("SlowDown 503");
    expect(await failure(put("b", "1"))).toBe("SlowDown 503");
    expect(model.callCounts()).toEqual({ PutObject: 4 });
  });
});

describe("ListObjectsV2", () => {
  it("lists every key of a prefix once, in byte order, whatever the size of the pages", async () => {
    const keys = fc.uniqueArray(
      fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom("a", "b", "/", "é", "Z") }),
    );
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.constantFrom("", "a", "b/"),
        fc.integer({ min: 1, max: 5 }),
        async (all, Prefix, MaxKeys) => {
          const { s3, put } = openWorld();
          for (const key of all) await put(key, key);
          const found: string[] = [];
          let ContinuationToken: string | undefined;
          do {
            const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys, ContinuationToken }));
            expect(page.Contents?.length ?? 0).toBe(page.KeyCount);
            expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
            found.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ""));
            ContinuationToken = page.NextContinuationToken;
          } while (ContinuationToken !== undefined);
          const expected = all.filter((key) => key.startsWith(Prefix));
          expect(found).toEqual(expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("presigned URLs", () => {
  it("give the bytes until they expire, and 403 from then on", async () => {
    const { model, presign, put } = openWorld();
    await put("identities/builder 01/é.pem", "PEM");
    const url = await presign(Bucket, "identities/builder 01/é.pem", 900);
    const answer = model.fetchPresigned(url, 1899);
    expect(answer.status === 200 && Buffer.from(answer.bytes).toString()).toBe("PEM");
    expect(model.fetchPresigned(url, 1900)).toEqual({ status: 403, reason: "Request has expired" });
  });

  it("answer 404 for what was deleted, 403 for what was not signed", async () => {
    const { model, presign, put, remove } = openWorld();
    await put("a", "1");
    const url = await presign(Bucket, "a", 900);
    expect(model.fetchPresigned(url.replace("/a?", "/b?"), 1000).status).toBe(403);
    expect(model.fetchPresigned(url.replace("expires=1900", "expires=9999"), 1000).status).toBe(403);
    await remove("a");
    expect(model.fetchPresigned(url, 1000)).toEqual({ status: 404, reason: "NoSuchKey" });
    await expect(presign(Bucket, "a", 8 * 24 * 3600)).rejects.toThrow("7 days");
  });
});
