// The newest decision record, as `toji fleet status` reads it from the bucket. Written by shared/fleet/record.ts.

import * as z from "zod";
import type { ObjectStore } from "../../shared/aws/store.ts";
import { LATEST_DECISION } from "../../shared/fleet/index.ts";
import { type FleetScene, Problem } from "./scene.ts";

const text = z.string();
const recordSchema = z.object({
  epoch: z.number(),
  at: z.number(),
  queue: z.array(
    z.object({ channel: text, arch: text, free: z.number(), oldestSeconds: z.number(), weight: z.number() }),
  ),
  builders: z.array(
    z.object({
      slot: text,
      profile: text,
      phase: text,
      instanceId: text.nullable(),
      instanceType: text.nullable(),
      market: text.nullable(),
      pricePerHour: z.number(),
      tasks: z.number(),
      load: z.number(),
    }),
  ),
  /** What was decided, one sentence for each change, and what became of the first of them. */
  changes: z.array(z.object({ kind: text, slot: text })),
  sentences: z.array(text),
  outcomes: z.array(z.object({ kind: text, slot: text, done: z.boolean(), sentence: text })),
  keep: z.array(z.object({ builder: text, reason: text })),
  unserved: z.array(z.object({ taskId: z.number(), method: text, channel: text, arch: text, reason: text })),
  notes: z.array(text),
  pricePerHour: z.number(),
  /** Records of older versions have none. */
  path: z
    .object({
      runInterval: z.number(),
      pollSeconds: z.number(),
      profiles: z.array(
        z.object({ profile: text, launches: z.number(), bootSeconds: z.number(), readySeconds: z.number().nullable() }),
      ),
    })
    .nullable()
    .default(null),
  breakers: z.array(z.object({ stops: text, profile: text.nullable(), reason: text })).default([]),
});
export type DecisionRecord = z.infer<typeof recordSchema>;

/** Throws Problem when there is none, or none that can be read. */
export async function readLatest(store: Pick<ObjectStore, "get">, { bucket }: FleetScene): Promise<DecisionRecord> {
  const stored = await store.get(LATEST_DECISION);
  if (stored === null) {
    throw new Problem(
      `no pass has been recorded in bucket ${bucket} yet: is it Toji's, and is the schedule of the stack running?`,
    );
  }
  const result = recordSchema.safeParse(parseJson(stored.text));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "the document" : issue.path.join(".");
  throw new Problem(
    `${LATEST_DECISION} is not a record that this version of toji reads (${where}): use the version that is deployed`,
  );
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Refused by the schema, with a sentence.
    return undefined;
  }
}
