// Processes of the bench of mirrors: each timed from its start to its end, and asked for its peak memory as it ends.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod";

export interface Run {
  readonly code: number | null;
  readonly seconds: number;
  /** Bytes; null = the process does not tell (it is not Node). */
  readonly peakBytes: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * VmHWM and not getrusage's figure, which a process inherits from the one that started it: Linux counts what stood in its
 * place before exec. Runs in the measured process.
 */
const TELL_PEAK = `
  import { readFileSync, writeSync } from "node:fs";
  process.on("exit", () => writeSync(3, /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]));
`;

export function runNode(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const tell = `data:text/javascript,${encodeURIComponent(TELL_PEAK)}`;
  return run(process.execPath, ["--import", tell, ...args], env);
}

export function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const stdio = ["ignore", "pipe", "pipe", "pipe"] as const;
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: [...stdio] });
    const texts = [1, 2, 3].map((fd) => {
      const text = { all: "" };
      child.stdio[fd]?.on("data", (chunk: Buffer) => {
        text.all += chunk.toString("utf8");
      });
      return text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const [out = "", err = "", peak = ""] = texts.map(({ all }) => all);
      const peakBytes = /^\d+$/.test(peak) ? Number(peak) * 1024 : null;
      resolve({ code, seconds: (performance.now() - begun) / 1000, peakBytes, out, err });
    });
  });
}

/** dnf with nothing of its own: one repository, an empty root and an empty cache. */
export async function runDnf(url: string, folder: string): Promise<Run> {
  rmSync(folder, { recursive: true, force: true });
  const places = Object.entries({ cachedir: "cache", logdir: "log", persistdir: "persist", reposdir: "repos" });
  const options = [
    ...places.map(([option, name]) => `--setopt=${option}=${join(folder, name)}`),
    ...[`--installroot=${join(folder, "root")}`, "--releasever=9", "--forcearch=x86_64", "--noplugins"],
    ...[`--repofrompath=big,${url}`, "--repo=big", "--setopt=big.gpgcheck=0", "--setopt=keepcache=0"],
  ];
  for (const name of [...places.map(([, place]) => place), "root"]) mkdirSync(join(folder, name), { recursive: true });
  const ran = await run("dnf", ["--quiet", "--assumeyes", ...options, "makecache"]);
  if (ran.code !== 0) throw new Error(`dnf makecache ended with ${ran.code}: ${ran.err}`);
  return ran;
}

const lineSchema = z.object({
  urls: z.record(z.string(), z.string()).optional(),
  maxConnections: z.number().optional(),
  requests: z.number().optional(),
});

export interface ServerProcess {
  readonly urls: Readonly<Record<string, string>>;
  count(): Promise<{ readonly maxConnections: number; readonly requests: number }>;
  close(): Promise<void>;
}

/** `args` as mirrors-server.ts takes them. */
export async function startServer(...args: readonly string[]): Promise<ServerProcess> {
  const script = join(import.meta.dirname, "mirrors-server.ts");
  const child = spawn(process.execPath, [script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the server of the bench has ended");
    return lineSchema.parse(JSON.parse(value));
  };
  const { urls = {} } = await read();
  return {
    urls,
    async count() {
      child.stdin.write("count\n");
      const { maxConnections = Number.NaN, requests = Number.NaN } = await read();
      return { maxConnections, requests };
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** A folder that is made once and kept: half-made ones have another name. */
export async function kept(folder: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  const half = `${folder}.new`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(half);
  await make(half);
  renameSync(half, folder);
  return folder;
}
