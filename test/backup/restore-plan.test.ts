// What a restore makes of a set, and which sets it takes.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRestore, type RestorePlan, whyNotRestored } from "../../shared/backup/restore/plan.ts";
import { whyMisplaced } from "../../shared/backup/restore/volumes.ts";
import type { HubVolume } from "../../shared/backup/types.ts";
import { BOOT, DATABASE, HOME, MOUNTS, makeHub, makeManifest, makeMember, makeVolume, TREE } from "./restore-sets.ts";

function volumesOf(plan: RestorePlan) {
  if (plan.kind === "refused") throw new Error(`refused: ${plan.why}`);
  return plan.volumes;
}
const whyOf = (plan: RestorePlan) => (plan.kind === "refused" ? plan.why : null);

describe("a restore in place", () => {
  it("makes the volumes of the mounts like those that they replace, and no boot volume", () => {
    expect(volumesOf(planRestore(makeManifest(), makeHub(), "replace", MOUNTS))).toEqual([
      {
        snapshot: "snap-tree",
        holds: "/mnt/koji",
        device: "/dev/sdf",
        zone: "eu-west-1a",
        type: "gp3",
        iops: 6000,
        throughput: 500,
        sizeGiB: 1000,
        kmsKeyId: TREE.kmsKeyId,
        replaces: "vol-tree",
      },
      {
        snapshot: "snap-database",
        holds: "/var/lib/pgsql",
        device: "/dev/sdg",
        zone: "eu-west-1a",
        type: "io2",
        iops: 8000,
        // EC2 tells a throughput of an io2 volume, and takes none.
        throughput: null,
        sizeGiB: 100,
        kmsKeyId: DATABASE.kmsKeyId,
        replaces: "vol-database",
      },
    ]);
  });

  it("goes by the device names that the hub has now: after a restore its volumes are others, and larger", () => {
    const volumes = [BOOT, { ...TREE, volume: "vol-tree-2", sizeGiB: 2000 }, { ...DATABASE, volume: "vol-database-2" }];
    const plan = volumesOf(planRestore(makeManifest(), makeHub({ volumes }), "replace", MOUNTS));
    expect(plan.map(({ replaces, sizeGiB }) => [replaces, sizeGiB])).toEqual([
      ["vol-tree-2", 2000],
      ["vol-database-2", 100],
    ]);
  });

  it("takes one volume when tree and database share it", () => {
    const manifest = makeManifest({ members: [makeMember("vol-tree", "/mnt/koji")] });
    expect(volumesOf(planRestore(manifest, makeHub(), "replace", ["/mnt/koji"])).length).toBe(1);
  });

  it("is refused rather than guessed at", () => {
    const refused = (manifest = makeManifest(), hub: ReturnType<typeof makeHub> | null = makeHub()) =>
      whyOf(planRestore(manifest, hub, "replace", MOUNTS));
    expect(refused(makeManifest(), null)).toContain("no hub");
    expect(refused(makeManifest({ members: [makeMember("vol-tree", "/mnt/koji")] }))).toContain(
      "holds no volume of /var/lib/pgsql",
    );
    expect(refused(makeManifest(), makeHub({ volumes: [BOOT, TREE] }))).toContain("nothing is attached as /dev/sdg");
    expect(refused(makeManifest({ hub: makeHub({ volumes: [TREE] }) }))).toContain("no device name is known");
    const rootFirst = makeHub({ volumes: [{ ...TREE, isBoot: true }, DATABASE] });
    expect(refused(makeManifest(), rootFirst)).toContain("its boot volume");
    const sameDevice = makeHub({ volumes: [TREE, { ...DATABASE, device: TREE.device }] });
    expect(refused(makeManifest({ hub: sameDevice }))).toContain("its manifest is wrong");
  });

  it("never means the boot volume, nor one volume or one device twice, whatever the hub looks like", () => {
    const anyVolume: fc.Arbitrary<HubVolume> = fc
      .record({
        volume: fc.constantFrom("vol-tree", "vol-database", "vol-boot", "vol-x"),
        device: fc.constantFrom("/dev/sdf", "/dev/sdg", "/dev/xvda"),
        isBoot: fc.boolean(),
      })
      .map(makeVolume);
    const volumes = fc.uniqueArray(anyVolume, { selector: ({ volume }) => volume, maxLength: 4 });
    const now = fc.uniqueArray(anyVolume, { selector: ({ device }) => device, maxLength: 3 });
    fc.assert(
      fc.property(volumes, now, (before, after) => {
        const hub = makeHub({ volumes: after });
        const plan = planRestore(makeManifest({ hub: makeHub({ volumes: before }) }), hub, "replace", MOUNTS);
        if (plan.kind === "refused") return;
        expect(plan.volumes.map(({ holds }) => holds).toSorted()).toEqual(MOUNTS);
        expect(new Set(plan.volumes.map(({ device }) => device)).size).toBe(2);
        for (const { device, replaces } of plan.volumes) {
          expect(after).toContainEqual(expect.objectContaining({ device, volume: replaces, isBoot: false }));
        }
      }),
    );
  });

  it("is stopped when the hub's mounts lie elsewhere than the plan has them", () => {
    const plan = volumesOf(planRestore(makeManifest(), makeHub(), "replace", MOUNTS));
    expect(whyMisplaced(plan, makeManifest())).toBeNull();
    const survey = { hostname: "hub" };
    const moved = makeManifest({
      survey,
      members: [makeMember("vol-other", "/mnt/koji"), makeMember("vol-database", "/var/lib/pgsql")],
    });
    expect(whyMisplaced(plan, moved)).toContain("/mnt/koji is on vol-other, and vol-tree is attached as /dev/sdf");
    expect(whyMisplaced(plan, makeManifest({ survey, members: [] }))).toContain("on no volume that is known");
    // A broken hub's restore point has no survey, and so nothing to contradict the plan.
    expect(whyMisplaced(plan, { ...moved, survey: null })).toBeNull();
  });
});

describe("a restore to new volumes", () => {
  it("makes all of the set, where the hub is, or was when there is none any more", () => {
    const plan = volumesOf(planRestore(makeManifest(), makeHub({ zone: "eu-west-1c" }), "new-volumes", MOUNTS));
    expect(plan.map(({ holds, replaces, zone }) => [holds, replaces, zone])).toEqual([
      ["boot", null, "eu-west-1c"],
      ["/mnt/koji", null, "eu-west-1c"],
      ["/var/lib/pgsql", null, "eu-west-1c"],
    ]);
    expect(volumesOf(planRestore(makeManifest(), null, "new-volumes", MOUNTS))[0]?.zone).toBe("eu-west-1a");
  });
});

describe("a set", () => {
  it("is restored when a drill has proved it, or when somebody accepts that none has", () => {
    expect(whyNotRestored(makeManifest(), HOME, false)).toBeNull();
    expect(whyNotRestored(makeManifest({ state: "unverified" }), HOME, false)).toContain("no drill has proved");
    expect(whyNotRestored(makeManifest({ state: "unverified" }), HOME, true)).toBeNull();
  });

  it("is refused in every other state, in another region, and on its way out", () => {
    for (const state of ["pending", "degraded", "failed"] as const) {
      expect(whyNotRestored(makeManifest({ state }), HOME, true)).toContain(`is ${state}`);
    }
    expect(whyNotRestored(makeManifest({ region: "us-east-1" }), HOME, true)).toContain("is of us-east-1");
    expect(whyNotRestored(makeManifest({ expiring: { at: 1, reason: "old" } }), HOME, true)).toContain("being deleted");
    expect(whyNotRestored(makeManifest({ expiredAt: 1 }), HOME, true)).toContain("is gone");
    expect(whyNotRestored(makeManifest({ members: [] }), HOME, true)).toContain("has no snapshots");
  });
});
