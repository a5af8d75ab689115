// The drill's checks against a real PostgreSQL and a tree of small files: damage of each kind is found and named, and nothing else.

import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { missing, PATH, run } from "./commands.ts";
import { DRILL, noPostgres, Postgres } from "./koji-database.ts";
import type { KojiTree } from "./koji-tree.ts";

const answer = z.object({
  ok: z.boolean(),
  findings: z.array(z.object({ kind: z.string(), detail: z.string(), count: z.number() })),
  counts: z.record(z.string(), z.number()),
});
type Answer = z.infer<typeof answer>;

const noShellcheck = missing("the package shellcheck", "shellcheck");
it.skipIf(noShellcheck)(`shellcheck finds nothing in the drill's scripts${noShellcheck}`, async () => {
  const scripts = ["drill", "check-tree", "check-payloads", "smoke"].map((name) => join(DRILL, name));
  expect(await run("shellcheck", scripts, { PATH })).toMatchObject({ exit: 0, stdout: "" });
});

describe.skipIf(noPostgres)(`database and tree${noPostgres}`, () => {
  let directory: string;
  let postgres: Postgres;
  let small: KojiTree;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "toji-checks-"));
    postgres = new Postgres();
    small = postgres.addHub("small", join(directory, "small"), { builds: 16, tasks: 1000 });
  });

  afterAll(() => {
    postgres?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function check(
    database: string,
    top: string,
    sample = "all",
    seed = "1",
  ): Promise<{ tree: Answer; payloads: Answer }> {
    const work = mkdtempSync(join(directory, "work-"));
    const variables = { TOJI_TOP: top, TOJI_WORK: work, TOJI_SAMPLE: sample, TOJI_SEED: seed };
    const environment = { ...postgres.environment(database), ...variables };
    const answers: Answer[] = [];
    for (const script of ["check-tree", "check-payloads"]) {
      const outcome = await run("bash", [join(DRILL, script)], environment);
      expect(outcome).toMatchObject({ exit: 0, stderr: "" });
      answers.push(answer.parse(JSON.parse(outcome.lastLine)));
    }
    const [tree, payloads] = answers;
    if (tree === undefined || payloads === undefined) throw new Error("two scripts have two answers");
    return { tree, payloads };
  }

  /** The checks of the small hub, with damage in a copy of its tree or in what its database says. */
  async function checkDamaged(
    damage: (top: string) => void,
    sql = "",
    undo = "",
  ): Promise<{ tree: Answer; payloads: Answer }> {
    const top = mkdtempSync(join(directory, "damaged-"));
    cpSync(join(directory, "small"), top, { recursive: true, verbatimSymlinks: true });
    damage(top);
    if (sql !== "") postgres.query("small", sql);
    try {
      return await check("small", top);
    } finally {
      if (undo !== "") postgres.query("small", undo);
      rmSync(top, { recursive: true });
    }
  }

  const first = (kind: string, part = "") => {
    const found = small.files.find((file) => file.kind === kind && file.path.includes(part));
    if (found === undefined) throw new Error(`the tree has no ${kind} ${part}`);
    return found.path;
  };

  const clean = { ok: true, findings: [] };

  it("fit when nothing is damaged: each kind of row is compared, and all files are read", async () => {
    const { tree, payloads } = await check("small", join(directory, "small"));
    const count = (kind: string) => small.files.filter((file) => file.kind === kind).length;
    expect(tree).toMatchObject(clean);
    expect(tree.counts).toMatchObject({
      builds: small.builds.length,
      rpms: count("rpm"),
      archives: count("archive"),
      signatures: count("signature"),
      volumeLinks: small.builds.filter(({ link }) => link !== null).length,
      filesWithoutRow: 0,
    });
    expect(payloads).toEqual({ ...clean, counts: { payloads: small.files.length } });
  });

  it.each(["rpm", "archive"])("a missing file is found: %s", async (kind) => {
    const path = first(kind);
    const { tree, payloads } = await checkDamaged((top) => rmSync(join(top, path)));
    const detail = path.replaceAll("\\", "\\\\").replaceAll("\t", "\\t");
    expect(tree).toMatchObject({ ok: false, findings: [{ kind: "missing-file", detail, count: 1 }] });
    expect(payloads).toMatchObject(clean);
  });

  it("a truncated file is found, with both sizes", async () => {
    const path = first("rpm", "vol/slow disks");
    const { tree, payloads } = await checkDamaged((top) => truncateSync(join(top, path), 100));
    expect(tree.findings).toMatchObject([{ kind: "wrong-size", count: 1 }]);
    expect(tree.findings[0]?.detail.replace(/of \d+ bytes/, "of some bytes")).toBe(
      `${path} (100 instead of some bytes)`,
    );
    expect(payloads).toMatchObject(clean);
  });

  it.each([
    ["rpm", "", "wrong-payload"],
    ["archive", "/maven/", "wrong-checksum-of-archive"],
    ["archive", "/win/", "wrong-checksum-of-archive"],
    ["archive", "/images/", "wrong-checksum-of-archive"],
    ["archive", "/files/module/", "wrong-checksum-of-archive"],
    ["signature", "fd431d51", "wrong-checksum-of-signature"],
  ])("corruption that keeps the size is found by reading: %s %s", async (kind, part, finding) => {
    const path = first(kind, part);
    const { tree, payloads } = await checkDamaged((top) => {
      const bytes = readFileSync(join(top, path));
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      writeFileSync(join(top, path), bytes);
    });
    expect(tree).toMatchObject(clean);
    const detail = path.replaceAll("\\", "\\\\").replaceAll("\t", "\\t");
    expect(payloads).toMatchObject({ ok: false, findings: [{ kind: finding, detail, count: 1 }] });
  });

  it("an rpm whose own MD5 is damaged, and one whose signature header is, are found", async () => {
    const [one, two] = small.files.filter(({ kind, path }) => kind === "rpm" && path.includes("noarch"));
    if (one === undefined || two === undefined) throw new Error("the tree has two rpms");
    const { payloads } = await checkDamaged((top) => {
      for (const [path, at] of [
        [one.path, -1],
        [two.path, 96],
      ] as const) {
        const bytes = readFileSync(join(top, path));
        const md5 = at === -1 ? bytes.indexOf(Buffer.from("000003ec", "hex")) : at;
        const place = at === -1 ? bytes.readUInt32BE(md5 + 8) + 96 + 16 + 16 * bytes.readUInt32BE(104) : at;
        bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
        writeFileSync(join(top, path), bytes);
      }
    });
    expect(payloads.findings).toEqual([
      { kind: "not-an-rpm", detail: two.path, count: 1 },
      { kind: "wrong-signature-header", detail: one.path, count: 1 },
    ]);
  });

  it("a row without file is found, whatever it is of", async () => {
    const { tree } = await checkDamaged(
      () => undefined,
      `INSERT INTO rpminfo (id, build_id, name, version, release, arch, external_repo_id, payloadhash, size)
         VALUES (900001, 1, 'ghost', '1', '1', 'noarch', 0, 'x', 10);
       INSERT INTO archiveinfo (id, btype_id, build_id, filename, size, checksum, checksum_type)
         VALUES (900001, 3, 1, 'ghost.img', 10, 'x', 0);
       INSERT INTO rpmsigs VALUES (1, 'ghostkey', 'x');`,
      `DELETE FROM rpmsigs WHERE sigkey = 'ghostkey'; DELETE FROM archiveinfo WHERE id = 900001;
       DELETE FROM rpminfo WHERE id = 900001;`,
    );
    const build = small.builds[0]?.path;
    const rpm = small.files[0]?.path.slice(`${build}/`.length);
    expect(tree.findings).toEqual([
      { kind: "missing-file", detail: `${build}/images/ghost.img, ${build}/noarch/ghost-1-1.noarch.rpm`, count: 2 },
      { kind: "missing-signature", detail: `${build}/data/sigcache/ghostkey/${rpm}.sig`, count: 1 },
    ]);
  });

  it("a file without row is counted and named, and is no damage", async () => {
    const path = "packages/package-1/1.1/9.el9/noarch/rolled-back-1-1.noarch.rpm";
    const { tree, payloads } = await checkDamaged((top) => {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), "half an import");
    });
    expect(tree).toMatchObject({ ok: true, findings: [{ kind: "file-without-row", detail: path, count: 1 }] });
    expect(tree.counts.filesWithoutRow).toBe(1);
    expect(payloads).toMatchObject(clean);
  });

  it("a missing signature is found: it cannot be made again", async () => {
    const path = first("signature");
    const { tree } = await checkDamaged((top) => rmSync(join(top, path)));
    expect(tree).toMatchObject({ ok: false, findings: [{ kind: "missing-signature", detail: path, count: 1 }] });
  });

  it("a signed copy and logs may be missing", async () => {
    const { tree } = await checkDamaged((top) => {
      const build = first("signature", "fd431d51").split("/data/")[0] ?? "";
      rmSync(join(top, build, "data/signed"), { recursive: true });
      rmSync(join(top, build, "data/logs"), { recursive: true });
    });
    expect(tree).toMatchObject(clean);
  });

  it("a missing build is found, and each of its files", async () => {
    const { path } = small.builds.find(({ link }) => link === null) ?? { path: "" };
    const { tree } = await checkDamaged((top) => rmSync(join(top, path), { recursive: true }));
    const count = (kind: string) =>
      small.files.filter(
        (file) => file.path.startsWith(`${path}/`) && (file.kind === "signature") === (kind === "signature"),
      ).length;
    expect(tree.findings).toMatchObject([
      { kind: "missing-file", count: count("others") },
      { kind: "missing-build-directory", detail: path, count: 1 },
      { kind: "missing-signature", count: count("signature") },
    ]);
  });

  it("a link of another volume that leads nowhere, or is gone, is found; an absolute one is fine", async () => {
    const [one, two, three] = small.builds.filter(({ link }) => link !== null);
    const link = (build: typeof one) => build?.link ?? "none";
    const { tree } = await checkDamaged((top) => {
      for (const build of [one, two, three]) rmSync(join(top, link(build)));
      symlinkSync("../../../vol/elsewhere", join(top, link(one)));
      symlinkSync(`/mnt/koji/${three?.path}`, join(top, link(three)));
    });
    const detail = [link(one), link(two)].toSorted().join(", ");
    expect(tree).toMatchObject({ ok: false, findings: [{ kind: "broken-volume-link", detail, count: 2 }] });
  });

  it("a volume that was not restored is found", async () => {
    const { tree } = await checkDamaged((top) => renameSync(join(top, "vol/archive"), join(top, "vol-archive")));
    expect(tree.findings.map(({ kind }) => kind)).toEqual([
      "missing-file",
      "missing-build-directory",
      "missing-signature",
    ]);
  });

  it("a database without builds beside a full tree does not pass for want of rows", async () => {
    const { tree } = await checkDamaged(
      () => undefined,
      "UPDATE build SET state = state + 10",
      "UPDATE build SET state = state - 10",
    );
    expect(tree.ok).toBe(false);
    expect(tree.findings.map(({ kind }) => kind)).toEqual(["empty-database", "file-without-row"]);
  });

  it("several kinds at once are all named", async () => {
    const [rpm, archive] = [first("rpm", "x86_64"), first("archive", "/win/")];
    const { tree, payloads } = await checkDamaged((top) => {
      rmSync(join(top, rpm));
      appendFileSync(join(top, archive), "x");
      writeFileSync(join(top, first("rpm", "aarch64")), readFileSync(join(top, first("rpm", "aarch64"))).fill(0, 200));
    });
    expect(tree.findings.map(({ kind }) => kind)).toEqual(["missing-file", "wrong-size"]);
    expect(payloads.findings.map(({ kind }) => kind)).toEqual(["wrong-payload"]);
  });

  it("a tree that is none, or a database that does not answer, is an error and not a finding", async () => {
    const work = mkdtempSync(join(directory, "work-"));
    const environment = { ...postgres.environment("small"), TOJI_TOP: work, TOJI_WORK: work };
    const noTree = await run("bash", [join(DRILL, "check-tree")], environment);
    expect(noTree).toMatchObject({ exit: 1, stderr: expect.stringContaining("holds no packages") });
    const noDatabase = { ...environment, TOJI_TOP: join(directory, "small"), PGDATABASE: "none" };
    expect(await run("bash", [join(DRILL, "check-tree")], noDatabase)).toMatchObject({ exit: 2 });
  });

  it("tens of thousands of files are compared; a seed draws the same sample each time, another seed another", async () => {
    const top = join(directory, "large");
    const large = postgres.addHub("large", top, { builds: 3000, tasks: 30_000 });
    expect(large.files.length).toBeGreaterThan(25_000);
    const { tree, payloads } = await check("large", top, "300", "drill-1");
    expect(tree).toMatchObject(clean);
    expect(payloads).toEqual({ ...clean, counts: { payloads: 300 } });

    const drawn = async (seed: string) => {
      const work = mkdtempSync(join(directory, "work-"));
      const lines = large.files.map(
        ({ path }) => `${path.replaceAll("\\", "\\\\").replaceAll("\t", "\\t")}\tother\t\t`,
      );
      writeFileSync(join(work, "sound"), `${lines.join("\n")}\n`);
      await run("bash", [join(DRILL, "check-payloads")], {
        PATH,
        TOJI_TOP: top,
        TOJI_WORK: work,
        TOJI_SAMPLE: "50",
        TOJI_SEED: seed,
      });
      return readFileSync(join(work, "drawn"), "utf8");
    };
    const [once, again, other] = [await drawn("drill-1"), await drawn("drill-1"), await drawn("drill-2")];
    expect(once.split("\n")).toHaveLength(51);
    expect(again).toBe(once);
    expect(other).not.toBe(once);
  });
});
