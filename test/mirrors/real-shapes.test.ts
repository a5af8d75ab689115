// Repositories as createrepo_c and modifyrepo_c make them, in every shape: Toji finds each of them fit in full, and dnf
// takes each of them.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PATH, run } from "../hosts/commands.ts";
import {
  bad,
  check,
  detailOf,
  FINE,
  flip,
  found,
  hrefOf,
  openRealScene,
  type RealScene,
  recordIn,
  replaceRecord,
} from "./real-scene.ts";
import { createRepository, noDnf } from "./rpms.ts";
import { makeCertificates, type TestCertificates } from "./web-certificates.ts";
import { serveFolder, type WebServer } from "./web-server.ts";

interface Shape {
  readonly name: string;
  readonly make: (folder: string) => void | Promise<void>;
  /** Records that repomd.xml must list for the shape to be what it is called. */
  readonly lists: RegExp;
  readonly records: number;
  /** Any of which dnf may take for the list of packages; default: primary. */
  readonly forms?: readonly string[];
}

const COMPS = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps><group><id>kitchen</id><name>Kitchen</name><description>Kettles</description><default>false</default>
<uservisible>true</uservisible><packagelist><packagereq type="mandatory">kettle</packagereq></packagelist></group></comps>
`;
const UPDATEINFO = `<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="updates@example.org" status="stable" type="bugfix" version="1"><id>EX-2023:1</id>
<title>kettle</title><issued date="2023-11-14 22:13:20"/><description>It boils.</description><pkglist><collection short="EX">
<name>EX</name><package name="kettle" version="1.1" release="1" epoch="0" arch="noarch"><filename>kettle-1.1-1.noarch.rpm</filename>
</package></collection></pkglist></update></updates>
`;
const MODULES = `---
document: modulemd
version: 2
data:
  name: kitchen
  stream: "1"
  version: 1
  context: 00000001
  arch: noarch
  summary: Kettles
  description: Kettles and lamps
  license: {module: [Apache-2.0], content: []}
  artifacts: {rpms: [kettle-0:1.1-1.noarch]}
...
`;

async function modify(folder: string, type: string, name: string, text: string): Promise<void> {
  const file = join(folder, name);
  writeFileSync(file, text);
  const { exit, stderr } = await run("modifyrepo_c", ["--mdtype", type, file, join(folder, "repodata")], { PATH });
  if (exit !== 0) throw new Error(`modifyrepo_c ended with ${exit}: ${stderr}`);
  rmSync(file);
}

/** createrepo_c 0.17 does not know it; newer ones write it by default. */
function toZstd(folder: string): void {
  createRepository(folder);
  for (const type of ["primary", "filelists", "other"]) {
    const file = recordIn(folder, type);
    const open = gunzipSync(readFileSync(file));
    const name = basename(file).replace(/\.gz$/, ".zst");
    renameSync(file, join(folder, "repodata", name));
    replaceRecord(folder, type, { bytes: zstdCompressSync(open), open, href: `repodata/${name}` });
  }
}

const created =
  (...options: readonly string[]) =>
  (folder: string) =>
    createRepository(folder, ...options);

function withDatabases(folder: string): void {
  execFileSync("createrepo_c", ["--quiet", "--database", folder], { env: { PATH }, stdio: "pipe" });
}

const SHAPES: readonly Shape[] = [
  { name: "gz", make: created(), lists: /primary\.xml\.gz/, records: 3 },
  { name: "xz", make: created("--general-compress-type=xz"), lists: /filelists\.xml\.xz/, records: 3 },
  { name: "sqlite", make: withDatabases, lists: /primary\.sqlite\.bz2/, records: 6 },
  {
    name: "zchunk",
    make: created("--zck"),
    lists: /primary_zck[\s\S]*header-checksum/,
    records: 6,
    forms: ["primary", "primary_zck"],
  },
  { name: "zstd", make: toZstd, lists: /primary\.xml\.zst/, records: 3 },
  { name: "simple-names", make: created("--simple-md-filenames"), lists: /"repodata\/primary\.xml\.gz"/, records: 3 },
  { name: "unique-names", make: created("--unique-md-filenames"), lists: /"repodata\/[0-9a-f]{64}-other/, records: 3 },
  {
    name: "groups",
    make: (folder) => {
      writeFileSync(join(folder, "comps.xml"), COMPS);
      createRepository(folder, "-g", "comps.xml");
    },
    lists: /type="group"[\s\S]*comps\.xml/,
    records: 5,
  },
  {
    name: "updates-and-modules",
    make: async (folder) => {
      createRepository(folder);
      await modify(folder, "updateinfo", "updateinfo.xml", UPDATEINFO);
      await modify(folder, "modules", "modules.yaml", MODULES);
    },
    lists: /type="modules"[\s\S]*type="updateinfo"/,
    records: 5,
  },
];

describe.skipIf(noDnf !== "")(`repositories that are as they should be ${noDnf}`, () => {
  let scene: RealScene;
  let secure: WebServer;
  let certificates: TestCertificates;
  beforeAll(async () => {
    scene = await openRealScene();
    certificates = await makeCertificates(scene.folder);
    secure = await serveFolder(join(scene.folder, "www"), { tls: certificates.good });
    for (const { name, make } of SHAPES) await make(scene.publish(name, scene.stock));
  });
  afterAll(async () => {
    await secure.close();
    await scene.close();
  });

  const httpsOf = (name: string) => `${secure.url}/${name}/`;

  /** What dnf says of the repositories, with nothing of this machine's own: one run for all, since each is a second. */
  async function makecache(name: string, ...urls: readonly string[]) {
    const folder = join(scene.folder, "dnf", name);
    mkdirSync(join(folder, "root"), { recursive: true });
    const options = [
      ...["reposdir=/dev/null", `cachedir=${folder}/cache`, `logdir=${folder}`, "retries=1", "zchunk=True"],
      // Of what is set here the repos take this too; without it dnf leaves one that fails out, and ends with 0.
      "skip_if_unavailable=False",
      `sslcacert=${certificates.caFile}`,
    ].map((option) => `--setopt=${option}`);
    const repos = urls.flatMap((url, index) => ["--repofrompath", `x${index},${url}`, "--repo", `x${index}`]);
    const place = ["--installroot", join(folder, "root"), "--releasever", "9"];
    const { exit, stderr } = await run("dnf", [...options, ...repos, ...place, "makecache"], { PATH, HOME: folder });
    return { exit, stderr };
  }

  it.each(SHAPES)("$name: is ok over HTTP and HTTPS, every record of it read", async ({ name, lists, records }) => {
    expect(readFileSync(join(scene.folder, "www", name, "repodata/repomd.xml"), "utf8")).toMatch(lists);
    const [plain, tls] = await Promise.all([
      check(scene.urlOf(name)),
      check(httpsOf(name), "--ca", certificates.caFile),
    ]);
    for (const checked of [plain, tls]) {
      expect(found(checked)).toEqual(FINE);
      expect(detailOf(checked, "records")).toBe(`${records} records, ${records} read in full`);
      expect(detailOf(checked, "packages")).toBe("4 packages");
      expect(detailOf(checked, "rpms")).toBe("5 rpms of the sample, 1 read in full");
    }
    expect(detailOf(plain, "authenticity")).toMatch(/plain HTTP/);
    expect(detailOf(tls, "authenticity")).toBe("proved by TLS to 127.0.0.1 only");
    expect(detailOf(tls, "tls")).toMatch(/^TLSv1.3, the server's certificate ends in/);
  });

  it("all are taken by dnf, over HTTP and HTTPS", async () => {
    const servers = [scene.server, secure].map((server) => ({ server, before: server.requests.length }));
    const urls = SHAPES.flatMap(({ name }) => [scene.urlOf(name), httpsOf(name)]);
    expect(await makecache("all", ...urls)).toMatchObject({ exit: 0 });
    for (const { server, before } of servers) {
      const asked = server.requests.slice(before).map(({ path }) => path);
      // Debian's librepo is built without zchunk and takes the gz beside it.
      for (const { name, forms = ["primary"] } of SHAPES) {
        const places = forms.map((type) => `/${name}/${hrefOf(join(scene.folder, "www", name), type)}`);
        expect([name, asked.some((path) => places.includes(path))]).toEqual([name, true]);
      }
    }
  });

  it("dnf refuses, as Toji does, a record with another byte and a certificate of an unknown CA", async () => {
    const folder = scene.publish("damaged");
    flip(recordIn(folder, "primary"));
    const strange = await serveFolder(join(scene.folder, "www"), { tls: certificates.otherCa });
    try {
      const url = `${strange.url}/gz/`;
      const [damaged, unknown] = await Promise.all([
        makecache("damaged", scene.urlOf("damaged")),
        makecache("unknown", url),
      ]);
      expect([damaged, unknown]).toMatchObject([
        { exit: 1 },
        { exit: 1, stderr: expect.stringMatching(/certificate/i) },
      ]);
      expect(found(await check(scene.urlOf("damaged")))).toEqual(bad("tampered", "records"));
      expect(found(await check(url, "--ca", certificates.caFile))).toEqual(bad("unreachable", ["fetch", "tls"]));
    } finally {
      await strange.close();
    }
  });
});
