// mirrors/survey.json: what a run of the checks goes by, and which READY repos are known to take rpms from where.

import * as z from "zod";
import type { ObjectStore } from "../aws/store.ts";
import { type Kept, LOOK_ROLES, type LookRole, MirrorStateUnreadable } from "./states.ts";
import type { Survey } from "./survey-types.ts";

const KEY = "mirrors/survey.json";

/** One address to look at. */
export interface PlannedLook {
  readonly repo: string;
  readonly arch: string;
  /** With $arch replaced. */
  readonly url: string;
  readonly role: LookRole;
}

/** One arch of a READY repo. */
export interface ReadyArch {
  readonly id: number;
  readonly tag: string;
  readonly arch: string;
}

/** A digest that lies in the bucket. */
export interface KnownDigest extends ReadyArch {
  /** Where its rpms come from, as `sameBase` writes it. */
  readonly bases: readonly string[];
  /** When the bucket was last asked for it: it may expire there. */
  readonly seenAt: number;
}

export interface SurveyFile extends Omit<Survey, "looks"> {
  /** The execution's name. */
  readonly run: string;
  readonly looks: readonly PlannedLook[];
  readonly digests: readonly KnownDigest[];
}

const readyArch = { id: z.int(), tag: z.string(), arch: z.string() };

export const plannedLookSchema: z.ZodType<PlannedLook> = z.object({
  repo: z.string(),
  arch: z.string(),
  url: z.string(),
  role: z.enum(LOOK_ROLES),
});

export const readyArchSchema: z.ZodType<ReadyArch> = z.object(readyArch);

const use = z.object({ tag: z.string(), arches: z.array(z.string()), mergeMode: z.string(), priority: z.number() });

const surveyFileSchema: z.ZodType<SurveyFile> = z.object({
  run: z.string(),
  at: z.number(),
  repos: z.array(z.object({ id: z.int(), name: z.string(), url: z.string(), uses: z.array(use) })),
  ready: z.array(
    z.object({
      id: z.int(),
      tag: z.string(),
      arches: z.array(z.string()),
      createdAt: z.number(),
      newest: z.boolean(),
    }),
  ),
  looks: z.array(plannedLookSchema),
  local: z.array(z.object({ repo: z.string(), kind: z.enum(["file", "self-hosted"]) })),
  sentences: z.array(z.string()),
  digests: z.array(z.object({ ...readyArch, bases: z.array(z.string()), seenAt: z.number() })),
});

/** null = there was no run yet. Throws MirrorStateUnreadable. */
export async function readSurveyFile(store: ObjectStore): Promise<Kept<SurveyFile> | null> {
  const stored = await store.get(KEY);
  return stored === null ? null : { value: readJson(KEY, stored.text, surveyFileSchema), etag: stored.etag };
}

/** The run's survey has been written before. Throws a sentence when it has not. */
export async function needSurveyFile(store: ObjectStore): Promise<SurveyFile> {
  const kept = await readSurveyFile(store);
  if (kept === null) throw new Error(`${KEY} is not there: the survey of this run must come first`);
  return kept.value;
}

/** `expect`: the etag that it replaces, or "absent". Throws StoreConflict. */
export async function writeSurveyFile(store: ObjectStore, file: SurveyFile, expect: string): Promise<void> {
  await store.put(KEY, JSON.stringify(file), expect);
}

/** Throws MirrorStateUnreadable for anything but JSON of that shape. */
export function readJson<Value>(key: string, text: string, shape: z.ZodType<Value>): Value {
  try {
    return shape.parse(JSON.parse(text));
  } catch (error) {
    throw new MirrorStateUnreadable(key, { cause: error });
  }
}
