// A copy of the project in another folder: building and packaging it disturbs nobody and cannot lean on this machine.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { buildFunctions } from "../../infra/build.ts";

export const REPOSITORY = dirname(dirname(import.meta.dirname));

export const SOURCES = [
  "functions",
  "shared",
  "infra",
  "statemachines",
  "serverless.yml",
  "package.json",
  "toji.example.yml",
];

/** AWS and every proxy at a closed port, and no credentials: whatever tried to reach a network would fail. */
const OFFLINE = {
  PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
  HOME: "/nonexistent",
  AWS_ENDPOINT_URL: "http://127.0.0.1:9",
  AWS_EC2_METADATA_DISABLED: "true",
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
};

/** Default: a new folder. */
export function copyProject(root = mkdtempSync(join(tmpdir(), "toji-project-"))): string {
  for (const source of SOURCES) cpSync(join(REPOSITORY, source), join(root, source), { recursive: true });
  symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  return root;
}

export function removeProject(root: string): void {
  rmSync(root, { recursive: true, force: true });
}

/** What `npm run package` does after its build, offline, with the bundles of that. Throws with the output of a failure. */
export async function packageProject(root: string, { root: built }: { readonly root: string }): Promise<Packaged> {
  cpSync(join(built, ".build"), join(root, ".build"), { recursive: true });
  return await osls(root);
}

/** The same template without the bundles, which it does not depend on: in their place lie files without content. */
export async function compileTemplate(
  root: string,
  config?: string,
  ...parameters: readonly string[]
): Promise<Packaged> {
  await buildFunctions({ root, config, only: [] });
  const artifacts = ["serverless.yml", ".build/backup.json", ".build/mirrors.json"]
    .map((path) => readFileSync(join(root, path), "utf8"))
    .join("\n");
  mkdirSync(join(root, ".build/functions"), { recursive: true });
  for (const [path] of artifacts.matchAll(/\.build\/functions\/[\w-]+\.zip/g)) writeFileSync(join(root, path), "");
  return await osls(root, ...parameters);
}

async function osls(root: string, ...parameters: readonly string[]): Promise<Packaged> {
  await node(root, {}, "node_modules/osls/bin/serverless.js", "package", ...parameters);
  const created = join(root, ".serverless/cloudformation-template-create-stack.json");
  const updated = join(root, ".serverless/cloudformation-template-update-stack.json");
  return { created, updated, template: JSON.parse(readFileSync(updated, "utf8")) };
}

export interface Packaged {
  /** Path of the template that osls makes the stack with: its bucket alone. */
  readonly created: string;
  /** Path of the whole template. */
  readonly updated: string;
  readonly template: Template;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

export async function node(root: string, env: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
  const done = await promisify(execFile)(process.execPath, args, { cwd: root, env: { ...OFFLINE, ...env } });
  return done.stdout;
}

export function resourcesOf({ Resources }: Template, type: string): Readonly<Record<string, Resource["Properties"]>> {
  const found = Object.entries(Resources).filter(([, resource]) => resource.Type === type);
  return Object.fromEntries(found.map(([id, { Properties }]) => [id, Properties]));
}
