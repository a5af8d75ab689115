// The EBS model: which blocks a snapshot has, and which differ between two of one volume.

import { EBSServiceException, ListChangedBlocksCommand, ListSnapshotBlocksCommand } from "@aws-sdk/client-ebs";
import { describe, expect, it } from "vitest";
import { HOME, openBackupWorld } from "./backup-world.ts";

const errorName = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof EBSServiceException ? error.name : String(error)),
  );

function openEbsWorld(builds = 5) {
  const world = openBackupWorld({}, { builds });
  const client = world.clients.ebs({ region: HOME });
  const changed = async (FirstSnapshotId: string | undefined, SecondSnapshotId: string) =>
    (await client.send(new ListChangedBlocksCommand({ FirstSnapshotId, SecondSnapshotId }))).ChangedBlocks ?? [];
  return { ...world, client, changed };
}

describe("ListChangedBlocks", () => {
  it("lists what was written between two snapshots of a volume, and nothing else", async () => {
    const { takeComplete, hub, changed } = openEbsWorld();
    const [boot = "", tree = "", database = ""] = await takeComplete();
    hub.importBuild(4);
    hub.corruptFile(hub.files()[0] ?? "");
    const [bootAfter = "", treeAfter = "", databaseAfter = ""] = await takeComplete();
    expect(await changed(boot, bootAfter)).toEqual([]);
    expect(await changed(tree, treeAfter)).toHaveLength(5);
    expect(await changed(database, databaseAfter)).toHaveLength(2);
    expect(await changed(undefined, tree)).toHaveLength(16);
    hub.loseFile(hub.files()[1] ?? "");
    const [, treeLater = ""] = await takeComplete();
    expect(await changed(treeAfter, treeLater)).toEqual([{ BlockIndex: 2, FirstBlockToken: expect.any(String) }]);
  });

  it("compares no snapshots of two volumes, none at work, none unknown", async () => {
    const { take, takeComplete, changed, run } = openEbsWorld();
    const [, tree = "", database = ""] = await takeComplete();
    expect(await errorName(changed(tree, database))).toBe("ValidationException");
    expect(await errorName(changed(tree, "snap-0ff"))).toBe("ResourceNotFoundException");
    const [, young = ""] = await take();
    await run(20);
    expect(await errorName(changed(tree, young))).toBe("ValidationException");
  });
});

describe("pages", () => {
  it("go on where the one before ended", async () => {
    const { takeComplete, client } = openEbsWorld(100);
    const [, SnapshotId = ""] = await takeComplete();
    const seen: (number | undefined)[] = [];
    let NextToken: string | undefined;
    let pages = 0;
    do {
      const page = await client.send(new ListSnapshotBlocksCommand({ SnapshotId, MaxResults: 100, NextToken }));
      expect(page).toMatchObject({ BlockSize: 524_288, VolumeSize: 500 });
      seen.push(...(page.Blocks ?? []).map(({ BlockIndex }) => BlockIndex));
      NextToken = page.NextToken;
      pages++;
    } while (NextToken !== undefined);
    expect(seen).toEqual(Array.from({ length: 301 }, (_, index) => index));
    expect(pages).toBe(4);
    const one = client.send(new ListSnapshotBlocksCommand({ SnapshotId, MaxResults: 5 }));
    expect(await errorName(one)).toBe("ValidationException");
  });

  it("can be throttled", async () => {
    const { takeComplete, ebs, changed } = openEbsWorld();
    const [, tree = ""] = await takeComplete();
    ebs.failNext("ListChangedBlocks", "RequestThrottledException");
    expect(await errorName(changed(undefined, tree))).toBe("RequestThrottledException");
    expect(await errorName(changed(undefined, tree))).toBe("no error");
    expect(ebs.callCounts()).toEqual({ ListChangedBlocks: 2 });
  });
});
