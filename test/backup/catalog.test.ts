// The catalog: sets as manifests and tags both tell them, and a sentence for each thing they tell differently.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildCatalog, type CatalogSources } from "../../shared/backup/catalog.ts";
import { planRetention } from "../../shared/backup/retention.ts";
import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import type { CopyRecord, Manifest, Member } from "../../shared/backup/types.ts";
import { DAY, FAR, HOME, HOUR, NOW, rulesOf } from "./retention-sets.ts";

const STARTED = NOW - 10 * DAY;

function member(set: string, number: number, more: Partial<Member> = {}): Member {
  const tags = { [BACKUP_TAG.site]: "toji", [BACKUP_TAG.set]: set, [BACKUP_TAG.members]: "2" };
  const rest = { sizeGiB: 100, holds: "/mnt/koji", progress: "100%", encrypted: true, startedAt: STARTED + 60 };
  const snapshot = `snap-${set}-${number}`;
  return { snapshot, volume: `vol-${number}`, region: HOME, state: "completed", tags, ...rest, ...more };
}

const tagged = (each: Member, tags: Readonly<Record<string, string>>) => ({ ...each, tags: { ...each.tags, ...tags } });

const pair = (set: string) => [member(set, 1), member(set, 2)] as const;

function copyOf(source: Member, more: Partial<Member> = {}): Member {
  const copy = { ...source, snapshot: `${source.snapshot}-far`, region: FAR, ...more };
  return tagged(copy, { [BACKUP_TAG.copyOf]: source.snapshot });
}

const recordOf = (copies: readonly Member[], more: Partial<CopyRecord> = {}): CopyRecord => ({
  region: FAR,
  account: null,
  state: "complete",
  why: null,
  members: copies.map(({ snapshot, tags }) => ({ snapshot, copyOf: tags[BACKUP_TAG.copyOf] ?? "" })),
  ...more,
});

function manifest(id: string, more: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    id,
    site: "toji",
    region: HOME,
    request: { kind: "scheduled", by: "nightly", reason: "" },
    startedAt: STARTED,
    instant: STARTED + 60,
    grade: "application",
    state: "verified",
    notes: [],
    members: pair(id),
    hub: {
      instanceId: "i-1",
      instanceType: "m7a.xlarge",
      imageId: "ami-1",
      zone: "eu-west-1a",
      subnetId: "subnet-1",
      securityGroups: [],
      privateIp: null,
      publicIp: null,
      allocationId: null,
      instanceProfile: null,
      keyName: null,
      terminationProtected: true,
      volumes: [],
    },
    survey: null,
    freeze: { frozenAt: null, thawedAt: null, milliseconds: null, thaw: "none", checkpoint: false, quiet: true },
    changedBytes: null,
    dollarsPerMonth: null,
    copies: [],
    drills: [],
    expiring: null,
    expiredAt: null,
    ...more,
  };
}

const build = (manifests: readonly Manifest[], found: readonly Member[], more: Partial<CatalogSources> = {}) => {
  const byRegion = Map.groupBy(found, ({ region }) => region);
  const snapshots = { [HOME]: [], [FAR]: [], ...Object.fromEntries(byRegion) };
  const none: ReadonlySet<string> = new Set();
  return buildCatalog({ manifests, snapshots, lockedIds: none, amiSnapshots: none, now: NOW, ...more });
};

const quiet = { disagreements: [], notes: [] };

describe("a catalog that agrees", () => {
  it("has one entry a set, newest first, with members and copies as AWS shows them", () => {
    const copies = pair("b").map((each) => copyOf(each));
    const older = manifest("a", { instant: STARTED - DAY });
    const { entries, ...rest } = build(
      [older, manifest("b", { copies: [recordOf(copies)] })],
      [...pair("a"), ...pair("b"), ...copies],
    );
    expect(rest).toEqual(quiet);
    expect(entries.map(({ id, instant }) => ({ id, instant }))).toEqual([
      { id: "b", instant: STARTED + 60 },
      { id: "a", instant: STARTED - DAY },
    ]);
    const plain = { state: "completed", locked: false, inUse: false };
    expect(entries[0]?.members).toEqual([
      { snapshot: "snap-b-1", region: HOME, ...plain },
      { snapshot: "snap-b-2", region: HOME, ...plain },
      { snapshot: "snap-b-1-far", region: FAR, ...plain },
      { snapshot: "snap-b-2-far", region: FAR, ...plain },
    ]);
  });

  it("marks members that are locked, that a drill reads, and that an image is made of", () => {
    const [first, second] = pair("a");
    const third = member("a", 3);
    const found = [first, tagged(second, { [BACKUP_TAG.inUse]: "drill-1" }), third].map((each) =>
      tagged(each, { [BACKUP_TAG.members]: "3" }),
    );
    const { entries, disagreements } = build([manifest("a", { members: found })], found, {
      lockedIds: new Set([first.snapshot]),
      amiSnapshots: new Set([third.snapshot]),
    });
    expect(disagreements).toEqual([]);
    expect(entries[0]?.members.map(({ locked, inUse }) => [locked, inUse])).toEqual([
      [true, false],
      [false, true],
      [false, true],
    ]);
  });

  it("shows a failed set that has no snapshot, so that retention sees the failure", () => {
    const failed = manifest("a", { state: "failed", grade: "torn", instant: null, members: [] });
    const { entries, disagreements } = build([failed], []);
    expect(disagreements).toEqual([]);
    expect(entries).toEqual([{ id: "a", instant: STARTED, grade: "torn", state: "failed", members: [] }]);
  });

  it("leaves out sets that are gone, and sets whose deletion was decided, half gone or not", () => {
    const gone = manifest("a", { expiring: { at: NOW, reason: "old" }, expiredAt: NOW });
    const going = manifest("b", { expiring: { at: NOW, reason: "old" } });
    expect(build([gone, going], [pair("b")[1]])).toEqual({
      entries: [],
      disagreements: [],
      notes: ["set b: is being deleted, 1 of its snapshots are left"],
    });
  });

  it("lets a set be in the making: before its manifest, before its members are named, before its copies are recorded", () => {
    const young = { startedAt: NOW - HOUR, instant: null, state: "pending", grade: "torn", members: [] } as const;
    const found = pair("a").map((each) => ({ ...each, state: "pending" as const, startedAt: NOW - HOUR }));
    const before = build([], found);
    expect(before.disagreements).toEqual([]);
    expect(before.entries).toMatchObject([{ id: "a", state: "pending", instant: NOW - HOUR }]);
    const named = build([manifest("a", young)], found);
    expect(named.disagreements).toEqual([]);
    expect(named.entries).toMatchObject([{ id: "a", state: "pending", members: [{}, {}] }]);
    const sealed = manifest("a", { ...young, state: "unverified", grade: "application", members: pair("a") });
    const copying = build([sealed], [...pair("a"), copyOf(pair("a")[0], { state: "pending" })]);
    expect(copying.disagreements).toEqual([]);
    expect(copying.notes).toEqual(["set a: copies under way: snap-a-1-far"]);
    expect(copying.entries[0]?.members).toHaveLength(3);
  });

  it("counts a set that was never finished as failed", () => {
    const { entries, notes, disagreements } = build(
      [manifest("a", { state: "pending", grade: "torn", members: [] })],
      [...pair("a")],
    );
    expect(disagreements).toEqual([]);
    expect(notes).toContain("set a: was never finished, it counts as failed");
    expect(entries).toMatchObject([{ state: "failed", members: [{}, {}] }]);
  });

  it("says of a failed copy that it failed, and leaves what it left out of the set", () => {
    const left = copyOf(pair("a")[0], { state: "error" });
    const failed = recordOf([left], { state: "failed", why: "the key is disabled" });
    const { entries, disagreements, notes } = build([manifest("a", { copies: [failed] })], [...pair("a"), left]);
    expect(disagreements).toEqual([]);
    expect(notes).toEqual([
      `set a: its copy to ${FAR} failed: the key is disabled`,
      "set a: snap-a-1-far are left of a failed copy",
    ]);
    expect(entries[0]?.members).toHaveLength(2);
  });
});

describe("a catalog that does not agree says where", () => {
  const [first, second] = pair("a");
  const copies = pair("a").map((each) => copyOf(each));
  it.each<[string, readonly Manifest[], readonly Member[], RegExp]>([
    [
      "a member is missing",
      [manifest("a")],
      [tagged(first, { [BACKUP_TAG.members]: "1" })],
      /^set a: its snapshot snap-a-2 in eu-west-1 is missing$/,
    ],
    [
      "all members are missing",
      [manifest("a", { members: [first] })],
      [],
      /^set a: its snapshot snap-a-1 in eu-west-1 is missing$/,
    ],
    [
      "a member broke",
      [manifest("a")],
      [first, { ...second, state: "error" }],
      /^set a: its snapshot snap-a-2 in eu-west-1 is error, and its manifest says completed$/,
    ],
    [
      "a copy is missing",
      [manifest("a", { copies: [recordOf(copies)] })],
      [first, second, ...copies.slice(1)],
      /^set a: its snapshot snap-a-1-far in eu-central-1 is missing$/,
    ],
    [
      "a member is in no manifest",
      [manifest("a")],
      [first, second, tagged(member("a", 3), { [BACKUP_TAG.copyOf]: "snap-x" })],
      /^set a: snap-a-3 are tagged as its members, and its manifest does not name them$/,
    ],
    [
      "a set is only in tags",
      [],
      [tagged(first, { [BACKUP_TAG.state]: "verified" })],
      /^set a: is only in tags, of snap-a-1 in eu-west-1: it has no manifest$/,
    ],
    ["old snapshots never got a manifest", [], [first], /^set a: is only in tags/],
    [
      "the tags tell another state",
      [manifest("a")],
      [first, tagged(second, { [BACKUP_TAG.state]: "unverified" })],
      /^set a: the tag toji:set-state of snap-a-2 says unverified, its manifest verified$/,
    ],
    [
      "the tags tell another grade",
      [manifest("a")],
      [first, tagged(second, { [BACKUP_TAG.grade]: "crash" })],
      /^set a: the tag toji:set-grade of snap-a-2 says crash, its manifest application$/,
    ],
    [
      "the tags promise another number",
      [manifest("a")],
      [first, tagged(second, { [BACKUP_TAG.members]: "3" })],
      /^set a: has 2 snapshots in eu-west-1, and its tags promise 3$/,
    ],
    [
      "a snapshot of the site names no set",
      [],
      [{ ...first, tags: { [BACKUP_TAG.site]: "toji" } }],
      /^snap-a-1 in eu-west-1 carries toji:backup and no toji:set$/,
    ],
    [
      "a set that is gone is there",
      [manifest("a", { expiredAt: NOW })],
      [first],
      /^set a: is recorded as deleted, yet snap-a-1 are there$/,
    ],
  ])("when %s", (_, manifests, found, sentence) => {
    const { disagreements } = build(manifests, found);
    expect(disagreements).toHaveLength(1);
    expect(disagreements[0]).toMatch(sentence);
  });

  it("when a member carries another set's tag", () => {
    const { disagreements } = build([manifest("a")], [first, tagged(second, { [BACKUP_TAG.set]: "b" })]);
    expect(disagreements).toContain("set a: its snapshot snap-a-2 in eu-west-1 is tagged as of set b");
  });

  it("when a region with members was not looked at", () => {
    const elsewhere = recordOf(copies, { region: "us-east-1" });
    const { disagreements, entries } = build([manifest("a", { copies: [elsewhere] })], [first, second]);
    expect(disagreements).toEqual(["set a: has members in us-east-1, which was not looked at"]);
    expect(entries[0]?.members).toHaveLength(2);
  });
});

describe("a set that is only in tags", () => {
  it("is what all its snapshots say alike, and degraded where they do not", () => {
    const told = {
      [BACKUP_TAG.state]: "verified",
      [BACKUP_TAG.grade]: "application",
      [BACKUP_TAG.instant]: new Date((STARTED + 30) * 1000).toISOString(),
    };
    const alike = pair("a").map((each) => tagged(each, told));
    expect(build([], alike).entries).toMatchObject([
      { id: "a", state: "verified", grade: "application", instant: STARTED + 30, members: [{}, {}] },
    ]);
    const [first, second] = alike;
    const odds = [first, second].filter((each) => each !== undefined);
    const unlike = odds.map((each, index) => tagged(each, { [BACKUP_TAG.state]: index === 0 ? "verified" : "failed" }));
    expect(build([], unlike).entries).toMatchObject([{ state: "degraded" }]);
  });
});

describe("the invariants of retention, from manifests on", () => {
  const states = fc.constantFrom<Manifest["state"]>("verified", "unverified", "degraded", "failed", "pending");
  const anyManifests = fc.array(
    fc.record({
      age: fc.integer({ min: 1, max: 300 * DAY }),
      took: fc.integer({ min: 0, max: 6 * HOUR }),
      state: states,
    }),
    { maxLength: 20 },
  );
  const made = (draws: readonly { age: number; took: number; state: Manifest["state"] }[], slower: number) =>
    draws.map(({ age, took, state }, index) =>
      manifest(`m${index}`, { instant: NOW - age, startedAt: NOW - age - took * slower, state }),
    );
  const foundOf = (manifests: readonly Manifest[]) => manifests.flatMap(({ id }) => pair(id));

  it("9: every set that is not gone ends in exactly one state", () => {
    fc.assert(
      fc.property(anyManifests, fc.func(fc.boolean()), (draws, isGone) => {
        const manifests = made(draws, 1).map((each) => (isGone(each.id) ? { ...each, expiredAt: NOW } : each));
        const standing = manifests.filter(({ expiredAt }) => expiredAt === null);
        const { entries, disagreements } = build(manifests, foundOf(standing));
        expect(disagreements).toEqual([]);
        expect(entries.map(({ id }) => id).toSorted()).toEqual(standing.map(({ id }) => id).toSorted());
        for (const { state } of entries)
          expect(["pending", "unverified", "verified", "degraded", "failed"]).toContain(state);
      }),
    );
  });

  it("10: a set is as old as its freeze, however long before the work on it began", () => {
    fc.assert(
      fc.property(anyManifests, (draws) => {
        const sealed = draws.map((each) => ({
          ...each,
          state: each.state === "pending" ? ("unverified" as const) : each.state,
        }));
        const [soon, late] = [1, 7].map((slower) => {
          const manifests = made(sealed, slower);
          return build(manifests, foundOf(manifests)).entries;
        });
        expect(late).toEqual(soon);
        for (const { id, instant } of soon ?? []) expect(instant).toBe(NOW - (sealed[Number(id.slice(1))]?.age ?? 0));
        const rules = rulesOf({ last: 2, daily: 3 });
        expect(planRetention(late ?? [], rules, NOW)).toEqual(planRetention(soon ?? [], rules, NOW));
      }),
    );
  });
});
