// The recorded exchanges with a live hub: test/fixtures/README.md says what they are.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as z from "zod";

const transcript = z.object({
  name: z.string(),
  outcome: z.string(),
  meta: z.object({
    call: z.string(),
    http_method: z.string(),
    http_status: z.number().nullable(),
    response_headers: z.record(z.string(), z.string()).optional(),
    transport_error: z.string().optional(),
  }),
  request: z.string().optional(),
  requestBase64: z.string().optional(),
  response: z.string().nullable(),
});
export type Transcript = z.infer<typeof transcript>;

const file = new URL("../fixtures/koji-transcripts.jsonl.gz", import.meta.url);
export const transcripts: readonly Transcript[] = gunzipSync(readFileSync(file))
  .toString()
  .trimEnd()
  .split("\n")
  .map((line) => transcript.parse(JSON.parse(line)));

export function transcriptOf(name: string): { readonly request: string; readonly response: string } {
  const found = transcripts.find((one) => one.name === name);
  if (found?.request === undefined || found.response === null) throw new Error(`There is no whole transcript ${name}.`);
  return { request: found.request, response: found.response };
}
