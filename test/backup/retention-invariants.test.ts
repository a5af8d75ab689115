// The invariants of retention, each as a property over random catalogs. Named as they are numbered in the design of backups.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SlotKind, slotOf } from "../../shared/backup/calendar.ts";
import { planRetention, type RetentionInput } from "../../shared/backup/retention.ts";
import type { CatalogEntry, RetentionPlan } from "../../shared/backup/types.ts";
import { anyRules, FAR, HOME, NOW, soundCatalog, wildCatalog } from "./retention-sets.ts";

const RUNS = { numRuns: 400 };
const NO_LIMIT = 1000;
const KINDS: readonly SlotKind[] = ["hourly", "daily", "weekly", "monthly", "yearly"];

const going = (plan: RetentionPlan) => plan.expire.map(({ id }) => id);
const staying = (plan: RetentionPlan) => plan.keep.map(({ id }) => id);
const isProved = ({ state, instant }: CatalogEntry) => state === "verified" && instant <= NOW;
const isWhole = ({ members }: CatalogEntry, region: string) =>
  members.some((each) => each.region === region) &&
  members.every((each) => each.region !== region || each.state === "completed");

/** For sound catalogs: a plan that is not refused. */
const sound = (check: (catalog: readonly CatalogEntry[], rules: RetentionInput, plan: RetentionPlan) => void) =>
  fc.assert(
    fc.property(soundCatalog, anyRules, (catalog, rules) => {
      const plan = planRetention(catalog, rules, NOW);
      expect(plan.refused).toBeNull();
      check(catalog, rules, plan);
    }),
    RUNS,
  );

const any = (check: (catalog: readonly CatalogEntry[], rules: RetentionInput, plan: RetentionPlan) => void) =>
  fc.assert(
    fc.property(fc.oneof(soundCatalog, wildCatalog), anyRules, (catalog, rules) => {
      check(catalog, rules, planRetention(catalog, rules, NOW));
    }),
    RUNS,
  );

describe("the invariants of retention", () => {
  it("1: no member goes unless its whole set goes", () => {
    any((catalog, _, plan) => {
      const gone = new Set(going(plan));
      const of = (goes: boolean) =>
        catalog
          .filter(({ id }) => gone.has(id) === goes)
          .flatMap(({ members }) => members.map((each) => each.snapshot));
      const kept = new Set(of(false));
      expect(of(true).filter((snapshot) => kept.has(snapshot))).toEqual([]);
    });
  });

  it("2: afterwards at least so many verified sets remain in every region, or nothing went and it says why", () => {
    any((catalog, rules, plan) => {
      if (plan.expire.length === 0) return;
      const gone = new Set(going(plan));
      const left = catalog.filter((set) => isProved(set) && !gone.has(set.id));
      for (const region of [HOME, FAR]) {
        if (!catalog.some((set) => isProved(set) && set.members.some((each) => each.region === region))) continue;
        expect(left.filter((set) => isWhole(set, region)).length).toBeGreaterThanOrEqual(rules.minimumVerified);
      }
    });
    sound((catalog, rules) => {
      const few = { ...rules, minimumVerified: catalog.filter(isProved).length + 1 };
      const plan = planRetention(catalog, few, NOW);
      expect(plan.expire).toEqual([]);
      expect(plan.refused).toMatch(/verified set/);
    });
  });

  it("3: the oldest verified set goes only when younger ones reach as far as every rule asks", () => {
    sound((catalog, rules, plan) => {
      const proved = catalog.filter(isProved).toSorted((a, b) => a.instant - b.instant);
      const [oldest] = proved;
      if (oldest === undefined || !going(plan).includes(oldest.id)) return;
      const left = proved.filter(({ id }) => staying(plan).includes(id));
      expect(left.length).toBeGreaterThanOrEqual(rules.last);
      for (const kind of KINDS) {
        const slots = new Set(left.map(({ instant }) => slotOf(kind, instant, rules.timezone)));
        expect(slots.size).toBeGreaterThanOrEqual(rules[kind]);
      }
    });
  });

  it("4: nothing goes while the newest set is failed, degraded or torn, or the catalog disagrees with AWS", () => {
    const bad = fc.constantFrom<Partial<CatalogEntry>>(
      { state: "failed" },
      { state: "degraded" },
      { state: "unverified", grade: "torn" },
    );
    const lost = fc.constantFrom("missing" as const, "error" as const);
    fc.assert(
      fc.property(soundCatalog, anyRules, bad, lost, (catalog, rules, harm, state) => {
        const newest = catalog
          .filter(({ instant }) => instant <= NOW)
          .reduce((a, b) => (b.instant > a.instant ? b : a));
        const change = (with_: Partial<CatalogEntry>) =>
          catalog.map((set) => (set.id === newest.id ? { ...set, ...with_ } : set));
        const members = newest.members.map((each, index) => (index === 0 ? { ...each, state } : each));
        for (const plan of [
          planRetention(change(harm), rules, NOW),
          planRetention(change({ members }), rules, NOW),
          planRetention([...catalog, newest], rules, NOW),
          planRetention([...catalog, { ...newest, id: "twin" }], rules, NOW),
          planRetention(catalog, rules, NOW, ["snap-1 is in no manifest"]),
        ]) {
          expect(plan.expire).toEqual([]);
          expect(plan.refused).toMatch(/\w+ \w+/);
        }
      }),
      RUNS,
    );
  });

  it("5: at most so many go in a run, the oldest first, and the rest waits for the next", () => {
    sound((catalog, rules, plan) => {
      const all = planRetention(catalog, { ...rules, maxDeletions: NO_LIMIT }, NOW);
      expect(plan.expire).toEqual(all.expire.slice(0, rules.maxDeletions));
      const instants = all.expire.map(({ id }) => catalog.find((set) => set.id === id)?.instant ?? 0);
      expect(instants).toEqual(instants.toSorted((a, b) => a - b));
      for (const { id } of all.expire.slice(rules.maxDeletions)) {
        const kept = plan.keep.find((each) => each.id === id);
        expect(kept?.reasons.join()).toMatch(/^next run: at most \d+ sets? (is|are) deleted at a time$/);
      }
    });
  });

  it("6: pending, unverified, degraded and failed sets take no slot", () => {
    sound((catalog, rules) => {
      const free = { ...rules, maxDeletions: NO_LIMIT };
      const proved = catalog.filter(({ state }) => state === "verified");
      const ids = new Set(proved.map(({ id }) => id));
      const among = going(planRetention(catalog, free, NOW)).filter((id) => ids.has(id));
      expect(among).toEqual(going(planRetention(proved, free, NOW)));
    });
  });

  it("7: locked sets, and those that an image or a drill uses, stay and are told", () => {
    sound((catalog, _, plan) => {
      for (const { id, members } of catalog) {
        const reasons = plan.keep.find((each) => each.id === id)?.reasons.join("; ") ?? "";
        if (members.some(({ locked }) => locked)) expect(reasons).toMatch(/locked: snap-/);
        if (members.some(({ inUse }) => inUse)) expect(reasons).toMatch(/in use: snap-/);
      }
    });
  });

  it("8: sets from the future change nothing, whichever way the clock goes", () => {
    fc.assert(
      fc.property(soundCatalog, anyRules, fc.integer({ min: -200 * 86_400, max: 0 }), (catalog, rules, step) => {
        const now = NOW + step;
        const plan = planRetention(catalog, rules, now);
        const seen = planRetention(
          catalog.filter(({ instant }) => instant <= now),
          rules,
          now,
        );
        expect({ expire: plan.expire, refused: plan.refused }).toEqual({ expire: seen.expire, refused: seen.refused });
      }),
      RUNS,
    );
  });

  it("8: a clock that leaps ahead lets no verified set go that would have stayed", () => {
    sound((catalog, rules) => {
      const free = { ...rules, maxDeletions: NO_LIMIT };
      const past = catalog.filter(({ instant }) => instant <= NOW);
      const proved = new Set(past.filter(isProved).map(({ id }) => id));
      const at = (now: number) => going(planRetention(past, free, now)).filter((id) => proved.has(id));
      expect(at(NOW + 5000 * 86_400)).toEqual(at(NOW));
    });
  });

  it("9: every set is named exactly once, with a reason", () => {
    any((catalog, _, plan) => {
      const ids = [...new Set(catalog.map(({ id }) => id))];
      expect([...staying(plan), ...going(plan)].toSorted()).toEqual(ids.toSorted());
      for (const { reasons } of plan.keep) expect(reasons.join()).not.toBe("");
      for (const { reason } of plan.expire) expect(reason).not.toBe("");
    });
  });
});

describe("a plan", () => {
  it("is the same for the same sets in any order", () => {
    fc.assert(
      fc.property(fc.oneof(soundCatalog, wildCatalog), anyRules, (catalog, rules) => {
        const ids = catalog.map(({ id }) => id);
        fc.pre(new Set(ids).size === ids.length);
        expect(planRetention(catalog.toReversed(), rules, NOW)).toEqual(planRetention(catalog, rules, NOW));
      }),
      RUNS,
    );
  });

  it("lets nothing more go once it is carried out", () => {
    sound((catalog, rules) => {
      const free = { ...rules, maxDeletions: NO_LIMIT };
      const gone = new Set(going(planRetention(catalog, free, NOW)));
      const again = planRetention(
        catalog.filter(({ id }) => !gone.has(id)),
        free,
        NOW,
      );
      expect(again).toMatchObject({ expire: [], refused: null });
    });
  });

  it("keeps the newest of each slot, as counted by hand", () => {
    sound((catalog, rules, plan) => {
      const proved = catalog.filter(isProved).toSorted((a, b) => b.instant - a.instant);
      for (const kind of KINDS) {
        const bySlot = Map.groupBy(proved, ({ instant }) => slotOf(kind, instant, rules.timezone));
        const newest = [...bySlot.values()].slice(0, rules[kind]).map(([first]) => first?.id ?? "");
        expect(newest.filter((id) => !staying(plan).includes(id))).toEqual([]);
      }
    });
  });

  it("does let sets go: the properties above are not about nothing", () => {
    const plans = fc.sample(fc.tuple(soundCatalog, anyRules), { numRuns: 200, seed: 5 });
    const counts = plans.map(([catalog, rules]) => planRetention(catalog, rules, NOW).expire.length);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(100);
  });
});
