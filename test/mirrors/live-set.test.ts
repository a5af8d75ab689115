// The live set: what a READY repo takes from elsewhere, by real mergerepo_c and by hand, and which rpms a look asks for.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MirrorFetcher } from "../../shared/mirrors/fetcher.ts";
import {
  type LiveDigest,
  type LiveEntry,
  liveOf,
  parseLiveDigest,
  planLive,
  readReadyRepo,
  sameBase,
} from "../../shared/mirrors/live-set.ts";
import { digestOf } from "../../shared/mirrors/package-index.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import { createRepository, makeRpm, missingTools } from "./rpms.ts";

const TOP = "https://koji.example.org/kojifiles";
const MIRROR = "http://mirror.example.net/el/9/x86_64/";
const asked = { signal: new AbortController().signal };

/** Bodies by address; what is not there is a 404. */
function webOf(files: ReadonlyMap<string, Uint8Array>): MirrorFetcher {
  return {
    async get(url, { maxBytes }) {
      const bytes = files.get(url);
      if (bytes === undefined) throw new MirrorTrouble("status", "HTTP 404", { status: 404 });
      if (bytes.length > maxBytes) throw new MirrorTrouble("too-large", `${bytes.length} bytes`);
      const about = { status: 200 as const, url, hops: [], tls: null, contentLength: bytes.length, milliseconds: 1 };
      return {
        ...about,
        body: (async function* () {
          yield bytes;
        })(),
      };
    },
    head: () => expect.unreachable("HEAD of a repo of the hub"),
    close: async () => {},
  };
}

interface Merged {
  readonly name: string;
  readonly base?: string;
  readonly href?: string;
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

const packageXml = ({ name, base, href = `${name}-1-1.noarch.rpm` }: Merged) =>
  `<package type="rpm"><name>${name}</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>
<checksum type="sha256" pkgid="YES">${sha256(name)}</checksum><time file="5" build="5"/>
<size package="100" installed="1" archive="1"/>
<location${base === undefined ? "" : ` xml:base="${base}"`} href="${href}"/></package>`;

const digest = (name: string) =>
  digestOf({
    name,
    epoch: "0",
    version: "1",
    release: "1",
    arch: "noarch",
    checksum: { type: "sha256", value: sha256(name) },
  });

/** Merged metadata of a repo as the hub serves it. */
function repoOf(id: number, packages: readonly Merged[], suffix = "gz"): Map<string, Uint8Array> {
  const open = `<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" packages="${packages.length}">${packages.map(packageXml).join("\n")}</metadata>`;
  const primary = gzipSync(open);
  const repomd = `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision><data type="primary">
<checksum type="sha256">${sha256(primary)}</checksum><open-checksum type="sha256">${sha256(open)}</open-checksum>
<location href="repodata/primary.xml.${suffix}"/><timestamp>5</timestamp><size>${primary.length}</size></data></repomd>`;
  const base = `${TOP}/repos/el9-build/${id}/x86_64/repodata/`;
  return new Map([
    [`${base}repomd.xml`, Buffer.from(repomd)],
    [`${base}primary.xml.${suffix}`, primary],
  ]);
}

const el9 = (id: number) => ({ id, tag: "el9-build", arch: "x86_64" });
const digestOfRepo = (id: number, packages: readonly Merged[]) =>
  readReadyRepo(webOf(repoOf(id, packages)), `${TOP}/`, el9(id), asked);
const external = (name: string): Merged => ({ name, base: MIRROR });

describe("what a READY repo takes from elsewhere", () => {
  it("is what has an http or https base, by base; Koji's own and the hub's disk are left out", async () => {
    const found = await digestOfRepo(7, [
      { name: "own" },
      { name: "toplink", base: "toplink/packages" },
      { name: "disk", base: "file:///mnt/koji/external" },
      external("kettle"),
      { name: "lamp", base: "http://MIRROR.example.net:80/el/9/x86_64" },
      { name: "tea", base: "https://tools.example.net/el/9", href: "Packages/t/tea&amp;milk.rpm" },
    ]);
    expect(found).toMatchObject({ repo: 7, tag: "el9-build", arch: "x86_64" });
    expect(found.origins.map(({ base, count }) => [base, count])).toEqual([
      [MIRROR, 2],
      ["https://tools.example.net/el/9/", 1],
    ]);
    expect(liveOf([found], MIRROR).map(({ href }) => href)).toEqual(["kettle-1-1.noarch.rpm", "lamp-1-1.noarch.rpm"]);
    expect(liveOf([found], "https://tools.example.net/el/9")).toEqual([
      {
        url: "https://tools.example.net/el/9/Packages/t/tea&milk.rpm",
        href: "Packages/t/tea&milk.rpm",
        digest: digest("tea"),
        tags: ["el9-build"],
        newest: true,
      },
    ]);
  });

  it("survives its way through the bucket, however many rpms there are", async () => {
    const names = Array.from({ length: 2001 }, (_, index) => `package${index}`);
    const found = await digestOfRepo(7, names.map(external));
    const stored = JSON.stringify(found);
    expect(parseLiveDigest(stored)).toEqual(found);
    expect(new Set(liveOf([parseLiveDigest(stored)], MIRROR).map((entry) => entry.digest))).toEqual(
      new Set(names.map(digest)),
    );
    expect(() => parseLiveDigest(stored.replace('"repo"', '"id"'))).toThrow();
  });

  it("is not known when the metadata is not what repomd.xml says, or is gone", async () => {
    const files = repoOf(7, [external("kettle")]);
    const [, primary = ""] = [...files.keys()];
    files.set(primary, gzipSync("<metadata/>"));
    await expect(readReadyRepo(webOf(files), TOP, el9(7), asked)).rejects.toThrow(MirrorTrouble);
    files.delete(primary);
    await expect(readReadyRepo(webOf(files), TOP, el9(7), asked)).rejects.toMatchObject({ problem: { status: 404 } });
    await expect(readReadyRepo(webOf(files), TOP, el9(8), asked)).rejects.toMatchObject({ problem: { status: 404 } });
  });

  it("is not known when the metadata is packed in a form that cannot be read", async () => {
    const files = repoOf(7, [external("kettle")], "lzo");
    await expect(readReadyRepo(webOf(files), TOP, el9(7), asked)).rejects.toMatchObject({
      problem: { kind: "unknown-form" },
    });
  });

  it.each(["//10.0.0.1/kettle.rpm", "&#10;0123456789abcdef01234567 kettle.rpm"])(
    "leads nowhere but to the mirror itself (%s)",
    async (href) => {
      await expect(digestOfRepo(7, [{ name: "kettle", base: MIRROR, href }])).rejects.toThrow(MirrorTrouble);
    },
  );

  it("counts what has an address of its own for that address only", async () => {
    const elsewhere = await digestOfRepo(7, [{ name: "kettle", base: MIRROR, href: "http://10.0.0.1/kettle.rpm" }]);
    expect(liveOf([elsewhere], MIRROR)).toEqual([]);
    expect(elsewhere.origins.map(({ base }) => base)).toEqual(["http://10.0.0.1/"]);
  });

  const noTools = missingTools("the packages createrepo-c and rpm", "createrepo_c", "mergerepo_c", "rpmbuild");
  it.skipIf(noTools !== "")(`is read from what mergerepo_c writes for Koji ${noTools}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "toji-live-"));
    const upstream = createServer((request, response) => {
      response.end(readFileSync(join(folder, "upstream", request.url ?? "")));
    });
    try {
      makeRpm(join(folder, "upstream"), { name: "kettle", version: "1.0", release: "1" });
      makeRpm(join(folder, "premerge"), { name: "own", version: "2", release: "1" });
      createRepository(join(folder, "upstream"));
      createRepository(join(folder, "premerge"));
      await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
      const { port } = Object(upstream.address());
      const url = `http://127.0.0.1:${port}/`;
      const out = join(folder, "merged");
      const repos = ["-r", `file://${folder}/premerge/`, "-r", url];
      const options = ["--koji", "-a", "x86_64", "--arch-expand", "-o", out, ...repos];
      await promisify(execFile)("mergerepo_c", options, { env: { PATH: process.env.PATH ?? "", TMPDIR: folder } });
      const onDisk: MirrorFetcher = {
        ...webOf(new Map()),
        get: (address, options) => {
          const path = address.replace(`${TOP}/repos/el9-build/7/x86_64/`, "");
          return webOf(new Map([[address, readFileSync(join(out, path))]])).get(address, options);
        },
      };
      const found = await readReadyRepo(onDisk, TOP, el9(7), asked);
      expect(liveOf([found], url)).toMatchObject([
        { url: `${url}kettle-1.0-1.noarch.rpm`, href: "kettle-1.0-1.noarch.rpm" },
      ]);
      expect(found.origins).toHaveLength(1);
    } finally {
      upstream.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("the live rpms of an address", () => {
  it("are merged over repos and tags; the newest repos' tags count, and the older ones' where there are none", async () => {
    const web = new Map([
      ...repoOf(7, [external("kettle"), external("lamp")]),
      ...repoOf(9, [external("kettle"), external("mug")]),
    ]);
    const read = (id: number) => readReadyRepo(webOf(web), TOP, el9(id), asked);
    const [old, now] = [await read(7), await read(9)];
    const side: LiveDigest = { ...old, repo: 8, tag: "side-build" };
    const live = liveOf([side, old, now], MIRROR, new Set([8, 9]));
    expect(live.map(({ href, tags, newest }) => [href.split("-")[0], tags, newest])).toEqual([
      ["kettle", ["el9-build", "side-build"], true],
      ["lamp", ["side-build"], true],
      ["mug", ["el9-build"], true],
    ]);
    expect(liveOf([old, now], MIRROR).map(({ newest }) => newest)).toEqual([true, false, true]);
    expect(liveOf([old, now], MIRROR, new Set([7]))[2]).toMatchObject({ tags: ["el9-build"], newest: false });
    expect(liveOf([old, now], "http://other.example.net/")).toEqual([]);
    expect(liveOf([old, now], "file:///mnt/koji/")).toEqual([]);
  });

  it.each([
    ["http://Mirror.Example.net:80/el/9", "http://mirror.example.net/el/9/"],
    ["https://mirror.example.net:443/", "https://mirror.example.net/"],
    ["http://mirror.example.net:8080/a//b", "http://mirror.example.net:8080/a//b/"],
    ["ftp://mirror.example.net/", null],
    ["toplink/packages", null],
  ])("have one spelling: %s", (address, expected) => expect(sameBase(address)).toBe(expected));
});

describe("the rpms that a look asks for", () => {
  const entries = (count: number): LiveEntry[] =>
    Array.from({ length: count }, (_, index) => {
      const href = `p${index}.rpm`;
      return { url: `${MIRROR}${href}`, href, digest: String(index), tags: ["t"], newest: true };
    });
  const listing = fc.record({
    count: fc.integer({ min: 0, max: 60 }),
    unlisted: fc.uniqueArray(fc.integer({ min: 0, max: 59 })),
    budget: fc.integer({ min: 0, max: 70 }),
    turn: fc.integer({ min: 0, max: 1_000_000 }),
  });

  it("are all that are no longer listed, and at most the budget of the others, none twice", () => {
    fc.assert(
      fc.property(listing, ({ count, unlisted, budget, turn }) => {
        const gone = new Set(unlisted.map(String));
        const all = entries(count);
        const plan = planLive(all, (each) => !gone.has(each), budget, turn);
        const isGone = (entry: LiveEntry) => gone.has(entry.digest);
        expect(plan.filter(isGone)).toEqual(all.filter(isGone));
        const listed = all.length - all.filter(isGone).length;
        expect(plan.filter((entry) => !isGone(entry))).toHaveLength(Math.min(budget, listed));
        expect(new Set(plan).size).toBe(plan.length);
      }),
      { seed: 6 },
    );
  });

  it("are each asked for within as many looks as the budget needs for all, wherever the turns begin", () => {
    fc.assert(
      fc.property(listing, ({ count, unlisted, budget, turn }) => {
        fc.pre(budget > 0);
        const gone = new Set(unlisted.map(String));
        const all = entries(count);
        const listed = all.filter((entry) => !gone.has(entry.digest));
        const seen = new Set<LiveEntry>();
        for (let look = 0; look < Math.ceil(listed.length / budget); look++) {
          for (const entry of planLive(all, (each) => !gone.has(each), budget, turn + look)) seen.add(entry);
        }
        expect(listed.filter((entry) => !seen.has(entry))).toEqual([]);
      }),
      { seed: 6 },
    );
  });
});
