// Which leftovers may go: by example, and for every world that a sweep may see.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TAG } from "../../shared/fleet/index.ts";
import {
  type Found,
  judgeOrphans,
  type LaunchedInstance,
  type Look,
  type Markers,
  NO_MARKERS,
  ORPHAN_KINDS,
  type OrphanKind,
  type OrphanRules,
  orphanRules,
} from "../../shared/fleet/orphans.ts";
import { holds, SEED } from "./seed.ts";
import { makeSite } from "./world.ts";

const NOW = 1_795_000_000;
const RULES: OrphanRules = { volume: 900, "network interface": 900, "template version": 1200, identity: 1200 };

const seen = <T>(...items: T[]): Look<T> => ({ seen: true, items });
const NOTHING: Found = {
  instances: seen(),
  volumes: seen(),
  interfaces: seen(),
  versions: seen(),
  identities: seen(),
};

const volume = (volumeId: string, tags: Record<string, string> = {}, state = "available") => {
  return { volumeId, state, sizeGiB: 60, tags: { [TAG.fleet]: "toji", ...tags } };
};
const version = (number: string, description = "toji launch t1") => {
  return { version: number, description, madeAt: NOW - 9000, isDefault: false };
};
const identity = (token: string, writtenAt = NOW - 9000) => ({ key: `identities/b-01/${token}.pem`, writtenAt });
const instance = (parts: Partial<LaunchedInstance>): LaunchedInstance => {
  return { live: true, launch: null, templateVersions: [], ...parts };
};
const marked = (kind: OrphanKind, id: string, since: number): Markers => ({ ...NO_MARKERS, [kind]: { [id]: since } });
const judge = (found: Partial<Found>, markers = NO_MARKERS, now = NOW) =>
  judgeOrphans({ ...NOTHING, ...found }, markers, RULES, now);

describe("a volume attached to nothing", () => {
  const alone = { volumes: seen(volume("vol-1", { Name: "builder-x86-03" })) };

  it("is marked when it is seen first, and kept", () => {
    const { remove, markers, sentences } = judge(alone);
    expect(remove).toEqual([]);
    expect(markers.volume).toEqual({ "vol-1": NOW });
    expect(sentences).toEqual([
      "volume vol-1 (60 GiB, builder-x86-03) is attached to nothing: kept until it has been so for 15 min",
    ]);
  });

  it("goes once a later sweep finds it so for longer than the bound", () => {
    const since = NOW - 32 * 60;
    const { remove, markers, sentences } = judge(alone, marked("volume", "vol-1", since));
    const what = "volume vol-1 (60 GiB, builder-x86-03) is attached to nothing for 32 min";
    expect(remove).toEqual([{ kind: "volume", id: "vol-1", since, what }]);
    expect(markers.volume).toEqual({ "vol-1": since });
    expect(sentences).toEqual([]);
  });

  it("is kept until then, with its age", () => {
    const { remove, sentences } = judge(alone, marked("volume", "vol-1", NOW - 600));
    expect(remove).toEqual([]);
    expect(sentences[0]).toContain("is attached to nothing for 10 min: kept until it has been so for 15 min");
  });

  it("begins anew when the clock has been put back since it was marked", () => {
    const { remove, markers } = judge(alone, marked("volume", "vol-1", NOW + 60));
    expect(remove).toEqual([]);
    expect(markers.volume).toEqual({ "vol-1": NOW });
  });

  it("is left alone and named when a person has pinned it", () => {
    const pinned = { volumes: seen(volume("vol-1", { [TAG.pin]: "" })) };
    const { remove, markers, sentences } = judge(pinned, marked("volume", "vol-1", NOW - 9000));
    expect(remove).toEqual([]);
    expect(markers.volume).toEqual({});
    expect(sentences).toEqual([
      "volume vol-1 (60 GiB) is attached to nothing and carries the tag toji:pin: left alone",
    ]);
  });

  it.each(["in-use", "creating", "deleting", "error", "unknown"])("is none when EC2 calls it %s", (state) => {
    const verdict = judge({ volumes: seen(volume("vol-1", {}, state)) }, marked("volume", "vol-1", NOW - 9000));
    expect(verdict).toEqual({ remove: [], markers: NO_MARKERS, sentences: [] });
  });
});

it("a network interface attached to nothing goes in the same way", () => {
  const item = { networkInterfaceId: "eni-1", state: "available", tags: { [TAG.slot]: "b-01" } };
  const found = { interfaces: seen(item, { ...item, networkInterfaceId: "eni-2", state: "in-use" }) };
  const since = { "eni-1": NOW - 901, "eni-2": NOW - 901 };
  expect(judge(found, { ...NO_MARKERS, "network interface": since }).remove).toMatchObject([
    { id: "eni-1", what: "network interface eni-1 (b-01) is attached to nothing for 15 min" },
  ]);
});

describe("what was made for a launch", () => {
  const both = { versions: seen(version("7")), identities: seen(identity("t1")) };
  const old: Markers = {
    ...NO_MARKERS,
    "template version": { "7": NOW - 1201 },
    identity: { "identities/b-01/t1.pem": NOW - 1201 },
  };

  it("goes when no instance of the launch lives", () => {
    const dead = seen(instance({ live: false, launch: "t1", templateVersions: ["7"] }), instance({ launch: "t2" }));
    expect(judge({ ...both, instances: dead }, old).remove.map((each) => each.what)).toEqual([
      "template version 7 (toji launch t1) belongs to no instance for 20 min",
      "identities/b-01/t1.pem belongs to no instance for 20 min",
    ]);
  });

  it.each([
    ["by its tag", instance({ launch: "t1" })],
    ["by its version, though it has lost its tags", instance({ templateVersions: ["7"] })],
  ])("is in use while an instance of the launch lives, known %s", (_, live) => {
    const verdict = judge({ ...both, instances: seen(live) }, old);
    expect(verdict).toEqual({ remove: [], markers: NO_MARKERS, sentences: [] });
  });

  it("is neither a version that is the default one nor one that no launch has described", () => {
    const versions = seen({ ...version("7"), isDefault: true }, version("8", "base"), version("9", ""));
    const since = { "7": NOW - 9000, "8": NOW - 9000, "9": NOW - 9000 };
    const verdict = judge({ versions }, { ...NO_MARKERS, "template version": since });
    expect(verdict).toEqual({ remove: [], markers: NO_MARKERS, sentences: [] });
  });

  it("begins anew when a launch has written it anew, or when the template is another one", () => {
    const rewritten = {
      versions: seen({ ...version("7"), madeAt: NOW - 100 }),
      identities: seen(identity("t1", NOW - 100)),
    };
    const { remove, markers } = judge(rewritten, old);
    expect(remove).toEqual([]);
    expect(markers["template version"]).toEqual({ "7": NOW });
    expect(markers.identity).toEqual({ "identities/b-01/t1.pem": NOW });
  });

  it("is not an object with a name that no launch gives", () => {
    const { remove, sentences } = judge({ identities: seen({ key: "identities/notes.txt", writtenAt: 0 }) });
    expect(remove).toEqual([]);
    expect(sentences).toEqual(["identities/notes.txt has a name that no launch gives: left alone"]);
  });
});

describe("an incomplete look", () => {
  const failed = { seen: false, why: "DescribeVolumes failed (RequestLimitExceeded): slow down" } as const;

  it("removes nothing of that kind, keeps its markers, and says so", () => {
    const markers: Markers = { ...NO_MARKERS, volume: { "vol-1": 5 }, "network interface": { "eni-1": 5 } };
    const verdict = judge({ volumes: failed }, markers);
    expect(verdict.remove).toEqual([]);
    expect(verdict.markers).toEqual({ ...NO_MARKERS, volume: { "vol-1": 5 } });
    expect(verdict.sentences).toEqual([`no volume is removed: ${failed.why}`]);
  });

  it("at the instances stops everything that belongs to launches", () => {
    const found = { instances: failed, versions: seen(version("7")), identities: seen(identity("t1")) };
    expect(judge(found).sentences).toEqual([
      `no template version is removed: ${failed.why}`,
      `no identity is removed: ${failed.why}`,
    ]);
  });
});

it("the bounds outlast the longest boot and a launch that is tried again", () => {
  const site = makeSite();
  const launch = site.builders.bootLimitSeconds + 300;
  expect(orphanRules(site)).toEqual({ ...RULES, "template version": launch, identity: launch });
});

const ids = ["1", "2", "3"] as const;
const lookOf = <T>(item: (id: string) => fc.Arbitrary<T>): fc.Arbitrary<Look<T>> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.subarray([...ids]).chain((some) => fc.tuple(...some.map(item)).map((all) => seen(...all))),
    },
    { weight: 1, arbitrary: fc.constant({ seen: false, why: "a list failed" } as const) },
  );
const state = fc.constantFrom("available", "available", "in-use", "deleting");
const anyTags = fc.constantFrom({}, { [TAG.slot]: "b-01" }, { [TAG.pin]: "" });
const anyTime = fc.integer({ min: NOW - 4000, max: NOW + 2000 });
const anyFound: fc.Arbitrary<Found> = fc.record({
  instances: lookOf((id) =>
    fc.record({
      live: fc.boolean(),
      launch: fc.constantFrom(null, `t${id}`),
      templateVersions: fc.subarray([...ids]),
    }),
  ),
  volumes: lookOf((id) => fc.record({ volumeId: fc.constant(id), state, sizeGiB: fc.constant(60), tags: anyTags })),
  interfaces: lookOf((id) => fc.record({ networkInterfaceId: fc.constant(id), state, tags: anyTags })),
  versions: lookOf((id) =>
    fc.record({
      version: fc.constant(id),
      description: fc.constantFrom(`toji launch t${id}`, "base", ""),
      madeAt: anyTime,
      isDefault: fc.boolean(),
    }),
  ),
  identities: lookOf((id) => fc.record({ key: fc.constant(`identities/b-01/t${id}.pem`), writtenAt: anyTime })),
});
const idsOf = (kind: OrphanKind) => (kind === "identity" ? ids.map((id) => `identities/b-01/t${id}.pem`) : [...ids]);
const anyMarkersOf = (kind: OrphanKind) =>
  fc.subarray(idsOf(kind)).chain((some) => fc.tuple(...some.map((id) => fc.tuple(fc.constant(id), anyTime))));
const anyMarkers = fc
  .record(Object.fromEntries(ORPHAN_KINDS.map((kind) => [kind, anyMarkersOf(kind).map(Object.fromEntries)])))
  .map((markers): Markers => ({ ...NO_MARKERS, ...markers }));
const anySweep = fc.record({ found: anyFound, markers: anyMarkers });

/** What may be removed at all, said once more and in another way: ids by kind, or null where the look is incomplete. */
function removable({
  instances,
  volumes,
  interfaces,
  versions,
  identities,
}: Found): Record<OrphanKind, string[] | null> {
  const free = (each: { state: string; tags: Readonly<Record<string, string>> }) =>
    each.state === "available" && !(TAG.pin in each.tags);
  const live = instances.seen ? instances.items.filter((each) => each.live) : [];
  const held = (token: string) =>
    live.some(({ launch }) => launch === token) ||
    (versions.seen &&
      versions.items.some(
        (each) =>
          each.description === `toji launch ${token}` &&
          live.some((one) => one.templateVersions.includes(each.version)),
      ));
  const ours = (each: { description: string; isDefault: boolean }) =>
    !each.isDefault && each.description.startsWith("toji launch ");
  return {
    volume: volumes.seen ? volumes.items.filter(free).map((each) => each.volumeId) : null,
    "network interface": interfaces.seen ? interfaces.items.filter(free).map((each) => each.networkInterfaceId) : null,
    "template version":
      versions.seen && instances.seen
        ? versions.items
            .filter((each) => ours(each) && !held(each.description.slice("toji launch ".length)))
            .map((each) => each.version)
        : null,
    identity:
      identities.seen && versions.seen && instances.seen
        ? identities.items.filter(({ key }) => !held(/(t\d)\.pem$/.exec(key)?.[1] ?? "")).map(({ key }) => key)
        : null,
  };
}

describe(`every sweep (TOJI_SEED=${SEED})`, () => {
  it("removes only what is nobody's, was marked by an earlier sweep, and for longer than the bound", () => {
    holds(anySweep, ({ found, markers }) => {
      const allowed = removable(found);
      for (const { kind, id, since, what } of judgeOrphans(found, markers, RULES, NOW).remove) {
        expect(allowed[kind]).toContain(id);
        expect(markers[kind][id]).toBe(since);
        expect(NOW - since).toBeGreaterThan(RULES[kind]);
        expect(what).toContain(" for ");
      }
    });
  });

  it("marks exactly what is nobody's, never in the future, and keeps the markers of what it could not see", () => {
    holds(anySweep, ({ found, markers }) => {
      const allowed = removable(found);
      const verdict = judgeOrphans(found, markers, RULES, NOW);
      for (const kind of ORPHAN_KINDS) {
        const all = allowed[kind];
        if (all === null) expect(verdict.markers[kind]).toEqual(markers[kind]);
        else expect(Object.keys(verdict.markers[kind]).sort()).toEqual(all.sort());
        if (all !== null)
          for (const since of Object.values(verdict.markers[kind])) expect(since).toBeLessThanOrEqual(NOW);
      }
    });
  });

  it("says one thing about each of them: removed, or why not", () => {
    holds(anySweep, ({ found, markers }) => {
      const allowed = removable(found);
      const { remove, sentences } = judgeOrphans(found, markers, RULES, NOW);
      const unseen = ORPHAN_KINDS.filter((kind) => allowed[kind] === null);
      const count = ORPHAN_KINDS.reduce((sum, kind) => sum + (allowed[kind]?.length ?? 0), 0);
      const told = sentences.filter((each) => !each.includes(TAG.pin));
      expect(remove.length + told.length).toBe(count + unseen.length);
      for (const kind of unseen) expect(sentences).toContain(`no ${kind} is removed: a list failed`);
    });
  });

  it("in a row, with a clock that jumps, removes nothing that was used at the sweep before", () => {
    const anyRow = fc.array(fc.record({ found: anyFound, at: anyTime }), { minLength: 2, maxLength: 6 });
    holds(anyRow, (row) => {
      let markers = NO_MARKERS;
      // Since when each kind of thing has been nobody's, sweep by sweep; an incomplete look proves nothing either way.
      const unusedIn = new Map<string, number>();
      for (const { found, at } of row) {
        const allowed = removable(found);
        for (const kind of ORPHAN_KINDS) {
          const now = allowed[kind];
          if (now === null) continue;
          for (const id of idsOf(kind)) {
            const key = `${kind} ${id}`;
            unusedIn.set(key, now.includes(id) ? (unusedIn.get(key) ?? 0) + 1 : 0);
          }
        }
        const verdict = judgeOrphans(found, markers, RULES, at);
        for (const { kind, id } of verdict.remove) expect(unusedIn.get(`${kind} ${id}`)).toBeGreaterThanOrEqual(2);
        markers = verdict.markers;
      }
    });
  });
});
