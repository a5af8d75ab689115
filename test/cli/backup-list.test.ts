// `toji backup list` and `toji backup show`: the numbers people watch, and one set in words.

import { describe, expect, it } from "vitest";
import { BUCKET, catalog, catalogSet, manifest, openBackupWorld, SET, START } from "./backup-world.ts";

const HOUR = 3600;

describe("toji backup list", () => {
  it("shows RPO, RTO, states, cost and the freeze window, and the sets below", async () => {
    const world = await openBackupWorld({
      catalog: catalog({
        sets: [
          catalogSet({
            id: "bs-new",
            state: "unverified",
            instant: START - HOUR,
            rtoSeconds: null,
            freezeMilliseconds: 840,
          }),
          catalogSet({
            regions: { "eu-west-1": { completed: 3, expected: 3 }, "eu-central-1": { completed: 2, expected: 3 } },
          }),
          catalogSet({
            id: "bs-bad",
            state: "failed",
            grade: "torn",
            instant: null,
            dollarsPerMonth: null,
            changedBytes: null,
            freezeMilliseconds: null,
            notes: ["one member\nfailed"],
          }),
        ],
      }),
    });
    const { code, stdout } = await world.toji("list");
    const [numbers = "", table = ""] = stdout.split("\n\n");
    expect(numbers.split("\n")).toEqual([
      "backup sets of toji in eu-west-1, as of 2026-11-18 12:43:20 UTC",
      `newest verified set (RPO): 10 h old, ${SET}`,
      "restore time (RTO): 25 min, in the newest drill that measured it",
      "sets: 1 unverified, 1 verified, 1 failed",
      "cost: $0.50 a month, 1 set not measured",
      "freeze window: 840 ms at the newest set, 1.30 s at most",
    ]);
    expect(table.split("\n").map((row) => row.split(/ {2,}/))).toEqual([
      ["set", "instant (UTC)", "grade", "state", "snapshots", "freeze", "changed", "$/month", "notes"],
      ["bs-new", "2026-11-18 11:53", "application", "unverified", "3", "840 ms", "5.0 GiB", "$0.25"],
      [
        SET,
        "2026-11-18 02:53",
        "application",
        "verified",
        "3 in eu-west-1, 2 of 3 in eu-central-1",
        "1.30 s",
        "5.0 GiB",
        "$0.25",
      ],
      ["bs-bad", "-", "torn", "failed", "3", "-", "-", "-", "one member failed"],
    ]);
    expect(code).toBe(0);
  });

  it.each([
    [{ newestVerified: null }, /WARNING: no set is verified/],
    [
      { newestVerified: { id: SET, instant: START - 200 * HOUR } },
      /WARNING: the newest verified set is 8 d 8 h old, more than 192 h/,
    ],
    [{ at: START - 4 * HOUR }, /WARNING: nobody has looked at the sets for 4 h/],
    [
      { disagreements: ["snap-0x is in no manifest"] },
      /WARNING: 1 disagreement[\s\S]*disagreement: snap-0x is in no manifest/,
    ],
    [
      { protection: ["termination protection is off"] },
      /WARNING: the hub is not protected[\s\S]*unprotected: termination/,
    ],
  ])("is a problem: %j", async (change, sentence) => {
    const world = await openBackupWorld({ catalog: catalog(change) });
    const { code, stdout } = await world.toji("list");
    expect(stdout).toMatch(sentence);
    expect(code).toBe(1);
    expect(await world.json("list")).toMatchObject({ ok: false, problems: [expect.any(String)] });
  });

  it("tells of unknown snapshots, which are no problem by themselves", async () => {
    const world = await openBackupWorld({ catalog: catalog({ unknown: ["snap-0y, 3 d old"] }) });
    const { code, stdout } = await world.toji("list");
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("unknown snapshot: snap-0y") });
  });

  it("says what is missing when nobody has looked yet, or what lies there cannot be read", async () => {
    const empty = await openBackupWorld({ catalog: null });
    expect(await empty.toji("list")).toMatchObject({ code: 1, stderr: expect.stringContaining("every hour") });
    expect(await empty.bare("list")).toMatchObject({ code: 2, stderr: expect.stringContaining("TOJI_BUCKET") });
    const other = await openBackupWorld();
    other.s3.failNext("GetObject", "AccessDenied");
    expect(await other.toji("list")).toMatchObject({ code: 1, stderr: expect.stringContaining("AWS denies") });
  });

  it("finds its bucket in the environment", async () => {
    const world = await openBackupWorld({ env: { TOJI_BUCKET: BUCKET } });
    expect((await world.bare("list")).code).toBe(0);
  });
});

describe("toji backup show", () => {
  it("tells everything of a set", async () => {
    const world = await openBackupWorld({
      manifests: [
        manifest({
          request: { kind: "on-demand", by: "ann", reason: "before the\nupgrade" },
          notes: ["copied late"],
          copies: [{ region: "eu-central-1", account: null, state: "failed", why: "slow", members: [] }],
        }),
      ],
    });
    const { code, stdout } = await world.toji("show", SET);
    expect(code).toBe(0);
    for (const part of [
      `${SET}: VERIFIED`,
      "grade application: database at rest",
      "instant 2026-11-18 02:53:20 UTC, 10 h ago",
      "on-demand, by ann, begun 2026-11-18 01:53:20 UTC: before the upgrade",
      "note: copied late",
      "frozen for 1.30 s, thawed by the backup; after a checkpoint, no deleter ran",
      "changed since the set before: 5.0 GiB, $0.25 a month",
      "  snap-0tree  /mnt/koji",
      "copy in eu-central-1: failed, 0 snapshots: slow",
      "drill d1 of 2026-11-18 04:53:20 UTC: verified, restored in 25 min",
      "  rpms: 20000",
      "the hub was i-0hub (m7i.2xlarge, ami-0hub) in eu-west-1a, at 10.0.0.5, eipalloc-0a",
      "/dev/sdf vol-0tree: 100 GiB gp3, 3000 IOPS, 125 MiB/s, encrypted",
    ]) {
      expect(stdout).toContain(part);
    }
    expect((await world.json("show", SET)).manifest).toMatchObject({ id: SET, notes: ["copied late"] });
  });

  it("is a problem for a set that failed, and for one that is not there", async () => {
    const findings = [{ kind: "missing-file", detail: "packages/foo", count: 3 }];
    const drills = [{ drill: "d2", at: START, outcome: "failed" as const, findings, rtoSeconds: null, counts: {} }];
    const world = await openBackupWorld({ manifests: [manifest({ state: "failed", drills })] });
    const { code, stdout } = await world.toji("show", SET);
    expect({ code, stdout }).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("3 x missing-file: packages/foo"),
    });
    expect(await world.toji("show", "bs-none")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no backup set bs-none/),
    });
  });
});

describe("toji backup retention", () => {
  it("plans for what the bucket's catalog holds", async () => {
    const members = [
      { snapshot: "snap-1", state: "completed" as const, locked: false, inUse: false, region: "eu-west-1" },
    ];
    const entries = ["a", "b", "c"].map((name, index) => ({
      ...{
        id: `bs-${name}`,
        instant: START - (index + 1) * 24 * HOUR,
        grade: "application" as const,
        state: "verified" as const,
      },
      members: members.map((each) => ({ ...each, snapshot: `snap-${name}` })),
    }));
    const world = await openBackupWorld({ catalog: catalog({ entries }) });
    const plan = await world.json("retention");
    expect(plan.keep.map(({ id }: { id: string }) => id)).toEqual(["bs-a", "bs-b", "bs-c"]);
    expect(plan).toMatchObject({ expire: [], refused: null });
    expect(await world.bare("retention")).toMatchObject({ code: 2, stderr: expect.stringContaining("--bucket") });
  });
});
