// Builds what `osls package` takes: per function a folder and its zip, and .build/site.json for serverless.yml.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ConfigError, type Site } from "../shared/config/index.ts";
import { backupFragments, stepsOf } from "./backup/index.ts";
import { type BundledFile, bundle } from "./bundle.ts";
import { mirrorFragments, mirrorStepsOf } from "./mirrors/index.ts";
import { readSiteDocument, siteFragments } from "./site.ts";
import { entryOf, type StepFunction } from "./steps/step.ts";
import { zip } from "./zip.ts";

interface Entry {
  readonly name: string;
  readonly entry: string;
  /** Folders of infra/hosts that it brings. */
  readonly hosts: readonly string[];
}

/** Entry points, each the only one of its folder below .build/functions. */
function entriesOf(site: Site): Entry[] {
  const steps: readonly StepFunction[] = [...stepsOf(site), ...mirrorStepsOf(site)];
  return [
    { name: "fleet", entry: "functions/fleet/pass.ts", hosts: ["builder"] },
    { name: "sweep", entry: "functions/fleet/sweep.ts", hosts: [] },
    ...steps.map(({ name, hosts = [] }) => ({ name, entry: entryOf(name), hosts })),
  ];
}

export interface Built {
  readonly name: string;
  /** Relative to the repository; so are the sources. */
  readonly entry: string;
  /** Files of which something is in the code. */
  readonly sources: readonly string[];
  readonly zipBytes: number;
  /** All JavaScript in the zip. */
  readonly codeBytes: number;
  /** The part of it that a start reads. */
  readonly startBytes: number;
}

export interface BuildRequest {
  readonly root: string;
  /** Path of the site document; without it toji.yml, else toji.example.yml. */
  readonly config?: string | undefined;
  /** Names of functions: the others are left out. */
  readonly only?: readonly string[];
}

/** Fills `<root>/.build`; the same sources give the same bytes. */
export async function buildFunctions({
  root,
  config,
  only,
}: BuildRequest): Promise<{ readonly source: string; readonly built: Built[] }> {
  const { text, source, site } = readSiteDocument(root, config);
  const out = join(root, ".build");
  for (const old of ["functions", "maps"]) rmSync(join(out, old), { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const launchTemplate = readFileSync(join(root, "infra/resources/launch-template.yml"), "utf8");
  writeJson(join(out, "site.json"), siteFragments(site, launchTemplate));
  writeJson(join(out, "backup.json"), backupFragments(site));
  writeJson(join(out, "mirrors.json"), mirrorFragments(site));
  const entries = entriesOf(site).filter(({ name }) => only === undefined || only.includes(name));
  return { source, built: await Promise.all(entries.map((entry) => buildOne(root, text, entry))) };
}

async function buildOne(root: string, siteText: string, { name, entry, hosts }: Entry): Promise<Built> {
  const { code, maps, startBytes, sources } = await bundle({ root, entry });
  const folder = join(root, ".build/functions", name);
  writeFiles(folder, code);
  writeFiles(join(root, ".build/maps", name), maps);
  writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
  writeFileSync(join(folder, "toji.yml"), siteText);
  // Scripts are read where the repository has them, below LAMBDA_TASK_ROOT.
  for (const host of hosts)
    cpSync(join(root, "infra/hosts", host), join(folder, "infra/hosts", host), { recursive: true });
  const archive = zip(folderEntries(folder));
  writeFileSync(`${folder}.zip`, archive);
  const codeBytes = code.reduce((sum, file) => sum + file.content.length, 0);
  return { name, entry, sources, zipBytes: archive.length, codeBytes, startBytes };
}

function writeJson(path: string, content: object): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
}

function writeFiles(folder: string, files: readonly BundledFile[]): void {
  for (const { path, content } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

function folderEntries(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({
      path: relative(folder, file).replaceAll("\\", "/"),
      content: readFileSync(file),
      executable: (statSync(file).mode & 0o100) !== 0,
    }));
}

async function main(): Promise<void> {
  const root = dirname(import.meta.dirname);
  const { source, built } = await buildFunctions({ root, config: process.env.TOJI_CONFIG || undefined });
  if (source === "toji.example.yml") {
    console.log("there is no toji.yml: packaging toji.example.yml, whose hub does not exist");
  }
  const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
  for (const { name, zipBytes, codeBytes, startBytes } of built) {
    console.log(`${name}: zip ${kib(zipBytes)}, code ${kib(codeBytes)}, of which a start reads ${kib(startBytes)}`);
  }
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  });
}
