// All functions, bundled once for each state of the sources: it takes half a minute of two cores, and many tests look at it.

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Built, buildFunctions } from "../../infra/build.ts";
import { copyProject, REPOSITORY, SOURCES } from "./project.ts";

export interface BuiltProject {
  /** A copy of the project with its .build; tests only read it. */
  readonly root: string;
  /** Where it lay when it was built. */
  readonly builtAt: string;
  readonly built: readonly Built[];
}

const SHELF = join(REPOSITORY, ".build/test");
const ANSWER = "built.json";

/** Test files run in several processes: the first to come builds, the others wait for it. */
export async function builtProject(): Promise<BuiltProject> {
  mkdirSync(SHELF, { recursive: true });
  const root = join(SHELF, keyOfSources());
  const lock = `${root}.lock`;
  for (;;) {
    const changed = nextChange();
    try {
      if (existsSync(root)) return read(root);
      if (take(lock)) {
        // It may have come between the look and the lock.
        return existsSync(root) ? read(root) : await build(root);
      }
      await changed.happened;
    } finally {
      changed.close();
      if (isOurs(lock)) rmSync(lock);
    }
  }
}

/** Under another name until all of it is there. What older sources gave is removed. */
async function build(root: string): Promise<BuiltProject> {
  for (const old of readdirSync(SHELF)) if (!old.endsWith(".lock")) rmSync(join(SHELF, old), { recursive: true });
  const builtAt = copyProject(`${root}.new`);
  const { built } = await buildFunctions({ root: builtAt });
  const answer: BuiltProject = { root, builtAt, built };
  writeFileSync(join(builtAt, ANSWER), JSON.stringify(answer));
  renameSync(builtAt, root);
  return answer;
}

function read(root: string): BuiltProject {
  return JSON.parse(readFileSync(join(root, ANSWER), "utf8"));
}

/** A lock whose holder is gone is nobody's. */
function take(lock: string): boolean {
  if (existsSync(lock) && !isAlive(Number(readFileSync(lock, "utf8")))) rmSync(lock, { force: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

const isOurs = (lock: string) => existsSync(lock) && Number(readFileSync(lock, "utf8")) === process.pid;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Watched from before the look on, so that nothing is missed between the two. */
function nextChange(): { readonly happened: Promise<void>; close(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(SHELF, () => resolve());
  return { happened: promise, close: () => watcher.close() };
}

function keyOfSources(): string {
  const hash = createHash("sha256");
  for (const source of [...SOURCES, "package-lock.json"])
    for (const file of filesOf(source))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(REPOSITORY, file)))
        .update("\0");
  return hash.digest("hex").slice(0, 16);
}

function filesOf(source: string): string[] {
  const path = join(REPOSITORY, source);
  if (statSync(path).isFile()) return [source];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(REPOSITORY.length + 1))
    .sort();
}
