// A real repository against what it was before (--last) and against upstream's own copy (--reference).

import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bad, check, DAY, detailOf, FINE, found, openRealScene, REVISION, type RealScene } from "./real-scene.ts";
import { makeRpm, noCreaterepo } from "./rpms.ts";

describe.skipIf(noCreaterepo !== "")(`a repository of createrepo_c over time ${noCreaterepo}`, () => {
  let scene: RealScene;
  let newer: string;
  let other: string;
  let rebuilt: string;
  let smaller: string;
  beforeAll(async () => {
    scene = await openRealScene();
    const removed = (name: string) => (folder: string) => rmSync(join(folder, `Packages/${name}.noarch.rpm`));
    newer = scene.repository("newer", REVISION + 3 * DAY);
    // One of four: 25 %, where 20 % are allowed.
    smaller = scene.repository("smaller", REVISION + 3 * DAY, removed("l/ladle-3-1"));
    other = scene.repository("other", REVISION, removed("l/ladle-3-1"));
    const again = makeRpm(join(scene.folder, "again"), {
      ...{ name: "lamp", version: "2.0", release: "3", payload: "w3.zstdio" },
      content: "something else",
    });
    rebuilt = scene.repository("rebuilt", REVISION + 3 * DAY, (folder) =>
      copyFileSync(again, join(folder, "Packages/l/lamp-2.0-3.noarch.rpm")),
    );
  });
  afterAll(() => scene.close());

  const at = (name: string, folder: string, ...more: readonly string[]) => {
    scene.publish(name, folder);
    return check(scene.urlOf(name), ...more);
  };

  describe("against the last look, as --json wrote it", () => {
    let sequence = 0;
    /** Two looks at one address, and what was there each time. */
    async function lookTwice(before: string, after: string, ...more: readonly string[]) {
      sequence += 1;
      const name = `mirror${sequence}`;
      const last = scene.write(`${name}.json`, (await at(name, before, ...more)).text);
      return await at(name, after, ...more, "--last", last);
    }

    it("is ok when it is the same, and when it went on", async () => {
      const same = await lookTwice(scene.whole, scene.whole);
      expect([found(same), detailOf(same, "monotonic")]).toEqual([FINE, "the same as was accepted"]);
      const forward = await lookTwice(scene.whole, newer);
      expect([found(forward), detailOf(forward, "monotonic")]).toEqual([FINE, "3 d newer than what was accepted"]);
      expect(detailOf(forward, "nevra")).toBe("each name has the content it had");
    });

    it("is rolled back when it is older", async () => {
      const expected = bad("rolled_back", "monotonic", /3 d older than what was accepted/);
      expect(found(await lookTwice(newer, scene.whole))).toEqual(expected);
      expect(found(await lookTwice(newer, scene.whole, "--depth", "head"))).toEqual(expected);
    });

    it("stays rolled back however often it is looked at", async () => {
      const [first, second] = ["first.json", "second.json"];
      const before = scene.write(first, (await at("stubborn", newer)).text);
      const back = await at("stubborn", scene.whole, "--last", before);
      const later = scene.write(second, back.text);
      expect(found(await at("stubborn", scene.whole, "--last", later))).toMatchObject({ verdict: "rolled_back" });
      expect(found(await at("stubborn", newer, "--last", later))).toEqual(FINE);
    });

    it("is tampered with when it is of the same time and other content", async () => {
      const checked = await lookTwice(other, scene.whole);
      expect(found(checked)).toEqual(bad("tampered", "monotonic", /as old as what was accepted and other content/));
    });

    it("is tampered with when an rpm has another content under the same name", async () => {
      const checked = await lookTwice(scene.whole, rebuilt);
      expect(found(checked)).toEqual(bad("tampered", "nevra", /changed since: lamp-.*2\.0-3/));
    });

    it("is partial when too many packages are gone", async () => {
      const checked = await lookTwice(scene.whole, smaller);
      expect(found(checked)).toEqual(bad("partial", "packages", /3 packages, 4 before: 25 % fewer, of 20 % allowed/));
    });

    it("takes the promised members alone, which know when and what, and not which packages", async () => {
      const { looks } = await at("bare", newer);
      const bare = looks.map(({ url, arch, verdict, checks, metadata }) => ({ url, arch, verdict, checks, metadata }));
      const last = scene.write("bare.json", JSON.stringify(bare));
      expect(found(await at("bare", newer, "--last", last))).toEqual(FINE);
      expect(found(await at("bare", scene.whole, "--last", last))).toEqual(bad("rolled_back", "monotonic"));
    });

    it("has a last state for its own address and arch only", async () => {
      const last = scene.write("own.json", (await at("own", newer)).text);
      expect(found(await at("own", scene.whole, "--last", last, "--arch", "aarch64"))).toEqual(FINE);
      expect(found(await at("another", scene.whole, "--last", last))).toEqual(FINE);
    });
  });

  describe("against upstream's own copy", () => {
    const against = async (upstream: string, mirror: string) => {
      scene.publish("upstream", upstream);
      return await at("mirror", mirror, "--reference", scene.urlOf("upstream"));
    };

    it("is proven when it is the same", async () => {
      const checked = await against(newer, newer);
      expect(found(checked)).toEqual(FINE);
      expect(detailOf(checked, "authenticity")).toBe(`the same as upstream's ${scene.urlOf("upstream")}`);
    });

    it("is lagging when it is behind", async () => {
      const expected = bad("lagging", ["authenticity", "lag"], /3 d behind upstream, of 2 d allowed/);
      expect(found(await against(newer, scene.whole))).toEqual(expected);
    });

    it("is tampered with when it is ahead, or as old and other content", async () => {
      expect(found(await against(scene.whole, newer))).toEqual(
        bad("tampered", "authenticity", /3 d newer than upstream/),
      );
      expect(found(await against(scene.whole, other))).toEqual(bad("tampered", "authenticity", /as old as upstream/));
    });

    it("is partial when upstream does not answer, and nothing else proves it", async () => {
      const checked = await at("mirror", newer, "--reference", `${scene.server.url}/nowhere/`);
      expect(found(checked)).toEqual(bad("partial", "authenticity", /HTTP 404/));
    });
  });

  it("several addresses and arches are told one by one", async () => {
    scene.publish("x86_64", newer);
    scene.publish("aarch64", scene.whole);
    const { code, looks } = await check(
      `${scene.server.url}/$arch/`,
      "--arch",
      "x86_64",
      "--arch",
      "aarch64",
      "--arch",
      "s390x",
    );
    expect(code).toBe(1);
    expect(looks.map(({ url, arch, verdict }) => [url, arch, verdict])).toEqual([
      [scene.urlOf("x86_64"), "x86_64", "ok"],
      [scene.urlOf("aarch64"), "aarch64", "ok"],
      [scene.urlOf("s390x"), "s390x", "moved"],
    ]);
    expect(readdirSync(join(scene.folder, "www"))).not.toContain("s390x");
  });
});
