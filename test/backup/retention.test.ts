// Retention as a person reads it: which rule keeps which set, what goes and why, and when nothing goes at all.

import { describe, expect, it } from "vitest";
import { planRetention } from "../../shared/backup/retention.ts";
import type { CatalogEntry, RetentionPlan } from "../../shared/backup/types.ts";
import { DAY, DEFAULT_RULES, daily, FAR, HOME, HOUR, memberOf, NOW, rulesOf, setAt } from "./retention-sets.ts";

const ids = (sets: readonly CatalogEntry[]) => sets.map(({ id }) => id);
const going = (plan: RetentionPlan) => plan.expire.map(({ id }) => id);
const reasonsOf = (plan: RetentionPlan, set: CatalogEntry | undefined) =>
  plan.keep.find(({ id }) => id === set?.id)?.reasons ?? [];
const plan = (catalog: readonly CatalogEntry[], some: Parameters<typeof rulesOf>[0]) =>
  planRetention(catalog, rulesOf(some), NOW);

describe("rules", () => {
  it("name themselves with their numbers, and are joined", () => {
    const sets = daily(6);
    const made = plan(sets, { last: 1, daily: 3 });
    expect(reasonsOf(made, sets[0])).toEqual(["last 1 of 1", "daily 1 of 3: newest of 2026-11-23"]);
    expect(reasonsOf(made, sets[2])).toEqual(["daily 3 of 3: newest of 2026-11-21"]);
    expect(going(made)).toEqual(ids(sets.slice(3)).toReversed());
    expect(made.expire.at(-1)?.reason).toBe(
      "no rule keeps it: the last 1 are newer; daily 3 of 3 are filled back to 2026-11-21",
    );
  });

  it("count days that have a set, so a pause in backups lets nothing go", () => {
    const sets = [setAt(NOW - HOUR), setAt(NOW - 100 * DAY), setAt(NOW - 101 * DAY), setAt(NOW - 102 * DAY)];
    expect(going(plan(sets, { daily: 3 }))).toEqual(ids(sets.slice(3)));
  });

  it("keep the newest of a day, as the day is in the rules' time zone", () => {
    const sets = [
      setAt("2026-11-21T12:00:00Z"),
      setAt("2026-11-20T23:30:00Z"),
      setAt("2026-11-20T22:30:00Z"),
      setAt("2026-11-01T00:00:00Z"),
    ];
    expect(going(plan(sets, { daily: 2, timezone: "UTC" }))).toEqual([sets[3]?.id, sets[2]?.id]);
    // In Prague 23:30 is the next day, so that 12:00 of that day is newer, and 22:30 the newest of its own.
    expect(going(plan(sets, { daily: 2, timezone: "Europe/Prague" }))).toEqual([sets[3]?.id, sets[1]?.id]);
  });

  it("that reach further back than the sets keep the oldest one", () => {
    const sets = daily(5);
    const made = plan(sets, { last: 2, monthly: 12 });
    expect(reasonsOf(made, sets[4])).toEqual(["oldest: only 1 of 12 monthly slot is filled"]);
    expect(going(made)).toEqual([sets[3]?.id, sets[2]?.id]);
    expect(made.expire[0]?.reason).toBe("no rule keeps it: the last 2 are newer; month 2026-11: has a newer one");
  });

  it("of the default keep a year of months, four weeks and seven days of a daily history", () => {
    const sets = daily(400);
    const made = planRetention(sets, { ...DEFAULT_RULES, maxDeletions: 1000 }, NOW);
    const kept = new Set(made.keep.map(({ id }) => id));
    const months = sets.filter(({ id }) => kept.has(id)).map(({ instant }) => new Date(instant * 1000).toISOString());
    expect(new Set(months.map((iso) => iso.slice(0, 7))).size).toBeGreaterThanOrEqual(12);
    // 7 days, 2 more weeks, 11 more months, and the oldest: the years go back to 2025 only.
    expect(made.keep).toHaveLength(21);
  });
});

describe("the least number of verified sets", () => {
  it("stays in every region, the newest ones, beyond what the rules keep", () => {
    const both = (instant: number) => {
      const set = setAt(instant);
      return { ...set, members: [memberOf(set.id), memberOf(set.id, { region: FAR })] };
    };
    const [newer, older, oldest] = [both(NOW - 5 * DAY), both(NOW - 6 * DAY), both(NOW - 7 * DAY)];
    const sets = [...daily(3), newer, older, oldest];
    const made = plan(sets, { last: 1 });
    expect(reasonsOf(made, sets[1])).toEqual([]);
    expect(reasonsOf(made, newer)).toEqual([`minimum: verified set 1 of 2 that stay in ${FAR}`]);
    expect(going(made)).toEqual([oldest.id, sets[2]?.id, sets[1]?.id]);
  });

  it("counts a set only where all its members are complete", () => {
    const sets = daily(4).map((set, index) => ({
      ...set,
      members: [
        memberOf(set.id),
        memberOf(set.id, { region: FAR }),
        memberOf(`${set.id}-2`, { region: FAR, state: index === 0 ? "completed" : "pending" }),
      ],
    }));
    const made = plan(sets, { last: 1 });
    expect(made).toMatchObject({ expire: [], refused: `only 1 verified set in ${FAR}, and at least 2 must stay` });
    const home = plan(sets, { last: 1, regions: [HOME] });
    expect(home.refused).toBeNull();
    expect(home.expire).toHaveLength(2);
  });

  it("is asked of a configured region that holds no set yet", () => {
    expect(plan(daily(4), { last: 1, regions: [HOME, FAR] }).refused).toBe(
      `no verified sets in ${FAR}, and at least 2 must stay`,
    );
  });
});

describe("sets that are not verified", () => {
  it("go after their days, when enough newer verified ones stay", () => {
    const good = daily(3);
    const old = setAt(NOW - 20 * DAY, { state: "degraded", grade: "crash" });
    const young = setAt(NOW - 10 * DAY, { state: "unverified" });
    const made = plan([...good, old, young], { last: 3 });
    expect(made.expire).toEqual([
      { id: old.id, reason: "degraded, 20.0 of 14 days old, and 3 newer verified sets stay" },
    ]);
    expect(reasonsOf(made, young)).toEqual(["unverified, 10.0 of 14 days old"]);
  });

  it("stay when too few newer verified ones do, and while they are in the making", () => {
    const good = [setAt(NOW - DAY), setAt(NOW - 40 * DAY)];
    const failed = setAt(NOW - 20 * DAY, { state: "failed", grade: "torn", members: [] });
    const pending = setAt(NOW - 30 * DAY, { state: "pending", grade: "torn" });
    const made = plan([...good, failed, pending], { last: 3 });
    expect(made.expire).toEqual([]);
    expect(reasonsOf(made, failed)).toEqual([
      "failed, 20.0 of 14 days old, but only 1 newer verified set stays (at least 2)",
    ]);
    expect(reasonsOf(made, pending)).toEqual(["pending: it is still being made"]);
  });
});

describe("what is held", () => {
  it("stays though no rule keeps it, and takes no other set's turn", () => {
    const sets = daily(6).map((set, index) => ({
      ...set,
      members: [memberOf(set.id, { locked: index === 5, inUse: index === 4 })],
    }));
    const made = plan(sets, { last: 2, maxDeletions: 1 });
    expect(reasonsOf(made, sets[5])).toEqual([`locked: snap-${sets[5]?.id}-${HOME}`]);
    expect(reasonsOf(made, sets[4])).toEqual([`in use: snap-${sets[4]?.id}-${HOME}`]);
    expect(going(made)).toEqual([sets[3]?.id]);
    expect(reasonsOf(made, sets[2])).toEqual(["next run: at most 1 set is deleted at a time"]);
  });

  it("is a set of a clock that ran ahead, whatever it is", () => {
    const ahead = setAt(NOW + DAY, { state: "failed", grade: "torn" });
    const made = plan([...daily(5), ahead], { last: 2 });
    expect(made.refused).toBeNull();
    expect(reasonsOf(made, ahead)[0]).toMatch(/future/);
    expect(made.expire).toHaveLength(3);
  });
});

describe("a plan is refused, and nothing goes", () => {
  const sets = daily(5);
  const member = memberOf("x");
  it.each<[string, readonly CatalogEntry[], Parameters<typeof rulesOf>[0], RegExp]>([
    ["no rule keeps anything", sets, {}, /^no rule keeps anything: set last/],
    ["the catalog is empty", [], { last: 1 }, /^no verified sets, and at least 2 must stay$/],
    ["too few sets are verified", daily(1), { last: 1 }, /^only 1 verified set, and at least 2 must stay$/],
    [
      "a set is named twice",
      [...sets, { ...setAt(NOW - 9 * DAY), id: sets[0]?.id ?? "" }],
      { last: 1 },
      /more than once/,
    ],
    [
      "two sets share a snapshot",
      [
        ...sets,
        setAt(NOW - 9 * DAY, { id: "a", members: [member] }),
        setAt(NOW - 9 * DAY, { id: "b", members: [member] }),
      ],
      { last: 1 },
      /^the sets b and a share the snapshot snap-x-eu-west-1$/,
    ],
    [
      "a set has no time",
      [...sets, setAt(Number.NaN, { id: "timeless" })],
      { last: 1 },
      /^set timeless has no instant/,
    ],
    [
      "the newest set failed",
      [...sets, setAt(NOW - 60, { id: "new", state: "failed", members: [] })],
      { last: 1 },
      /^the newest set new \(2026-11-23 11:59\) is failed: nothing goes until a good one is made$/,
    ],
    [
      "the newest set is torn",
      [...sets, setAt(NOW - 60, { state: "degraded", grade: "torn" })],
      { last: 1 },
      /is degraded, torn/,
    ],
    [
      "a verified set lacks a snapshot",
      [...sets, setAt(NOW - 9 * DAY, { id: "s", members: [memberOf("s", { state: "missing" })] })],
      { last: 1 },
      /^the catalog does not agree with AWS: set s is verified, and its snapshot snap-s-eu-west-1 in eu-west-1 is missing$/,
    ],
    [
      "an unverified set has a broken snapshot",
      [...sets, setAt(NOW - 9 * DAY, { state: "unverified", members: [memberOf("s", { state: "error" })] })],
      { last: 1 },
      /is error$/,
    ],
    [
      "a verified set has no snapshots",
      [...sets, setAt(NOW - 9 * DAY, { id: "s", members: [] })],
      { last: 1 },
      /set s is verified and has no snapshots/,
    ],
  ])("when %s", (_, catalog, some, sentence) => {
    const made = plan(catalog, some);
    expect(made.refused).toMatch(sentence);
    expect(made.expire).toEqual([]);
    expect(new Set(ids(catalog))).toEqual(new Set(made.keep.map(({ id }) => id)));
  });

  it("when tags and manifests disagree, with the first and the number of the others", () => {
    const made = planRetention(sets, rulesOf({ last: 1 }), NOW, ["set a: is only in tags", "set b: too"]);
    expect(made.refused).toBe("the catalog does not agree with AWS: set a: is only in tags (and 1 more)");
  });

  it("but not for a failed set of long ago, or a newest one still in the making", () => {
    const failed = setAt(NOW - 2 * DAY - 60, { state: "failed", grade: "torn", members: [] });
    const pending = setAt(NOW - 60, {
      state: "pending",
      grade: "torn",
      members: [memberOf("p", { state: "pending" })],
    });
    expect(plan([...sets, failed, pending], { last: 2 }).refused).toBeNull();
  });
});
