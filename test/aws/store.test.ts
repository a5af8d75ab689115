// The object store: two writers never overwrite each other, and S3's answers mean what they say.

import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { AwsCallFailed } from "../../shared/aws/errors.ts";
import { openListing, openStore, StoreConflict } from "../../shared/aws/store.ts";
import { awsError, Bucket } from "./bucket.ts";

function open() {
  const bucket = new Bucket();
  return { bucket, store: openStore(bucket.clients, "toji-test") };
}

describe("an object", () => {
  it("that is not there is null, not an error", async () => {
    expect(await open().store.get("fleet/memory.json")).toBeNull();
  });

  it("comes back as it was written, with its etag", async () => {
    const { store } = open();
    const { etag } = await store.put("a.json", '{"sake":"杜氏"}');
    expect(await store.get("a.json")).toEqual({ text: '{"sake":"杜氏"}', etag });
  });

  it("has a content type by its name", async () => {
    const { bucket, store } = open();
    await store.put("a.json", "{}");
    await store.put("a.pem", "-----BEGIN");
    expect([...bucket.objects.values()].map((each) => each.type)).toEqual(["application/json", "text/plain"]);
  });

  it("may be removed twice", async () => {
    const { bucket, store } = open();
    await store.put("a.json", "{}");
    await store.remove("a.json");
    await store.remove("a.json");
    expect(bucket.objects.size).toBe(0);
  });

  it("can be lent by a URL that ends", async () => {
    expect(await open().store.presign("identities/b-01/t.pem", 1200)).toBe(
      "https://toji-test.test/identities/b-01/t.pem?expires=1200",
    );
  });
});

describe("a conditional write", () => {
  it("of a new object is refused when somebody else made it first", async () => {
    const { store } = open();
    await store.put("lease.json", "theirs", "absent");
    await expect(store.put("lease.json", "ours", "absent")).rejects.toThrow(
      "lease.json was changed by another writer: read it again",
    );
    expect((await store.get("lease.json"))?.text).toBe("theirs");
  });

  it("is refused when the object is no longer the one that was read", async () => {
    const { store } = open();
    const { etag } = await store.put("memory.json", "first", "absent");
    await store.put("memory.json", "second", etag);
    await expect(store.put("memory.json", "third", etag)).rejects.toBeInstanceOf(StoreConflict);
    expect((await store.get("memory.json"))?.text).toBe("second");
  });

  it("is refused when the object has gone since", async () => {
    const { store } = open();
    const { etag } = await store.put("memory.json", "first", "absent");
    await store.remove("memory.json");
    await expect(store.put("memory.json", "second", etag)).rejects.toBeInstanceOf(StoreConflict);
  });

  it("is refused when it meets another one on the way", async () => {
    const { bucket, store } = open();
    bucket.failNext = awsError("ConditionalRequestConflict");
    await expect(store.put("memory.json", "x", "absent")).rejects.toMatchObject({
      retryable: true,
      key: "memory.json",
    });
  });

  it("without a condition overwrites", async () => {
    const { store } = open();
    await store.put("latest.json", "1");
    await store.put("latest.json", "2");
    expect((await store.get("latest.json"))?.text).toBe("2");
  });
});

describe("a listing", () => {
  const client = new S3Client({ region: "us-east-1" });
  const s3 = mockClient(client);
  beforeEach(() => void s3.reset());

  it("has every object below a prefix, over all pages, with the time it was written", async () => {
    const LastModified = new Date(1_795_000_000_000);
    s3.on(ListObjectsV2Command)
      .resolvesOnce({
        Contents: [{ Key: "identities/a", LastModified }],
        IsTruncated: true,
        NextContinuationToken: "2",
      })
      .resolvesOnce({ Contents: [{ Key: "identities/b", LastModified }], IsTruncated: false })
      .resolvesOnce({ IsTruncated: false });
    const list = openListing({ s3: client }, "toji-test");
    expect(await list("identities/")).toEqual([
      { key: "identities/a", writtenAt: 1_795_000_000 },
      { key: "identities/b", writtenAt: 1_795_000_000 },
    ]);
    expect(await list("identities/")).toEqual([]);
    const asked = { Bucket: "toji-test", Prefix: "identities/" };
    const inputs = s3.commandCalls(ListObjectsV2Command).map((call) => call.args[0].input);
    expect(inputs).toEqual([asked, { ...asked, ContinuationToken: "2" }, asked]);
  });

  it("that breaks off is an error: half a list would be worse than none", async () => {
    s3.on(ListObjectsV2Command)
      .resolvesOnce({ Contents: [{ Key: "a" }], IsTruncated: true, NextContinuationToken: "2" })
      .rejectsOnce(awsError("SlowDown"));
    const listed = openListing({ s3: client }, "toji-test")("");
    await expect(listed).rejects.toMatchObject({ operation: "ListObjectsV2", code: "SlowDown", retryable: true });
  });
});

describe("other failures", () => {
  it.each([
    ["AccessDenied", false],
    ["SlowDown", true],
    ["InternalError", true],
  ])("%s keeps its name; the same call may work later: %s", async (name, retryable) => {
    const { bucket, store } = open();
    for (const call of [() => store.get("a"), () => store.put("a", "x"), () => store.remove("a")]) {
      bucket.failNext = awsError(name, "as S3 says it");
      await expect(call()).rejects.toMatchObject({ code: name, retryable });
    }
  });

  it("say which call it was, and keep their cause", async () => {
    const { bucket, store } = open();
    const cause = awsError("AccessDenied", "no");
    bucket.failNext = cause;
    const failed = await store.get("a").catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(AwsCallFailed);
    expect(failed).toMatchObject({ message: "GetObject failed (AccessDenied): no", operation: "GetObject", cause });
  });
});
