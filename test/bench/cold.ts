// How long a cold start reads: the import of the built bundle in fresh processes, beside esbuild's plain bundle of the same.
// `npm run bench:cold` builds first. The ratio is worth more than the milliseconds: both are taken in turns in one run.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { bundle } from "../../infra/bundle.ts";

const RUNS = 9;
const ROOT = dirname(dirname(import.meta.dirname));
const FOLDER = join(ROOT, ".build/functions/fleet");

/** Wall clock and processor time of one import; the second is steadier on a busy machine. */
interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const SCRIPT = `
  const cpu = process.cpuUsage();
  const from = performance.now();
  await import(process.argv[1]);
  const wallMs = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1000 }));
`;

function start(path: string): Start {
  const args = ["--input-type=module", "--eval", SCRIPT, path];
  return JSON.parse(execFileSync(process.execPath, args, { env: { AWS_REGION: "us-east-1" }, encoding: "utf8" }));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function medianStart(starts: readonly Start[]): Start {
  return { wallMs: median(starts.map((each) => each.wallMs)), cpuMs: median(starts.map((each) => each.cpuMs)) };
}

function codeBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));
  return files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}

function line(name: string, bytes: number, { wallMs, cpuMs }: Start): string {
  const columns = [`${Math.round(bytes / 1024)} KiB`, `${wallMs.toFixed(0)} ms`, `${cpuMs.toFixed(0)} ms`];
  return name.padEnd(24) + columns.map((column) => column.padStart(12)).join("");
}

const plainFolder = mkdtempSync(join(tmpdir(), "toji-cold-"));
try {
  const plain = await bundle({ root: ROOT, entry: "functions/fleet/pass.ts", plain: true });
  writeFileSync(join(plainFolder, "package.json"), '{"type":"module"}');
  for (const { path, content } of plain.code) writeFileSync(join(plainFolder, path), content);
  const starts: { readonly built: Start[]; readonly plain: Start[] } = { built: [], plain: [] };
  for (let run = 0; run < RUNS; run++) {
    starts.built.push(start(join(FOLDER, "pass.js")));
    starts.plain.push(start(join(plainFolder, "pass.js")));
  }
  const built = medianStart(starts.built);
  const beside = medianStart(starts.plain);
  console.log(`import of the fleet pass, median of ${RUNS} fresh processes, node ${process.versions.node}`);
  console.log("".padEnd(24) + ["code", "wall", "processor"].map((column) => column.padStart(12)).join(""));
  console.log(line("built", codeBytes(FOLDER), built));
  console.log(line("esbuild's plain bundle", codeBytes(plainFolder), beside));
  const ratio = (part: number, whole: number) => (part / whole).toFixed(2);
  console.log(
    `built / plain: wall ${ratio(built.wallMs, beside.wallMs)}, processor ${ratio(built.cpuMs, beside.cpuMs)}`,
  );
} finally {
  rmSync(plainFolder, { recursive: true, force: true });
}
