// Catalogs for the tests of retention: single sets by hand, sound random catalogs, and wild ones that are partly nonsense.

import fc from "fast-check";
import type { RetentionInput } from "../../shared/backup/retention.ts";
import type { CatalogEntry, CatalogMember, Grade, MemberState, SetState } from "../../shared/backup/types.ts";
import { backupSchema } from "../../shared/config/index.ts";

export const HOUR = 3600;
export const DAY = 24 * HOUR;
export const NOW = Date.parse("2026-11-23T12:00:00Z") / 1000;
export const HOME = "eu-west-1";
export const FAR = "eu-central-1";

export const DEFAULT_RULES = backupSchema.parse({}).retention;
const NONE = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

/** Only the rules named; never fewer than two sets stay. */
export const rulesOf = (some: Partial<RetentionInput>): RetentionInput => ({ ...DEFAULT_RULES, ...NONE, ...some });

let made = 0;
/** A verified set of one whole snapshot, unless said otherwise. */
export function setAt(instant: number | string, more: Partial<CatalogEntry> = {}): CatalogEntry {
  made += 1;
  const seconds = typeof instant === "number" ? instant : Date.parse(instant) / 1000;
  const id = more.id ?? `bs-${String(made).padStart(6, "0")}`;
  return { id, instant: seconds, grade: "application", state: "verified", members: [memberOf(id)], ...more };
}

export function memberOf(id: string, more: Partial<CatalogMember> = {}): CatalogMember {
  const region = more.region ?? HOME;
  return { snapshot: `snap-${id}-${region}`, state: "completed", locked: false, inUse: false, region, ...more };
}

/** So many verified sets a day apart, the newest an hour old; newest first. */
export const daily = (count: number) => Array.from({ length: count }, (_, index) => setAt(NOW - HOUR - index * DAY));

const seldom = fc.integer({ min: 0, max: 9 }).map((die) => die === 0);
const GRADES: Grade[] = ["application", "crash", "torn"];
const STATES: SetState[] = ["pending", "unverified", "verified", "degraded", "failed"];
const MEMBER_STATES: MemberState[] = ["pending", "completed", "error", "recoverable", "recovering", "missing"];

export const anyRules: fc.Arbitrary<RetentionInput> = fc
  .record({
    last: fc.integer({ min: 1, max: 4 }),
    hourly: fc.integer({ min: 0, max: 4 }),
    daily: fc.integer({ min: 0, max: 6 }),
    weekly: fc.integer({ min: 0, max: 4 }),
    monthly: fc.integer({ min: 0, max: 4 }),
    yearly: fc.integer({ min: 0, max: 2 }),
    minimumVerified: fc.integer({ min: 2, max: 4 }),
    maxDeletions: fc.integer({ min: 1, max: 6 }),
    unprovenDays: fc.integer({ min: 1, max: 20 }),
    timezone: fc.constantFrom("UTC", "Europe/Prague", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"),
  })
  .map((rules) => ({ ...DEFAULT_RULES, ...rules }));

interface Draw {
  readonly gapHours: number;
  readonly state: SetState;
  readonly volumes: number;
  readonly far: "none" | "whole" | "pending";
  readonly locked: boolean;
  readonly inUse: boolean;
}

const anyDraw: fc.Arbitrary<Draw> = fc.record({
  gapHours: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 20, max: 900 })),
  state: fc.oneof(
    { weight: 5, arbitrary: fc.constant<SetState>("verified") },
    { weight: 2, arbitrary: fc.constantFrom(...STATES) },
  ),
  volumes: fc.integer({ min: 1, max: 3 }),
  far: fc.constantFrom("none", "whole", "pending"),
  locked: seldom,
  inUse: seldom,
});

/** Nothing in it refuses a plan: the four newest sets are verified and whole in both regions. In no order. */
export const soundCatalog: fc.Arbitrary<readonly CatalogEntry[]> = fc
  .tuple(
    fc.array(anyDraw, { minLength: 4, maxLength: 40 }),
    fc.array(fc.integer({ min: 1, max: 1e7 }), { maxLength: 2 }),
  )
  .chain(([draws, ahead]) => {
    let instant = NOW - 60;
    const past = draws.map((draw, index) => {
      instant -= draw.gapHours * HOUR;
      const first = index < 4;
      return setOf(`p${index}`, instant - index, first ? { ...draw, state: "verified", far: "whole" } : draw);
    });
    const future = ahead.map((seconds, index) => setAt(NOW + seconds, { id: `f${index}` }));
    return fc.shuffledSubarray([...past, ...future], { minLength: past.length + future.length });
  });

function setOf(id: string, instant: number, { state, volumes, far, locked, inUse }: Draw): CatalogEntry {
  const grade = state === "degraded" || state === "failed" ? "torn" : "application";
  const members = Array.from({ length: volumes }, (_, index) => {
    const marks = { locked: locked && index === 0, inUse: inUse && index === 0 };
    const home = memberOf(`${id}-${index}`, marks);
    const copy = memberOf(`${id}-${index}`, { region: FAR, state: far === "pending" ? "pending" : "completed" });
    return far === "none" ? [home] : [home, copy];
  });
  return setAt(instant, { id, grade, state, members: members.flat() });
}

/** Whatever the types allow, two sets of one name or with one snapshot too. */
export const wildCatalog: fc.Arbitrary<readonly CatalogEntry[]> = fc.array(
  fc.record({
    id: fc.integer({ min: 0, max: 60 }).map((number) => `w${number}`),
    instant: fc.oneof(
      fc.integer({ min: NOW - 900 * DAY, max: NOW + 10 * DAY }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0, -1, NOW),
    ),
    grade: fc.constantFrom(...GRADES),
    state: fc.constantFrom(...STATES, "verified" as const, "verified" as const),
    members: fc.array(
      fc.record({
        snapshot: fc.integer({ min: 0, max: 5000 }).map((number) => `snap-${number}`),
        state: fc.constantFrom(...MEMBER_STATES, ...Array<MemberState>(30).fill("completed")),
        locked: seldom,
        inUse: seldom,
        region: fc.constantFrom(HOME, FAR),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  { maxLength: 12 },
);
