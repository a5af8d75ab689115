// mirrors/status.json: what the last run of the checks found, for `npx toji mirrors list`.

import * as z from "zod";
import type { ObjectStore } from "../aws/store.ts";
import { isFresh, type SeenLook } from "./action-facts.ts";
import { LOOK_ROLES, SWITCH_STATES, type SwitchRecord } from "./states.ts";
import { readJson, type SurveyFile } from "./survey-file.ts";
import { VERDICTS } from "./types.ts";

const KEY = "mirrors/status.json";

const lookSchema = z.object({
  arch: z.string(),
  /** With $arch replaced. */
  url: z.string(),
  role: z.enum(LOOK_ROLES),
  verdict: z.enum(VERDICTS),
  /** Epoch seconds; so are all times. */
  at: z.number(),
  /** Made by the run that wrote this. */
  fresh: z.boolean(),
  lagSeconds: z.number().nullable(),
  /** Looks in a row that found it fit, and unfit. */
  good: z.number().int(),
  bad: z.number().int(),
  failing: z.array(z.object({ name: z.string(), detail: z.string() })),
  /** rpms that READY repos take from there; null = they were not asked for. */
  live: z.object({ total: z.number().int(), missing: z.number().int() }).nullable(),
});

const switchSchema = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  by: z.string(),
  state: z.enum(SWITCH_STATES),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  /** Addresses that were left, and READY repos still take rpms from. */
  retiring: z.array(z.string()),
  /** What happened last; empty = nothing yet. */
  note: z.string(),
});

const statusSchema = z.object({
  at: z.number(),
  /** The execution's name. */
  run: z.string(),
  /** ARNs; null = the function was not told. */
  machines: z.object({ check: z.string().nullable(), switch: z.string().nullable() }),
  /** The site says that Toji's login may edit external repos. */
  hubAdmin: z.boolean(),
  repos: z.array(
    z.object({
      name: z.string(),
      /** As the hub has it. */
      url: z.string(),
      /** Its rpms come from a copy: on the hub's disk, or served by the hub. */
      local: z.enum(["file", "self-hosted"]).nullable(),
      /** Build tags that take rpms from it. */
      uses: z.array(z.string()),
      looks: z.array(lookSchema),
      switch: switchSchema.nullable(),
    }),
  ),
  sentences: z.array(z.string()),
});
export type MirrorStatus = z.infer<typeof statusSchema>;

/** null = no run has ended yet. Throws MirrorStateUnreadable. */
export async function readMirrorStatus(store: ObjectStore): Promise<MirrorStatus | null> {
  const stored = await store.get(KEY);
  return stored === null ? null : readJson(KEY, stored.text, statusSchema);
}

/** The last run to end has the last word. */
export async function writeMirrorStatus(store: ObjectStore, status: MirrorStatus): Promise<void> {
  await store.put(KEY, JSON.stringify(status));
}

export interface StatusFacts extends Pick<MirrorStatus, "machines" | "hubAdmin"> {
  readonly survey: SurveyFile;
  readonly looks: readonly SeenLook[];
  readonly switches: readonly SwitchRecord[];
  /** Besides the survey's own. */
  readonly sentences: readonly string[];
  readonly now: number;
}

/** Pure. Looks in the survey's order. */
export function statusOf({ survey, looks, switches, sentences, now, machines, hubAdmin }: StatusFacts): MirrorStatus {
  return {
    ...{ at: now, run: survey.run, machines, hubAdmin },
    repos: survey.repos.map(({ name, url, uses }) => {
      const last = switches.find(({ repo }) => repo === name);
      return {
        ...{ name, url },
        local: survey.local.find(({ repo }) => repo === name)?.kind ?? null,
        uses: uses.filter(({ arches }) => arches.length > 0).map(({ tag }) => tag),
        looks: looks.filter(({ repo }) => repo === name).map((look) => lookOf(look, isFresh(look, survey))),
        switch: last === undefined ? null : switchOf(last),
      };
    }),
    sentences: [...survey.sentences, ...sentences],
  };
}

function lookOf(look: SeenLook, fresh: boolean): z.infer<typeof lookSchema> {
  const { arch, url, role, verdict, at, lagSeconds, good, bad, checks, live } = look;
  return {
    ...{ arch, url, role, verdict, at, fresh, lagSeconds, good, bad },
    failing: checks.filter(({ ok }) => !ok).map(({ name, detail }) => ({ name, detail })),
    live: live === null ? null : { total: live.total, missing: live.missing.length },
  };
}

function switchOf(record: SwitchRecord): z.infer<typeof switchSchema> {
  const { id, from, to, by, state, startedAt, endedAt, retiring, notes } = record;
  return { id, from, to, by, state, startedAt, endedAt, retiring, note: notes.at(-1) ?? "" };
}
