// What is decided after the looks: new repos and switches, and what is only said.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ActionFacts, SeenLook } from "../../shared/mirrors/action-facts.ts";
import { planActions } from "../../shared/mirrors/plan-actions.ts";
import { CHANGED_PAUSE_SECONDS, MOST_REGENERATIONS, PAUSE_SECONDS } from "../../shared/mirrors/plan-regenerations.ts";
import { SWITCH_STATES } from "../../shared/mirrors/states.ts";
import {
  ARCHES,
  CANDIDATE,
  candidateLook,
  configOf,
  factsOf,
  lookOf,
  missing,
  NOW,
  switchOf,
  unfit,
  withLooks,
} from "./action-facts.ts";

const text = ({ sentences }: { readonly sentences: readonly string[] }) => sentences.join("\n");
const gone = (tags: readonly string[], changes: Partial<SeenLook> = {}) =>
  lookOf({ verdict: "partial", live: missing(tags), ...changes });
const asked = (repo: number, secondsAgo: number) => ({
  tags: [{ tag: "a-build", requestedAt: NOW - secondsAgo, request: 7, repo, why: "rpms were gone" }],
});

describe("when all is well", () => {
  it("nothing is done and nothing is said", () => {
    expect(planActions(factsOf())).toEqual({ regenerate: [], switches: [], sentences: [] });
  });
});

describe("rpms that READY repos refer to and that are gone", () => {
  it("are a reason for a new repo of just the tags whose newest repo needs them", () => {
    const plan = planActions(withLooks([gone(["a-build"])]));
    expect(plan.regenerate).toEqual([{ tag: "a-build", why: "1 rpm of base (x86_64): bash-5-1.rpm", repo: 100 }]);
    expect(plan.sentences).toHaveLength(1);
  });

  it.each([404, 410, 403])("count as gone with status %d", (status) => {
    expect(planActions(withLooks([gone([], { live: missing(["a-build"], status) })])).regenerate).toHaveLength(1);
  });

  it.each([null, 500, 503, 429])("may come back with status %s, so they are only told", (status) => {
    const plan = planActions(withLooks([gone([], { live: missing(["a-build"], status) })]));
    expect(plan.regenerate).toEqual([]);
    expect(text(plan)).toContain("did not answer, which may pass");
  });

  it("are only told where older READY repos alone refer to them", () => {
    const plan = planActions(withLooks([gone([])]));
    expect(plan.regenerate).toEqual([]);
    expect(text(plan)).toContain("only older READY repos refer to");
  });

  it("are no reason while the hub is about to make a repo", () => {
    const plan = planActions(withLooks([gone(["a-build", "b-build"])], { queued: ["a-build"] }));
    expect(plan.regenerate.map(({ tag }) => tag)).toEqual(["b-build"]);
    expect(text(plan)).toContain("one is in the hub's queue");
  });

  it("are no reason while one was asked for that is not READY yet, up to six hours", () => {
    const plan = (seconds: number) =>
      planActions(withLooks([gone(["a-build"])], { regenerations: asked(100, seconds) }));
    expect(plan(PAUSE_SECONDS - 1).regenerate).toEqual([]);
    expect(text(plan(PAUSE_SECONDS - 1))).toContain("not READY yet");
    expect(plan(PAUSE_SECONDS).regenerate).toHaveLength(1);
  });

  it("are no reason where the new repo misses them too: the mirror lists what it does not have", () => {
    const plan = (seconds: number) =>
      planActions(withLooks([gone(["a-build"])], { regenerations: asked(90, seconds) }));
    expect(plan(PAUSE_SECONDS - 1).regenerate).toEqual([]);
    expect(text(plan(PAUSE_SECONDS - 1))).toContain("the mirror lists what it does not have");
    expect(plan(PAUSE_SECONDS).regenerate).toHaveLength(1);
  });

  it("are one again after an hour where the mirror has changed since the new repo was made", () => {
    const metadata = { revision: "2", timestamp: NOW - 600, repomdSha256: "11" };
    const plan = (seconds: number) =>
      planActions(withLooks([gone(["a-build"], { metadata })], { regenerations: asked(90, seconds) }));
    expect(plan(CHANGED_PAUSE_SECONDS - 1).regenerate).toEqual([]);
    expect(plan(CHANGED_PAUSE_SECONDS).regenerate).toHaveLength(1);
  });

  it("are no reason to take what an unfit mirror has now", () => {
    const plan = planActions(withLooks([unfit(1, { live: missing(["a-build"]) })]));
    expect(plan.regenerate).toEqual([]);
    expect(text(plan)).toContain("it would bring in the metadata of base (x86_64)");
  });

  it("are no reason while the other arch of the tag has an unfit mirror", () => {
    expect(
      planActions(
        withLooks([gone(["a-build"]), unfit(1, { arch: "aarch64", url: "https://base.example.org/9/aarch64/" })]),
      ).regenerate,
    ).toEqual([]);
  });

  it("are no reason while a switch of the repo is under way, which asks for repos itself", () => {
    const switches = [switchOf({ state: "regenerating" })];
    const plan = planActions(withLooks([gone(["a-build"])], { switches }));
    expect(plan.regenerate).toEqual([]);
    expect(text(plan)).toContain("switch-1 of base is under way");
  });

  it("are no reason when the look is of an earlier run", () => {
    const plan = planActions(withLooks([gone(["a-build"], { at: NOW - 900 })]));
    expect(plan.regenerate).toEqual([]);
    expect(text(plan)).toContain("The look at base (x86_64)");
  });

  it("lead to ten new repos in one run, and the others are told to follow", () => {
    const tags = Array.from({ length: 13 }, (_, index) => `t${String(index).padStart(2, "0")}-build`);
    const facts = withLooks([gone(tags)]);
    const ready = tags.map((tag, index) => ({ id: index, tag, arches: ARCHES, createdAt: NOW - 7200, newest: true }));
    const plan = planActions({ ...facts, survey: { ...facts.survey, ready } });
    expect(plan.regenerate.map(({ tag }) => tag)).toEqual(tags.slice(0, MOST_REGENERATIONS));
    expect(text(plan)).toContain("New repos of t10-build, t11-build, t12-build follow");
  });
});

describe("a mirror that went back", () => {
  it("is left to a person, with the commands", () => {
    const plan = planActions(withLooks([unfit(1, { verdict: "rolled_back", live: missing(["a-build"]) })]));
    expect(plan.regenerate).toEqual([]);
    expect(text(plan)).toContain("type: koji regen-repo --nowait a-build; koji regen-repo --nowait b-build");
  });
});

describe("failover", () => {
  it("goes to the first candidate that is fit, once the mirror is unfit for any arch", () => {
    const plan = planActions(withLooks([unfit(3)]));
    expect(plan.switches).toEqual([
      { repo: "base", to: CANDIDATE, by: "toji", reason: expect.stringContaining("3 looks in a row"), automatic: true },
    ]);
  });

  it("skips candidates that are not", () => {
    const config = configOf({ failover: true }, ["https://first.example.org/9/$arch", CANDIDATE]);
    expect(planActions(withLooks([unfit(3)], { config })).switches.map(({ to }) => to)).toEqual([CANDIDATE]);
  });

  const refusals: readonly (readonly [string, readonly SeenLook[], Partial<ActionFacts>, string])[] = [
    ["the mirror was unfit twice only", [unfit(2)], {}, "it is left after 3 at the earliest"],
    [
      "the candidate is unfit for one arch",
      [unfit(3), candidateLook("aarch64", { trusted: false, verdict: "lagging", good: 0, bad: 1 })],
      {},
      "is lagging for aarch64",
    ],
    [
      "the candidate was fit twice only",
      [unfit(3), candidateLook("x86_64", { good: 2 })],
      {},
      "was fit for x86_64 in 2 looks in a row, of 3",
    ],
    [
      "the candidate was not looked at in this run",
      [unfit(3), candidateLook("x86_64", { at: NOW - 900 })],
      {},
      "was not looked at for x86_64",
    ],
    [
      "the candidate is older for one arch",
      [unfit(3), candidateLook("aarch64", { accepted: { timestamp: NOW - 90_000 } })],
      {},
      "is 1 h older for aarch64",
    ],
    ["it was switched an hour ago", [unfit(3)], { switches: [switchOf()] }, "once in 24 h"],
    ["it was switched an hour ago in vain", [unfit(3)], { switches: [switchOf({ state: "undone" })] }, "once in 24 h"],
    ["a switch is under way", [unfit(3)], { switches: [switchOf({ state: "edited" })] }, "is under way"],
    [
      "the config does not allow it",
      [unfit(3)],
      { config: configOf({ failover: false }) },
      `npx toji mirrors switch 'base' '${CANDIDATE}'`,
    ],
    [
      "Toji is no administrator",
      [unfit(3)],
      { hubAdmin: false },
      `koji edit-external-repo --url='${CANDIDATE}' base; koji regen-repo --nowait a-build`,
    ],
    ["no candidate is named", [unfit(3)], { config: configOf({ failover: false }, []) }, "names no candidate"],
  ];
  it.each(refusals)("stays away when %s, and says so", (_, looks, changes, sentence) => {
    const plan = planActions(withLooks(looks, changes));
    expect(plan.switches).toEqual([]);
    expect(text(plan)).toContain(sentence);
  });

  it("takes place again after the period, and when an earlier switch was cut off for ever", () => {
    for (const state of SWITCH_STATES) {
      const switches = [switchOf({ state, startedAt: NOW - 25 * 3600 })];
      expect(planActions(withLooks([unfit(3)], { switches })).switches).toHaveLength(1);
    }
  });

  it("leaves an ignored repo alone", () => {
    const config = configOf({ failover: true });
    const ignored = { ...config, repos: config.repos.map((repo) => ({ ...repo, ignore: true })) };
    expect(planActions(withLooks([unfit(3)], { config: ignored })).switches).toEqual([]);
  });
});

describe("whatever was found", () => {
  const look = (url: "current" | "candidate") =>
    fc
      .record({
        arch: fc.constantFrom(...ARCHES),
        trusted: fc.boolean(),
        count: fc.integer({ min: 1, max: 5 }),
        age: fc.constantFrom(0, 30, 900),
        accepted: fc.option(fc.integer({ min: NOW - 10, max: NOW }).map((timestamp) => ({ timestamp }))),
        status: fc.constantFrom(null, 200, 403, 404, 410, 500),
        tags: fc.subarray(["a-build", "b-build"]),
      })
      .map(({ arch, trusted, count, age, accepted, status, tags }) => {
        const found = {
          ...{ arch, trusted, accepted, at: NOW - age, verdict: trusted ? ("ok" as const) : ("partial" as const) },
          ...{ good: trusted ? count : 0, bad: trusted ? 0 : count, live: missing(tags, status) },
        };
        return url === "current" ? lookOf(found) : candidateLook(arch, { ...found, live: null });
      });
  const facts = fc
    .record({
      looks: fc.array(fc.oneof(look("current"), look("candidate")), { maxLength: 4 }),
      queued: fc.subarray(["a-build", "b-build"]),
      askedAgo: fc.option(fc.integer({ min: 0, max: 2 * PAUSE_SECONDS })),
      askedOf: fc.constantFrom(90, 100),
      state: fc.constantFrom(...SWITCH_STATES),
      switchedAgo: fc.option(fc.integer({ min: 0, max: 60 * 3600 })),
      hubAdmin: fc.boolean(),
      failover: fc.boolean(),
    })
    .map((drawn) => ({
      drawn,
      facts: withLooks(
        drawn.looks.filter(({ url }, index) => drawn.looks.findIndex((each) => each.url === url) === index),
        {
          queued: drawn.queued,
          hubAdmin: drawn.hubAdmin,
          config: configOf({ failover: drawn.failover }),
          regenerations: drawn.askedAgo === null ? { tags: [] } : asked(drawn.askedOf, drawn.askedAgo),
          switches:
            drawn.switchedAgo === null ? [] : [switchOf({ state: drawn.state, startedAt: NOW - drawn.switchedAgo })],
        },
      ),
    }));
  const seeded = { seed: 6, numRuns: 400 };

  it("a new repo is asked for only of a tag that misses rpms for sure, and only from fit mirrors", () => {
    fc.assert(
      fc.property(facts, ({ facts: given, drawn }) => {
        for (const { tag } of planActions(given).regenerate) {
          const fresh = given.looks.filter(({ at }) => at >= given.survey.at);
          const misses = fresh.flatMap(({ live }) => live?.missing ?? []).filter(({ tags }) => tags.includes(tag));
          expect(misses.some(({ status }) => [403, 404, 410].includes(status ?? 0))).toBe(true);
          expect(drawn.queued).not.toContain(tag);
          expect(fresh.filter(({ role }) => role === "current").every(({ trusted }) => trusted)).toBe(true);
        }
      }),
      seeded,
    );
  });

  it("a tag is not asked for twice within six hours while the mirror has not changed", () => {
    fc.assert(
      fc.property(facts, ({ facts: given, drawn }) => {
        const tags = planActions(given).regenerate.map(({ tag }) => tag);
        if (drawn.askedAgo !== null && drawn.askedAgo < PAUSE_SECONDS) expect(tags).not.toContain("a-build");
      }),
      seeded,
    );
  });

  it("what was asked for in a run is not asked for again by the same facts in the next one", () => {
    fc.assert(
      fc.property(facts, ({ facts: given }) => {
        const { regenerate } = planActions(given);
        const tags = regenerate.map(({ tag, repo, why }) => ({ tag, repo, why, requestedAt: NOW, request: 1 }));
        const next = planActions({
          ...given,
          now: NOW + 900,
          regenerations: { tags: [...given.regenerations.tags, ...tags] },
        });
        const before = new Set(tags.map(({ tag }) => tag));
        expect(next.regenerate.filter(({ tag }) => before.has(tag))).toEqual([]);
      }),
      seeded,
    );
  });

  it("a switch is begun only with permission, not too often, and never to older or unfit content", () => {
    fc.assert(
      fc.property(facts, ({ facts: given, drawn }) => {
        const { switches } = planActions(given);
        if (switches.length === 0) return;
        expect(switches).toHaveLength(1);
        expect(drawn.hubAdmin && drawn.failover).toBe(true);
        if (drawn.switchedAgo !== null) expect(drawn.switchedAgo).toBeGreaterThanOrEqual(24 * 3600);
        for (const arch of ARCHES) {
          const at = (role: string) => given.looks.find((each) => each.role === role && each.arch === arch);
          expect(at("candidate")).toMatchObject({ trusted: true });
          expect(at("candidate")?.good).toBeGreaterThanOrEqual(3);
          const [theirs, ours] = [at("candidate")?.accepted?.timestamp ?? 0, at("current")?.accepted?.timestamp ?? 0];
          expect(theirs).toBeGreaterThanOrEqual(ours);
        }
        expect(given.looks.some(({ role, bad }) => role === "current" && bad >= 3)).toBe(true);
      }),
      seeded,
    );
  });

  it("the same facts in another order give the same plan", () => {
    fc.assert(
      fc.property(facts, ({ facts: given }) => {
        const turned = planActions({ ...given, looks: given.looks.toReversed() });
        const { regenerate, switches } = planActions(given);
        expect(turned.regenerate.map(({ tag }) => tag)).toEqual(regenerate.map(({ tag }) => tag));
        expect(turned.switches.map(({ to }) => to)).toEqual(switches.map(({ to }) => to));
      }),
      seeded,
    );
  });
});
