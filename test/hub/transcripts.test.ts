// Every recorded exchange, served again over HTTP: what the hub said then is what a caller gets now.

import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HubAnswerUnreadable, HubFault, HubOffline } from "../../shared/hub/faults.ts";
import { connectAnonymously, type HubReader } from "../../shared/hub/session.ts";
import { decodeCall, decodeResponse } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall, encodeFault, encodeResponse } from "../../shared/hub/xmlrpc/encode.ts";
import { XmlRpcDateTime, XmlRpcSyntaxError } from "../../shared/hub/xmlrpc/values.ts";
import { instantClock } from "./hub-server.ts";
import { type Transcript, transcripts } from "./transcripts.ts";

/** Typed by hand for the recording, so not laid out as Koji lays it out; and one has an integer that nobody may send. */
const HAND_WRITTEN = ["echo-int-over-32bit", "echo-too-big"];
const NOT_WELL_FORMED = [
  "http-doctype",
  "http-empty-body",
  "http-get",
  "http-gzip-request",
  "http-not-xml",
  "http-truncated-xml",
  "offline-get",
];

let playing: Transcript;
let server: Server;
let hub: HubReader;

beforeAll(async () => {
  server = createServer((_request, response) => {
    // Paths in three tracebacks were renamed after the recording, so their recorded length is not the document's.
    const { "Content-Length": _recorded, ...headers } = playing.meta.response_headers ?? {};
    response.writeHead(playing.meta.http_status ?? 500, headers).end(playing.response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = Object(server.address());
  hub = connectAnonymously({ url: `http://127.0.0.1:${port}/kojihub`, clock: instantClock(), retries: 0 });
});
afterAll(async () => {
  await hub.close();
  server.close();
});

const named = (one: Transcript): [string, Transcript] => [one.name, one];
const answered = transcripts.filter((one) => one.response !== null);
const documents = answered.filter((one) => one.response?.startsWith("<?xml"));

it("there are 268 of them, and 3 in which TLS came to nothing", () => {
  expect(transcripts).toHaveLength(268);
  const unanswered = transcripts.filter((one) => one.response === null);
  expect(unanswered.map((one) => [one.outcome, one.meta.http_status])).toEqual(
    Array(3).fill(["TLS/transport error", null]),
  );
});

describe("the answer", () => {
  it.each(answered.map(named))("to %s is what it was", async (_name, transcript) => {
    playing = transcript;
    const got = await hub.call(transcript.meta.call).then(
      () => "result",
      (error: unknown) => error,
    );
    if (transcript.outcome === "text reply") {
      expect(got).toBeInstanceOf(HubAnswerUnreadable);
      expect(got).toMatchObject({ status: transcript.meta.http_status, retryable: false });
    } else if (transcript.outcome === "result") {
      expect(got).toBe("result");
      expect(hub.version).toBe("1.35.3");
    } else {
      expect(got).toBeInstanceOf(HubFault);
      expect(got).toMatchObject({ code: Number(transcript.outcome.split(" ")[1]), method: transcript.meta.call });
      expect(got instanceof HubOffline).toBe(transcript.outcome === "fault 1014");
    }
  });
});

describe("the document", () => {
  it.each(documents.map(named))("that answered %s is written again byte for byte", (_name, { response }) => {
    expect(rewritten(response ?? "")).toBe(response);
  });

  const calls = transcripts.filter(({ name }) => ![...HAND_WRITTEN, ...NOT_WELL_FORMED].includes(name));
  it.each(calls.map(named))("that asked %s is written again byte for byte", (_name, { request, meta }) => {
    const { method, params } = decodeCall(request ?? "", { exactDoubles: true });
    expect(method).toBe(meta.call);
    expect(encodeCall(method, params)).toBe(request);
  });

  it("that was typed by hand is read all the same", () => {
    const [friends, tooBig] = HAND_WRITTEN.map((name) => transcripts.find((one) => one.name === name));
    expect(decodeCall(friends?.request ?? "").params).toEqual([
      4_294_967_296,
      7,
      "bare string",
      new XmlRpcDateTime("20260102T03:04:05"),
      new Uint8Array(Buffer.from("hello")),
      null,
    ]);
    expect(decodeCall(tooBig?.request ?? "").params).toEqual([2n ** 63n]);
  });

  it.each(NOT_WELL_FORMED.map((name) => [name]))("of %s is refused here as it was there", (name) => {
    const found = transcripts.find((one) => one.name === name);
    const request = found?.request ?? Buffer.from(found?.requestBase64 ?? "", "base64");
    expect(() => decodeCall(request)).toThrow(XmlRpcSyntaxError);
  });
});

function rewritten(document: string): string {
  try {
    return encodeResponse(decodeResponse(document, { exactDoubles: true }));
  } catch (error) {
    if (!(error instanceof HubFault)) throw error;
    return encodeFault(error.code, error.faultString);
  }
}
