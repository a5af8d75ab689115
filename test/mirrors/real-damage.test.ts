// What is wrong with a repository's own files: every damage that a mirror's disk or an attacker makes, and its verdict.

import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runToji } from "../cli/run-toji.ts";
import {
  bad,
  check,
  editRepomd,
  FINE,
  flip,
  found,
  openRealScene,
  REVISION,
  type RealScene,
  recordIn,
  replaceRecord,
  repomdIn,
  repomdSum,
} from "./real-scene.ts";
import { noCreaterepo } from "./rpms.ts";

type Damage = readonly [name: string, expected: ReturnType<typeof bad>, damage: (folder: string) => void];

const BOMB = `<?xml version="1.0"?>
<!DOCTYPE repomd [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>&c;</revision></repomd>`;
const PAGE = "<!doctype html>\n<html><head><title>Welcome</title></head><body><p>Sign in<br></p></body></html>\n";

const openOf = (folder: string, type: string) => gunzipSync(readFileSync(recordIn(folder, type)));
const kettle = (folder: string) => join(folder, "Packages/k/kettle-1.1-1.noarch.rpm");

const RECORDS: readonly Damage[] = [
  [
    "a record cut off",
    bad("partial", "records", /filelists/),
    (folder) => truncateSync(recordIn(folder, "filelists"), 90),
  ],
  [
    "a record with one other byte",
    bad("tampered", "records", /other: its sha256/),
    (folder) => flip(recordIn(folder, "other")),
  ],
  [
    "primary with one other byte",
    bad("tampered", "records", /primary: its sha256/),
    (folder) => flip(recordIn(folder, "primary")),
  ],
  [
    "a record that is not there",
    bad("partial", "records", /filelists: HTTP 404/),
    (folder) => rmSync(recordIn(folder, "filelists")),
  ],
  [
    "a record whose content is not what repomd.xml says that is in it",
    bad("tampered", "records", /primary: .*sha256/),
    (folder) => {
      const open = openOf(folder, "primary");
      const other = Buffer.from(open.toString().replaceAll("Apache-2.0", "Apache-1.0"));
      expect(other).toHaveLength(open.length);
      expect(other).not.toEqual(open);
      replaceRecord(folder, "primary", { bytes: gzipSync(other) });
    },
  ],
  [
    "a gzip bomb",
    bad("tampered", "records", /other: more than \d+ bytes come out/),
    (folder) => replaceRecord(folder, "other", { bytes: gzipSync(Buffer.alloc(2 ** 26), { level: 1 }) }),
  ],
  [
    "a record that promises 10 GB",
    bad("tampered", "records", /primary: 10000000000 bytes/),
    (folder) => editRepomd(folder, (text) => text.replace(/<open-size>\d+/, "<open-size>10000000000")),
  ],
  [
    "an entity in primary",
    bad("tampered", "records", /primary: /),
    (folder) => {
      const text = openOf(folder, "primary").toString();
      const open = Buffer.from(text.replace("<metadata", '<!DOCTYPE metadata [<!ENTITY a "b">]>\n<metadata'));
      replaceRecord(folder, "primary", { bytes: gzipSync(open), open });
    },
  ],
  [
    "a primary that promises more packages than it lists",
    bad("partial", "packages", /lists 4 packages and promises 5/),
    (folder) => {
      const open = Buffer.from(openOf(folder, "primary").toString().replace('packages="4"', 'packages="5"'));
      replaceRecord(folder, "primary", { bytes: gzipSync(open), open });
    },
  ],
];

const DOCUMENTS: readonly Damage[] = [
  ["an entity bomb", bad("tampered", "schema"), (folder) => writeFileSync(repomdIn(folder), BOMB)],
  [
    "a DOCTYPE",
    bad("tampered", "schema", /document type/),
    (folder) => editRepomd(folder, (text) => text.replace("<repomd", "<!DOCTYPE repomd>\n<repomd")),
  ],
  ["the page of a portal", bad("tampered", "schema"), (folder) => writeFileSync(repomdIn(folder), PAGE)],
  ["nothing", bad("tampered", "schema"), (folder) => writeFileSync(repomdIn(folder), "")],
  ["half of it", bad("tampered", "schema"), (folder) => truncateSync(repomdIn(folder), 700)],
  [
    "a way out of the repository",
    bad("tampered", "schema"),
    (folder) => editRepomd(folder, (text) => text.replace('href="repodata/', 'href="../../../')),
  ],
  ["more than 2 MiB", bad("tampered", "fetch"), (folder) => writeFileSync(repomdIn(folder), Buffer.alloc(3 * 2 ** 20))],
  ["no repomd.xml", bad("moved", "fetch", /HTTP 404/), (folder) => rmSync(repomdIn(folder))],
];

const RPMS: readonly Damage[] = [
  ["gone", bad("partial", "rpms", /kettle-1.1-1.noarch.rpm: HTTP 404/), (folder) => rmSync(kettle(folder))],
  ["cut off", bad("partial", "rpms", /kettle-1.1-1.noarch.rpm/), (folder) => truncateSync(kettle(folder), 1000)],
];

describe.skipIf(noCreaterepo !== "")(`a repository of createrepo_c that was damaged ${noCreaterepo}`, () => {
  let scene: RealScene;
  let count = 0;
  beforeAll(async () => {
    scene = await openRealScene();
  });
  afterAll(() => scene.close());

  /** The verdict on a copy of its own. */
  async function verdictAfter(damage: (folder: string) => void) {
    const name = `damaged${count++}`;
    damage(scene.publish(name));
    return found(await check(scene.urlOf(name)));
  }

  it("is ok while nothing is done to it, and told in the promised members", async () => {
    const folder = scene.publish("el9");
    const { looks, ...checked } = await check(scene.urlOf("el9"), "--arch", "aarch64");
    expect(found({ looks, ...checked })).toEqual(FINE);
    expect(looks).toMatchObject([
      {
        ...{ url: scene.urlOf("el9"), arch: "aarch64", verdict: "ok" },
        metadata: { revision: String(REVISION), timestamp: REVISION, repomdSha256: repomdSum(folder) },
      },
    ]);
    expect(looks[0]?.checks.map(({ name }) => name)).toEqual([
      ...["resolve", "fetch", "redirects", "schema", "stable", "authenticity", "monotonic"],
      ...["records", "packages", "nevra", "rpms"],
    ]);
  });

  it.each(RECORDS)("records: %s", async (_, expected, damage) => {
    expect(await verdictAfter(damage)).toEqual(expected);
  });

  it.each(DOCUMENTS)("in place of repomd.xml: %s", async (_, expected, damage) => {
    expect(await verdictAfter(damage)).toEqual(expected);
  });

  it("primary of another repository does not pass for this one's, for all that it is whole", async () => {
    const other = scene.repository("other", REVISION, (folder) => rmSync(kettle(folder)));
    const swap = (folder: string) =>
      writeFileSync(recordIn(folder, "primary"), readFileSync(recordIn(other, "primary")));
    // One that is shorter or longer may be a sync under way.
    expect(await verdictAfter(swap)).toEqual(bad("partial", "records", /primary: \d+ of the listed \d+ bytes came/));
    const sameSize = (folder: string) => {
      const file = recordIn(folder, "primary");
      const bytes = Buffer.alloc(readFileSync(file).length);
      readFileSync(recordIn(other, "primary")).copy(bytes);
      writeFileSync(file, bytes);
    };
    expect(await verdictAfter(sameSize)).toEqual(bad("tampered", "records", /primary: its sha256/));
  });

  it.each(RPMS)("an rpm: %s", async (_, expected, damage) => {
    expect(await verdictAfter(damage)).toEqual(expected);
  });

  it("an rpm with one other byte, its size as it was, is found where that rpm is read", async () => {
    const verdicts = await verdictAfter((folder) => {
      for (const name of ["k/kettle-1.0-1", "k/kettle-1.1-1", "l/lamp-2.0-3", "l/ladle-3-1"])
        flip(join(folder, `Packages/${name}.noarch.rpm`));
    });
    expect(verdicts).toEqual(bad("tampered", "rpms", /1 of 5 in the sample/));
  });

  it("of all these the lesser depths see what they read", async () => {
    const folder = scene.publish("shallow");
    flip(recordIn(folder, "filelists"));
    rmSync(kettle(folder));
    const at = async (depth: string) => found(await check(scene.urlOf("shallow"), "--depth", depth));
    expect(await at("head")).toEqual(FINE);
    expect(await at("metadata")).toEqual(bad("tampered", "records"));
    expect(await at("full")).toEqual(bad("tampered", ["records", "rpms"]));
    truncateSync(recordIn(folder, "filelists"), 90);
    expect(await at("head")).toEqual(bad("partial", "records"));
  });

  it("is partial while it changes under the look", async () => {
    const [before, after] = [scene.whole, scene.repository("synced", REVISION + 60)].map((folder) =>
      readFileSync(repomdIn(folder)),
    );
    scene.publish("syncing");
    let asked = 0;
    scene.server.rules.set("/syncing/repodata/repomd.xml", (_, response) => {
      asked += 1;
      response.end(asked === 1 ? before : after);
    });
    expect(found(await check(scene.urlOf("syncing")))).toEqual(bad("partial", "stable", /being synced/));
    expect(asked).toBe(2);
    expect(found(await check(scene.urlOf("syncing")))).toMatchObject({ verdict: "ok" });
  });

  it("is told with the same exit code and in words by the command itself", async () => {
    scene.publish("fine");
    rmSync(recordIn(scene.publish("unfit"), "other"));
    const { code, stdout, stderr } = await runToji(["mirrors", "check", scene.urlOf("fine"), scene.urlOf("unfit")]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toMatch(
      /^ok: http:[\s\S]*4 packages[\s\S]*\npartial: http:[\s\S]*NOT OK {2}records .*other: HTTP 404/,
    );
  });
});
