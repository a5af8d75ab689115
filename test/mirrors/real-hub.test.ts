// `toji mirrors check --hub`: a hub on a socket, its external repos on another, and READY repos merged by mergerepo_c.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type HubServer, startHubServer } from "../../sandbox/server/hub.ts";
import { createHub } from "../../sandbox/world/hub/index.ts";
import { systemClock } from "../../shared/clock.ts";
import { PATH } from "../hosts/commands.ts";
import { type Checked, check, DAY, FINE, found, openRealScene, REVISION, type RealScene } from "./real-scene.ts";
import { createRepository, makeRpm, missingTools } from "./rpms.ts";

const noTools = missingTools("the packages createrepo-c and rpm", "createrepo_c", "mergerepo_c", "rpmbuild");
const example = new URL("../../toji.example.yml", import.meta.url);
const BUILD_TAG = "el9-build";
/** Merged for Koji, a repo has one version of each package: this one's. */
const OLD_RPM = "lamp-2.0-3.noarch.rpm";

describe.skipIf(noTools !== "")(`the external repos of a hub ${noTools}`, () => {
  let scene: RealScene;
  let server: HubServer;
  let rotated: string;
  let upstream: string;
  let config: string;

  beforeAll(async () => {
    scene = await openRealScene();
    // Another name than the hub's: what the hub serves itself is told as that.
    upstream = scene.urlOf("el9/x86_64").replace("127.0.0.1", "localhost");
    rotated = scene.repository("rotated", REVISION + DAY, (folder) => rmSync(join(folder, "Packages/l", OLD_RPM)));
    scene.publish("el9/x86_64");
    scene.publish("copy/x86_64");
    const hub = createHub({ clock: systemClock });
    hub.addTag(BUILD_TAG, { arches: "x86_64" });
    hub.addTag("el9");
    hub.addTarget("el9", BUILD_TAG, "el9");
    const repos = [
      ["el9-baseos", upstream.replace("x86_64", "$arch")],
      ["el9-copy", scene.urlOf("copy/$arch")],
      ["el9-disk", "file:///mnt/koji/mirror/el9/$arch/"],
    ] as const;
    for (const [index, [name, url]] of repos.entries()) {
      hub.addExternalRepo(name, url);
      hub.addTagExternalRepo(BUILD_TAG, name, { priority: index });
    }
    await merge(hub.makeRepo(BUILD_TAG).id);
    server = await startHubServer({ hub, clock: systemClock });
    const site = parse(readFileSync(example, "utf8"));
    const own = { url: server.url, topUrl: `${scene.server.url}/kojifiles` };
    config = scene.write("toji.json", JSON.stringify({ ...site, hub: { ...site.hub, ...own }, mirrors: {} }));
  });
  beforeEach(() => {
    scene.publish("el9/x86_64");
    scene.server.rules.clear();
  });
  afterAll(async () => {
    await server.close();
    await scene.close();
  });

  /** As kojid's createrepo does, into the hub's tree. */
  async function merge(repo: number): Promise<void> {
    const own = join(scene.folder, "premerge");
    makeRpm(own, { name: "toaster", version: "1", release: "1" });
    createRepository(own);
    const out = join(scene.folder, "www/kojifiles/repos", BUILD_TAG, String(repo), "x86_64");
    mkdirSync(out, { recursive: true });
    const options = ["--koji", "-a", "x86_64", "--arch-expand", "-o", out, "-r", `file://${own}/`, "-r", upstream];
    await promisify(execFile)("mergerepo_c", options, { env: { PATH, TMPDIR: scene.folder } });
  }

  const of = ({ code, looks, ...more }: Checked, url: string) =>
    found({ ...more, code, looks: looks.filter((look) => look.url === url) });

  it("are found, looked at, and their READY repos' rpms asked for; those that are copies are named", async () => {
    const checked = await check("--config", config);
    expect(checked.looks.map(({ url, arch, verdict }) => [url, arch, verdict])).toEqual([
      [upstream, "x86_64", "ok"],
      [scene.urlOf("copy/x86_64"), "x86_64", "ok"],
    ]);
    expect(checked.code).toBe(0);
    const live = checked.looks.map(({ checks }) => checks.find(({ name }) => name === "live")?.detail);
    expect(live).toEqual([
      "3 of the 3 rpms that READY repos of el9-build refer to were asked for, and answer",
      "0 of the 0 rpms that READY repos of no tag refer to were asked for, and answer",
    ]);
    expect(checked.errors).toEqual([
      expect.stringMatching(/External repo el9-copy .*is served by the hub itself, used by el9-build/),
      expect.stringMatching(/External repo el9-disk \(file:.*lies on the hub's own disk, used by el9-build/),
    ]);
  });

  it("are partial when upstream has rotated an rpm away that a READY repo refers to, and the tag is named", async () => {
    scene.publish("el9/x86_64", rotated);
    const missing = {
      ...{ code: 1, verdict: "partial", failing: ["live"] },
      detail: `1 of the 3 rpms that READY repos of ${BUILD_TAG} refer to do not answer, needed by ${BUILD_TAG}: ${OLD_RPM}: HTTP 404`,
    };
    const checked = await check("--config", config);
    expect(of(checked, upstream)).toEqual(missing);
    // A mirror that still has what it no longer lists serves the builds.
    scene.publish("el9/x86_64", scene.stock);
    scene.publish("el9/x86_64/repodata", join(rotated, "repodata"));
    expect(of(await check("--config", config), upstream)).toMatchObject({ verdict: "ok" });
  });

  it("are looked at for the arch that is asked for, at the depth that is asked for", async () => {
    expect((await check("--config", config, "--arch", "aarch64")).looks).toEqual([]);
    const checked = await check("--config", config, "--arch", "x86_64", "--depth", "metadata");
    expect(of(checked, upstream)).toEqual(FINE);
    expect(checked.looks.flatMap(({ checks }) => checks.map(({ name }) => name))).not.toContain("live");
  });

  it("need no site document: then the hub's files are where Koji has them, and it is told when they are not", async () => {
    const checked = await check("--hub", server.url);
    expect(of(checked, upstream)).toMatchObject({ verdict: "ok" });
    expect(checked.errors).toContainEqual(
      expect.stringMatching(/repo 1 of el9-build \(x86_64\) cannot be read \(HTTP 404\): its rpms are not asked for/),
    );
  });
});
