// What is remembered of mirrors between runs: JSON in the bucket below mirrors/, one object for each look, repo and switch.

import { createHash } from "node:crypto";
import * as z from "zod";
import type { ObjectStore, Stored } from "../aws/store.ts";
import { type Accepted, VERDICTS } from "./types.ts";

/** `current`: what the hub has. `candidate`: named in the config. `retiring`: what the hub had, and READY repos still have. */
export const LOOK_ROLES = ["current", "candidate", "retiring"] as const;
export type LookRole = (typeof LOOK_ROLES)[number];

const checksum = z.object({ type: z.enum(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]), value: z.string() });

export const acceptedSchema: z.ZodType<Accepted> = z.object({
  repomdSha256: z.string(),
  revision: z.string(),
  timestamp: z.number(),
  at: z.number(),
  packages: z.number().nullable(),
  index: z.object({ packed: z.string() }).nullable(),
  sample: z.array(z.object({ href: z.string(), size: z.number(), checksum })),
  verifiedAt: z.number().nullable(),
  vouched: z.array(z.string()),
});

const missingRpm = z.object({ url: z.string(), tags: z.array(z.string()), status: z.number().nullable() });

const lookStateSchema = z.object({
  repo: z.string(),
  arch: z.string(),
  /** With $arch replaced. */
  url: z.string(),
  role: z.enum(LOOK_ROLES),
  at: z.number(),
  /** Looks so far. */
  turn: z.number().int(),
  verdict: z.enum(VERDICTS),
  trusted: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  metadata: z.object({ revision: z.string(), timestamp: z.number(), repomdSha256: z.string() }).nullable(),
  accepted: acceptedSchema.nullable(),
  lagSeconds: z.number().nullable(),
  /** Looks in a row that found it fit, and unfit: one of them is 0. */
  good: z.number().int(),
  bad: z.number().int(),
  live: z.object({ tags: z.array(z.string()), total: z.number(), missing: z.array(missingRpm) }).nullable(),
  bytes: z.number(),
  latencyMilliseconds: z.number().nullable(),
  milliseconds: z.number(),
});
export type LookState = z.infer<typeof lookStateSchema>;

export const SWITCH_STATES = ["begun", "edited", "regenerating", "done", "undoing", "undone", "failed"] as const;

const switchSchema = z.object({
  /** The execution's name. */
  id: z.string(),
  repo: z.string(),
  /** Templates with $arch, as the hub has them. */
  from: z.string(),
  to: z.string(),
  by: z.string(),
  reason: z.string(),
  /** Begun by Toji and not by a person. */
  automatic: z.boolean(),
  state: z.enum(SWITCH_STATES),
  startedAt: z.number(),
  /** When the hub had the new address; null = not yet. */
  editedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  /** Build tags that inherit the repo. `request`: of the hub's repo queue; `repo`: READY since. */
  tags: z.array(z.object({ tag: z.string(), request: z.number().nullable(), repo: z.number().nullable() })),
  /** Addresses that this switch or earlier ones left and READY repos still take rpms from: looked at until none does. */
  retiring: z.array(z.string()),
  /** One sentence for each thing that happened. */
  notes: z.array(z.string()),
});
export type SwitchRecord = z.infer<typeof switchSchema>;

const regenerationsSchema = z.object({
  tags: z.array(
    z.object({
      tag: z.string(),
      requestedAt: z.number(),
      request: z.number().nullable(),
      /** Newest READY repo when it was asked for. */
      repo: z.number(),
      why: z.string(),
    }),
  ),
});
export type Regenerations = z.infer<typeof regenerationsSchema>;

/** What the bucket holds under a key is not what was written there. */
export class MirrorStateUnreadable extends Error {
  override readonly name = "MirrorStateUnreadable";
  readonly retryable = false;
  constructor(key: string, options: ErrorOptions) {
    super(`${key} cannot be read: delete it, and the next look begins anew`, options);
  }
}

export interface Kept<Value> {
  readonly value: Value;
  readonly etag: string;
}

/** One kind of object: where it lies, and how it is read and written. `put` takes the etag it replaces, or "absent". */
function kindOf<Value, Name extends readonly string[]>(shape: z.ZodType<Value>, keyOf: (...name: Name) => string) {
  return {
    keyOf,
    async get(store: ObjectStore, ...name: Name): Promise<Kept<Value> | null> {
      const key = keyOf(...name);
      const stored = await store.get(key);
      return stored === null ? null : { value: parse(key, stored), etag: stored.etag };
    },
    async put(store: ObjectStore, value: Value, expect: string | undefined, ...name: Name): Promise<string> {
      return (await store.put(keyOf(...name), JSON.stringify(value), expect)).etag;
    },
  };

  function parse(key: string, { text }: Stored): Value {
    try {
      return shape.parse(JSON.parse(text));
    } catch (error) {
      throw new MirrorStateUnreadable(key, { cause: error });
    }
  }
}

/** Names of repos may hold any character: what is odd in a key is written as its digits. */
const word = (text: string) => encodeURIComponent(text).replaceAll("%", "_");
const short = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

export const lookStates = kindOf(
  lookStateSchema,
  (repo: string, arch: string, url: string) => `mirrors/looks/${word(repo)}/${word(arch)}/${short(url)}.json`,
);
/** The newest switch of a repo; older ones are versions of the object. */
export const switches = kindOf(switchSchema, (repo: string) => `mirrors/switches/${word(repo)}.json`);
export const regenerations = kindOf(regenerationsSchema, () => "mirrors/regenerations.json");
