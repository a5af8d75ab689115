// The little of S3 over HTTP that the command line needs: one object read, written or deleted, and lists; path style only.

import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import * as z from "zod";
import type { S3Model } from "../world/s3.ts";
import type { WireAnswer, WireRequest } from "./aws-endpoint.ts";

export async function answerS3(s3: S3Model, request: WireRequest): Promise<WireAnswer> {
  try {
    return await answer(s3, request);
  } catch (error) {
    const { code, status } = errorOf(error);
    const message = error instanceof Error ? error.message : String(error);
    return xml(status, `<Error><Code>${xmlText(code)}</Code><Message>${xmlText(message)}</Message></Error>`);
  }
}

async function answer(s3: S3Model, request: WireRequest): Promise<WireAnswer> {
  const { method, url, headers } = request;
  const [, Bucket = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
  const Key = rest.join("/");
  if (Key === "") return method === "GET" ? await list(s3, Bucket, url.searchParams) : notKnown(method);
  switch (method) {
    case "GET": {
      const found = gotSchema.parse(await s3.send(new GetObjectCommand({ Bucket, Key })));
      const body = await found.Body.transformToByteArray();
      return { status: 200, headers: { "content-type": found.ContentType, etag: found.ETag }, body };
    }
    case "PUT": {
      if (headers["content-encoding"] === "aws-chunked") return notKnown("a PUT in chunks");
      const put = await s3.send(
        new PutObjectCommand({
          ...{ Bucket, Key, Body: request.body, ContentType: headers["content-type"] },
          ...{ IfMatch: headers["if-match"], IfNoneMatch: headers["if-none-match"] },
        }),
      );
      return { status: 200, headers: { etag: putSchema.parse(put).ETag }, body: new Uint8Array() };
    }
    case "DELETE":
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      return { status: 204, headers: {}, body: new Uint8Array() };
    default:
      return notKnown(method);
  }
}

const gotSchema = z.object({
  Body: z.custom<{ transformToByteArray(): Promise<Uint8Array> }>((body) => body !== undefined),
  ContentType: z.string(),
  ETag: z.string(),
});
const putSchema = z.object({ ETag: z.string() });
const listSchema = z.object({
  IsTruncated: z.boolean(),
  KeyCount: z.number(),
  NextContinuationToken: z.string().optional(),
  Contents: z
    .array(z.object({ Key: z.string(), ETag: z.string(), Size: z.number(), LastModified: z.date() }))
    .default([]),
});

async function list(s3: S3Model, Bucket: string, query: URLSearchParams): Promise<WireAnswer> {
  const most = query.get("max-keys");
  const found = listSchema.parse(
    await s3.send(
      new ListObjectsV2Command({
        Bucket,
        Prefix: query.get("prefix") ?? undefined,
        ContinuationToken: query.get("continuation-token") ?? undefined,
        StartAfter: query.get("start-after") ?? undefined,
        MaxKeys: most === null ? undefined : Number(most),
      }),
    ),
  );
  const token = found.NextContinuationToken;
  const contents = found.Contents.map(
    ({ Key, ETag, Size, LastModified }) =>
      `<Contents><Key>${xmlText(Key)}</Key><ETag>${xmlText(ETag)}</ETag><Size>${Size}</Size>` +
      `<LastModified>${LastModified.toISOString()}</LastModified></Contents>`,
  );
  return xml(
    200,
    `<ListBucketResult><Name>${xmlText(Bucket)}</Name><KeyCount>${found.KeyCount}</KeyCount>` +
      `<IsTruncated>${found.IsTruncated}</IsTruncated>${contents.join("")}` +
      `${token === undefined ? "" : `<NextContinuationToken>${xmlText(token)}</NextContinuationToken>`}</ListBucketResult>`,
  );
}

function errorOf(error: unknown): { readonly code: string; readonly status: number } {
  if (!(error instanceof Error)) return { code: "InternalError", status: 500 };
  const metadata = "$metadata" in error ? z.object({ httpStatusCode: z.number() }).safeParse(error.$metadata) : null;
  return metadata?.success === true
    ? { code: error.name, status: metadata.data.httpStatusCode }
    : { code: "InternalError", status: 500 };
}

function notKnown(what: string): WireAnswer {
  const message = `the sandbox's S3 does not know ${what}: add it to sandbox/server/s3.ts`;
  return xml(501, `<Error><Code>NotImplemented</Code><Message>${xmlText(message)}</Message></Error>`);
}

function xml(status: number, text: string): WireAnswer {
  const body = new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`);
  return { status, headers: { "content-type": "application/xml" }, body };
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function xmlText(text: string): string {
  return text.replaceAll(/[&<>"]/g, (each) => ENTITIES[each] ?? each);
}
