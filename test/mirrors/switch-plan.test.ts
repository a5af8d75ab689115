// Whether a switch may begin, whether an address is fit, how a switch has ended, and what an administrator types.

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SWITCH_STATES, type SwitchRecord } from "../../shared/mirrors/states.ts";
import { administratorCommands, shellQuoted } from "../../shared/mirrors/switch/commands.ts";
import { contentRefusals } from "../../shared/mirrors/switch/confirm.ts";
import {
  asHubHas,
  candidateRefusals,
  endOf,
  isUnderWay,
  planSwitch,
  type SwitchFacts,
} from "../../shared/mirrors/switch/plan.ts";
import type { Judgement } from "../../shared/mirrors/types.ts";

const NOW = 1_900_000_000;
const HOUR = 3600;
const OLD = "https://old.example.org/9/$arch/";
const NEW = "https://new.example.org/9/$arch/";
const FAILOVER = { periodHours: 24, readyMinutes: 120 };

const use = (tag: string, ...arches: string[]) => ({ tag, arches, mergeMode: "koji", priority: 10 });

const FACTS: SwitchFacts = {
  ...{ id: "switch-2", repo: "el9-base", to: NEW, automatic: false, hubAdmin: true, last: null, now: NOW },
  hub: { url: OLD, uses: [use("b-build", "x86_64"), use("a-build", "aarch64", "x86_64"), use("c-build")] },
  failover: FAILOVER,
};

const RECORD: SwitchRecord = {
  ...{ id: "switch-1", repo: "el9-base", from: OLD, to: NEW, by: "ann", reason: "", automatic: false },
  ...{ state: "done", startedAt: NOW - HOUR, editedAt: NOW - HOUR, endedAt: NOW - 1800 },
  ...{ tags: [{ tag: "a-build", request: 1, repo: 2 }], retiring: [OLD], notes: [] },
};

const refusals = (changes: Partial<SwitchFacts>) => planSwitch({ ...FACTS, ...changes }).refusals.join("\n");

describe("a switch", () => {
  it("is planned for the tags that take rpms from the repo, and for all their arches", () => {
    expect(planSwitch(FACTS)).toEqual({
      refusals: [],
      already: false,
      arches: ["aarch64", "x86_64"],
      tags: [
        { tag: "a-build", arches: ["aarch64", "x86_64"] },
        { tag: "b-build", arches: ["x86_64"] },
      ],
    });
  });

  it("to what the hub has is none", () => {
    expect(planSwitch({ ...FACTS, to: OLD.slice(0, -1), hubAdmin: false })).toMatchObject({
      already: true,
      refusals: [],
    });
  });

  it.each<[string, Partial<SwitchFacts>, RegExp]>([
    ["of a repo that the hub does not have", { hub: null }, /no external repo named el9-base/],
    ["to a file", { to: "file:///mnt/9/$arch/" }, /no http or https address/],
    ["to what is no address", { to: "somewhere" }, /no http or https address/],
    ["to an address with a password", { to: "https://ann:secret@new.example.org/$arch/" }, /holds a user or password$/],
    ["to a metalink", { to: "https://mirrors.example.org/metalink?repo=9&arch=$arch" }, /is a metalink/],
    ["to a mirrorlist", { to: "https://mirrors.example.org/mirrorlist?repo=9&arch=$arch" }, /is a mirrorlist/],
    ["to an address of dnf's", { to: "https://new.example.org/$basearch/" }, /not \$basearch/],
    ["to one address for all arches", { to: "https://new.example.org/x86_64/" }, /no \$arch, .*aarch64, x86_64/],
    ["without the permission", { hubAdmin: false }, /edit-external-repo --url='.*\$arch\/' el9-base; koji regen-repo/],
    ["of a repo that nobody uses", { hub: { url: OLD, uses: [use("c-build")] } }, /no build tag takes rpms/],
    ["that ran before", { last: { ...RECORD, id: "switch-2" } }, /has been made before/],
    ["by Toji soon after another", { automatic: true, last: RECORD }, /was switched 1 h ago/],
    ["beside another", { last: { ...RECORD, state: "undoing" } }, /is being switched to .* by switch-1/],
  ])("%s is refused", (_, changes, sentence) => {
    expect(refusals(changes)).toMatch(sentence);
  });

  it.each<[string, Partial<SwitchFacts>]>([
    [
      "to one address when builds are of one arch",
      { to: "https://new.example.org/os/", hub: { url: OLD, uses: [use("a", "x86_64")] } },
    ],
    ["by a person, however soon after another", { last: RECORD }],
    ["by Toji after the period", { automatic: true, last: { ...RECORD, startedAt: NOW - 25 * HOUR } }],
    ["that is the same step once more", { last: { ...RECORD, id: "switch-2", state: "begun" } }],
    ["after one that was cut off for ever", { last: { ...RECORD, state: "edited", startedAt: NOW - 7 * HOUR } }],
  ])("%s is not refused", (_, changes) => {
    expect(refusals(changes)).toBe("");
  });

  const factsArbitrary: fc.Arbitrary<SwitchFacts> = fc.record({
    id: fc.constantFrom("switch-1", "switch-2"),
    repo: fc.constant("el9-base"),
    to: fc.constantFrom(
      OLD,
      NEW,
      NEW.slice(0, -1),
      "file:///x",
      "https://new.example.org/",
      "nonsense",
      "https://m.example.org/metalink?a=$arch",
    ),
    automatic: fc.boolean(),
    hubAdmin: fc.boolean(),
    hub: fc.option(
      fc.record({
        url: fc.constantFrom(OLD, NEW),
        uses: fc.array(
          fc.record({
            ...{ tag: fc.constantFrom("a", "b", "c"), mergeMode: fc.constant("koji"), priority: fc.nat(20) },
            arches: fc.subarray(["aarch64", "i386", "x86_64"]),
          }),
        ),
      }),
    ),
    last: fc.option(
      fc.record({ state: fc.constantFrom(...SWITCH_STATES), age: fc.nat(48 * HOUR) }).map(({ state, age }) => ({
        ...{ ...RECORD, state, startedAt: NOW - age },
      })),
    ),
    failover: fc.record({
      periodHours: fc.integer({ min: 1, max: 48 }),
      readyMinutes: fc.integer({ min: 1, max: 1440 }),
    }),
    now: fc.constant(NOW),
  });

  it("that is planned whatever the facts: never beside another, never unseen, never without the permission", () => {
    fc.assert(
      fc.property(factsArbitrary, (facts) => {
        const { refusals: why, tags, arches, already } = planSwitch(facts);
        expect(arches).toEqual([...new Set(tags.flatMap((each) => each.arches))].sort());
        expect(tags.every((each) => each.arches.length > 0)).toBe(true);
        expect(new Set(tags.map(({ tag }) => tag)).size).toBe(tags.length);
        if (why.length > 0) {
          expect(already).toBe(false);
          return;
        }
        const { hub, last, id, to, failover } = facts;
        expect(hub).not.toBeNull();
        if (last !== null && last.id !== id) expect(isUnderWay(last, failover.readyMinutes, NOW)).toBe(false);
        expect(already).toBe(asHubHas(to) === hub?.url);
        if (already) return;
        expect(facts.hubAdmin).toBe(true);
        expect(arches.length).toBeGreaterThan(0);
        expect(to).toMatch(/^https?:/);
        if (facts.automatic && last !== null && last.id !== id) {
          expect(NOW - last.startedAt).toBeGreaterThanOrEqual(failover.periodHours * HOUR);
        }
      }),
      { seed: 6 },
    );
  });

  it("that is planned says the same when it is only allowed more", () => {
    fc.assert(
      fc.property(factsArbitrary, (facts) => {
        const more = planSwitch({ ...facts, hubAdmin: true, automatic: false, last: null });
        for (const sentence of more.refusals) expect(planSwitch(facts).refusals).toContain(sentence);
      }),
      { seed: 7 },
    );
  });
});

describe("an address", () => {
  const judged = (changes: Partial<Judgement>): Judgement => ({
    ...{ verdict: "ok", trusted: true, checks: [], accepted: null, lagSeconds: null },
    metadata: { revision: "1", timestamp: NOW - HOUR, repomdSha256: "b" },
    ...changes,
  });
  const look = (judgement: Judgement, current: { timestamp: number; repomdSha256: string } | null) =>
    candidateRefusals([{ arch: "x86_64", url: NEW, judgement, current }]);

  it("is fit when it is trusted and no older, or the same, or nothing is known to compare with", () => {
    expect(look(judged({}), { timestamp: NOW - HOUR, repomdSha256: "a" })).toEqual([]);
    expect(look(judged({}), { timestamp: NOW, repomdSha256: "b" })).toEqual([]);
    expect(look(judged({}), null)).toEqual([]);
  });

  it("is not fit when it is older, by a second", () => {
    const [why] = look(judged({}), { timestamp: NOW - HOUR + 1, repomdSha256: "a" });
    expect(why).toContain("is 1 s older for x86_64");
  });

  it("is not fit when it is not trusted: the failing checks are named", () => {
    const checks = [
      { name: "fetch", ok: true, detail: "fine" },
      { name: "authenticity", ok: false, detail: "no signature" },
    ] as const;
    const [why] = look(judged({ trusted: false, verdict: "tampered", checks }), null);
    expect(why).toBe(`${NEW} is not fit for x86_64 (tampered): authenticity: no signature`);
  });
});

describe("a new repo", () => {
  const run = { ...{ repo: "el9-base", from: OLD, to: NEW, already: false, tags: [] }, empty: [], isShared: false };
  const digest = (...origins: [string, number][]) => ({
    ...{ repo: 7, tag: "a-build", arch: "x86_64" },
    origins: origins.map(([base, count]) => ({ base, count, packed: "" })),
  });
  const NEW_BASE = "https://new.example.org/9/x86_64/";
  const OLD_BASE = "https://old.example.org/9/x86_64/";

  it("takes rpms from the new address and none from the old one", () => {
    expect(contentRefusals(digest([NEW_BASE, 3]), run)).toEqual([]);
    expect(contentRefusals(digest([NEW_BASE, 3], [OLD_BASE, 1]), run).join()).toContain("still takes 1 rpm from");
    expect(contentRefusals(digest([OLD_BASE, 3]), run)).toHaveLength(2);
  });

  it("may take none when there are none, and some from the old address when another repo has it too", () => {
    expect(contentRefusals(digest(), { ...run, empty: ["x86_64"] })).toEqual([]);
    expect(contentRefusals(digest([NEW_BASE, 3], [OLD_BASE, 1]), { ...run, isShared: true })).toEqual([]);
  });
});

describe("the end of a switch", () => {
  const end = (state: SwitchRecord["state"], url: string | null, isConfirmed: boolean, repo: number | null = 5) =>
    endOf({ record: { ...RECORD, state, tags: [{ tag: "a-build", request: 4, repo }] }, url, isConfirmed });

  it("is done only with the new address and confirmed repos", () => {
    expect(end("regenerating", NEW, true)).toEqual({ state: "done", sentences: [] });
    expect(end("regenerating", NEW, false).sentences.join()).toContain(`--url='${OLD}' el9-base; koji regen-repo`);
  });

  it("is undone when nothing was edited, or the old address and its repos are there", () => {
    expect(end("begun", OLD, false).state).toBe("undone");
    expect(end("begun", "https://third.example.org/", false).state).toBe("undone");
    expect(end("undoing", OLD, false).state).toBe("undone");
  });

  it("is failed when repos of the new address may be there still: the commands are in the sentence", () => {
    for (const failed of [end("undoing", OLD, false, null), end("edited", OLD, false)]) {
      expect(failed.state).toBe("failed");
      expect(failed.sentences.join()).toMatch(/type: koji regen-repo --nowait a-build$/);
    }
  });

  it("is failed when somebody else's address is there", () => {
    expect(end("regenerating", "https://third.example.org/", false).sentences.join()).toContain("it was left so");
    expect(end("undoing", null, false).state).toBe("failed");
  });
});

describe("an administrator's commands", () => {
  it("are those of koji's client", () => {
    expect(administratorCommands("el9-base", NEW, ["a-build"])).toEqual([
      `koji edit-external-repo --url='${NEW}' el9-base`,
      "koji regen-repo --nowait a-build",
    ]);
  });

  it("give a shell back each name and address as it is, whatever is in it", () => {
    const words = fc.sample(fc.string({ unit: "grapheme-ascii", minLength: 1 }), { numRuns: 100, seed: 8 });
    const nasty = [...words, "it's $(not) `safe`", "-n", "a\nb", "'"];
    const script = nasty.map((word) => `printf '%s\\0' ${shellQuoted(word)}`).join("\n");
    expect(execFileSync("sh", ["-c", script]).toString().split("\0").slice(0, -1)).toEqual(nasty);
  });
});
