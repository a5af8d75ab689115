// One address on this machine that answers as S3 and as Step Functions: what `--endpoint` of `toji backup` and `toji mirrors` is.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { StepFunctionsModel } from "../machines/index.ts";
import type { S3Model } from "../world/s3.ts";
import { answerS3 } from "./s3.ts";
import { answerStepFunctions, stepFunctionsOperation } from "./step-functions.ts";

export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface AwsEndpointOptions {
  readonly s3: S3Model;
  readonly stepFunctions: StepFunctionsModel;
  /** Epoch seconds of the sandbox's clock: the Date of each answer, as AWS's says AWS's time. */
  now(): number;
  /** Default: any free one. */
  readonly port?: number;
}

export interface AwsEndpoint {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
// As the console's: a page elsewhere can point its own name at this machine.
const LOCAL_HOST = /^(127\.0\.0\.1|localhost)(:\d{1,5})?$/i;
const LARGEST_BODY_BYTES = 16 * 1024 * 1024;

export async function startAwsEndpoint(options: AwsEndpointOptions): Promise<AwsEndpoint> {
  const server = createServer((request, response) => void serve(options, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, HOST, resolve);
  });
  const address: AddressInfo | string | null = server.address();
  return {
    url: `http://${HOST}:${typeof address === "object" && address !== null ? address.port : options.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(options: AwsEndpointOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { status, headers, body } = await answer(options, request);
    const date = new Date(options.now() * 1000).toUTCString();
    response.writeHead(status, { ...headers, date, "content-length": body.length }).end(body);
  } catch (error) {
    // The client went away, or sent more than anything here is meant to hold.
    if (response.headersSent || response.destroyed) response.destroy();
    else response.writeHead(500).end(error instanceof Error ? error.message : String(error));
  }
}

async function answer(options: AwsEndpointOptions, request: IncomingMessage): Promise<WireAnswer> {
  const { method = "GET", headers } = request;
  if (!LOCAL_HOST.test(headers.host ?? "")) {
    return {
      status: 421,
      headers: {},
      body: new TextEncoder().encode("This answers to 127.0.0.1 and localhost only."),
    };
  }
  const texts = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  const url = new URL(request.url ?? "/", `http://${HOST}`);
  const wire = { method, url, headers: texts, body: await readBody(request) };
  const operation = stepFunctionsOperation(wire);
  return operation === null
    ? await answerS3(options.s3, wire)
    : await answerStepFunctions(options.stepFunctions, operation, wire);
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    const bytes = Buffer.from(part);
    size += bytes.length;
    if (size > LARGEST_BODY_BYTES) throw new Error(`a request to the sandbox may hold ${LARGEST_BODY_BYTES} bytes`);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
