// Real repositories for tests of the whole: rpms made once, their metadata by createrepo_c, served, and looked at by
// `toji mirrors check` as a person runs it.

import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import * as z from "zod";
import { mirrorsCommand } from "../../cli/commands/mirrors.ts";
import { main } from "../../cli/main.ts";
import { VERDICTS } from "../../shared/mirrors/types.ts";
import { createRepository, makeRpm } from "./rpms.ts";
import { serveFolder, type WebOptions, type WebServer } from "./web-server.ts";

/** Of the repositories, unless a test says otherwise: createrepo_c's own are the present. */
export const REVISION = 1_700_000_000;
export const DAY = 86_400;

/** What the issue promises of each element of the answer; more keys are allowed. */
const lookSchema = z.looseObject({
  url: z.string(),
  arch: z.string(),
  verdict: z.enum(VERDICTS),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().min(1) })),
  metadata: z.strictObject({ revision: z.string(), timestamp: z.number(), repomdSha256: z.string() }).nullable(),
});
type Look = z.infer<typeof lookSchema>;

export interface Checked {
  readonly code: number;
  readonly looks: readonly Look[];
  /** stdout as it came: what `--last` takes. */
  readonly text: string;
  readonly errors: readonly string[];
}

/** In this process: a process of its own for each takes longer than the look. */
export async function check(...args: readonly string[]): Promise<Checked> {
  const said = { out: [] as string[], err: [] as string[] };
  const io = { out: (line: string) => said.out.push(line), err: (line: string) => said.err.push(line) };
  const code = await main(["mirrors", "check", ...args, "--json"], io, { mirrors: mirrorsCommand() });
  const text = said.out.join("\n");
  return { code, looks: z.array(lookSchema).parse(JSON.parse(text)), text, errors: said.err };
}

/** The checks that are not ok, and what they say; for toMatchObject. */
export function found({ code, looks }: Checked) {
  const [look] = looks;
  if (look === undefined || looks.length > 1) throw new Error(`${looks.length} looks in place of one`);
  const bad = look.checks.filter(({ ok }) => !ok);
  return { code, verdict: look.verdict, failing: bad.map(({ name }) => name), detail: detailsOf(bad) };
}

const detailsOf = (checks: Look["checks"]) => checks.map(({ detail }) => detail).join("; ");

/** What a look finds that has nothing to say. */
export const FINE = { code: 0, verdict: "ok", failing: [], detail: "" };

export const bad = (verdict: Look["verdict"], failing: string | readonly string[], detail = /./) => ({
  ...{ code: 1, verdict, failing: [failing].flat() },
  detail: expect.stringMatching(detail),
});

export const detailOf = ({ looks }: Checked, name: string): string =>
  detailsOf((looks[0]?.checks ?? []).filter((each) => each.name === name));

export interface RealScene {
  /** For files of the test's own. */
  readonly folder: string;
  /** rpms in two directories, in three compressions, without metadata. */
  readonly stock: string;
  /** The stock with its metadata, as of REVISION. */
  readonly whole: string;
  readonly server: WebServer;
  /** A folder of its own that holds the same; `change` has it before createrepo_c has. */
  repository(name: string, revision?: number, change?: (folder: string) => void): string;
  /** Serves a copy of the folder in place of what was there. The folder that is served. */
  publish(name: string, from?: string): string;
  urlOf(name: string): string;
  write(name: string, text: string | Uint8Array): string;
  close(): Promise<void>;
}

export async function openRealScene(options: WebOptions = {}): Promise<RealScene> {
  const folder = mkdtempSync(join(tmpdir(), "toji-real-"));
  const at = (...names: readonly string[]) => join(folder, ...names);
  const stock = at("stock");
  makeRpm(join(stock, "Packages/k"), { name: "kettle", version: "1.0", release: "1" });
  makeRpm(join(stock, "Packages/k"), { name: "kettle", version: "1.1", release: "1", payload: "w2.xzdio" });
  makeRpm(join(stock, "Packages/l"), { name: "lamp", version: "2.0", release: "3", payload: "w3.zstdio" });
  makeRpm(join(stock, "Packages/l"), { name: "ladle", version: "3", release: "1", requires: ["kettle >= 1.1"] });
  const repository: RealScene["repository"] = (name, revision = REVISION, change = () => {}) => {
    // createrepo_c lists the times of files: two repositories of the same files are to have the same records.
    cpSync(stock, at(name), { recursive: true, preserveTimestamps: true });
    change(at(name));
    createRepository(at(name), "--revision", String(revision), "--set-timestamp-to-revision");
    return at(name);
  };
  const whole = repository("whole");
  const server = await serveFolder(at("www"), options);
  return {
    ...{ folder, stock, whole, server, repository },
    publish(name, from = whole) {
      rmSync(at("www", name), { recursive: true, force: true });
      cpSync(from, at("www", name), { recursive: true });
      return at("www", name);
    },
    urlOf: (name) => `${server.url}/${name}/`,
    write(name, text) {
      writeFileSync(at(name), text);
      return at(name);
    },
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const repomdIn = (folder: string): string => join(folder, "repodata/repomd.xml");

export const repomdSum = (folder: string): string => sum(readFileSync(repomdIn(folder)));

const sum = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export function editRepomd(folder: string, edit: (text: string) => string): void {
  const before = readFileSync(repomdIn(folder), "utf8");
  const after = edit(before);
  if (after === before) throw new Error(`nothing changed in the repomd.xml of ${folder}`);
  writeFileSync(repomdIn(folder), after);
}

const recordPattern = (type: string) => new RegExp(`<data type="${type}">[\\s\\S]*?</data>`);

/** Below the repository's base. */
export function hrefOf(folder: string, type: string): string {
  const [record = ""] = recordPattern(type).exec(readFileSync(repomdIn(folder), "utf8")) ?? [];
  const href = /href="([^"]+)"/.exec(record)?.[1];
  if (href === undefined) throw new Error(`${folder} lists no ${type}`);
  return href;
}

export const recordIn = (folder: string, type: string): string => join(folder, hrefOf(folder, type));

interface NewRecord {
  readonly bytes: Uint8Array;
  /** What is in it; left out, repomd.xml goes on saying what was in the old one. */
  readonly open?: Uint8Array;
  /** Default: as before. */
  readonly href?: string;
}

/** Writes the record and what repomd.xml says of it. */
export function replaceRecord(folder: string, type: string, { bytes, open, href }: NewRecord): void {
  const name = href ?? hrefOf(folder, type);
  writeFileSync(join(folder, name), bytes);
  editRepomd(folder, (text) =>
    text.replace(recordPattern(type), (record) => {
      const outer = record
        .replace(/(<checksum [^>]*>)[^<]*/, `$1${sum(bytes)}`)
        .replace(/<size>\d+/, `<size>${bytes.length}`)
        .replace(/href="[^"]+"/, `href="${name}"`);
      if (open === undefined) return outer;
      return outer
        .replace(/(<open-checksum [^>]*>)[^<]*/, `$1${sum(open)}`)
        .replace(/<open-size>\d+/, `<open-size>${open.length}`);
    }),
  );
}

/** Another byte in the middle, the size as it was. */
export function flip(file: string): void {
  const bytes = readFileSync(file);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(file, bytes);
}
