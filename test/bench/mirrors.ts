// `npm run bench:mirrors [-- --json --rounds N]`: what looks at mirrors cost, beside `dnf makecache` and against the bars.
// The repositories are made once and kept in .build/bench.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { bundle } from "../../infra/bundle.ts";
import { makeBigRepository } from "./big-repository.ts";
import { makeBombs } from "./mirrors-bombs.ts";
import { kept, type Run, runDnf, runNode, startServer } from "./mirrors-run.ts";

const ROOT = dirname(dirname(import.meta.dirname));
const KEPT = join(ROOT, ".build/bench");
const CLI = join(ROOT, "cli/toji.js");
const PACKAGES = 50_000;
const SEED = 7;
const PAIRS = 200;
const LATENCY_MS = 50;
const TIMEOUT_SECONDS = 5;
const BARS = { ratio: 1, peakBytes: 150e6, pairsSeconds: 20, connections: 8, overSeconds: 1 } as const;

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: "s" | "MB" | "" | "connections";
  /** The most it may be; null = told only. */
  readonly bar: number | null;
  readonly detail: string;
}

const answerSchema = z.array(
  z.object({
    verdict: z.string(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
    accepted: z.object({ packages: z.number().nullable() }).nullable(),
  }),
);

const tell = (text: string) => void process.stderr.write(`${text}\n`);
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const seconds = (runs: readonly Run[]) => runs.map((each) => each.seconds);
const toji = (...args: readonly string[]) => [CLI, "mirrors", "check", ...args, "--json"];

function peakOf(runs: readonly Run[]): number {
  return Math.max(...runs.map(({ peakBytes }) => peakBytes ?? Number.NaN));
}

function answerOf({ code, out, err }: Run): z.infer<typeof answerSchema> {
  if (out === "") throw new Error(`a check ended with ${code} and no answer: ${err}`);
  return answerSchema.parse(JSON.parse(out));
}

/** A figure of a look that did not read everything would be worth nothing. */
function requireWhole(run: Run): Run {
  const [answer] = answerOf(run);
  if (answer?.verdict !== "ok" || answer.accepted?.packages !== PACKAGES)
    throw new Error(`the check did not find the repository whole: ${run.out.slice(0, 2000)}`);
  return run;
}

async function againstDnf(rounds: number): Promise<Figure[]> {
  const folder = await kept(join(KEPT, `repository-${PACKAGES}-${SEED}`), async (made) => {
    tell(`making a repository of ${PACKAGES} packages`);
    await makeBigRepository(made, { packages: PACKAGES, seed: SEED });
  });
  const bundled = await bundleLook();
  const server = await startServer("folder", folder);
  const url = `${server.urls.folder ?? ""}/`;
  const args = toji(url, "--depth", "metadata");
  const runs: Record<"ours" | "uncached" | "bundled" | "dnf", Run[]> = { ours: [], uncached: [], bundled: [], dnf: [] };
  try {
    // Also leaves the compiled code behind, which every later start reads.
    requireWhole(await runNode(args));
    for (let round = 1; round <= rounds; round += 1) {
      tell(`${PACKAGES} packages: round ${round} of ${rounds}`);
      runs.ours.push(requireWhole(await runNode(args)));
      runs.dnf.push(await runDnf(url, join(KEPT, "dnf")));
      runs.uncached.push(requireWhole(await runNode(args, { NODE_DISABLE_COMPILE_CACHE: "1" })));
      runs.bundled.push(requireWhole(await runNode([bundled, url])));
    }
  } finally {
    await server.close();
  }
  return [
    ...(["ours", "dnf"] as const).map((name) => timeFigure(name, runs[name])),
    {
      what: "ours / dnf makecache, of the medians",
      value: median(seconds(runs.ours)) / median(seconds(runs.dnf)),
      unit: "",
      bar: BARS.ratio,
      detail: "dnf reads primary and filelists, we verify other too",
    },
    peakFigure("toji mirrors check", runs.ours, BARS.peakBytes),
    peakFigure("its first start, nothing compiled yet", runs.uncached, null),
    peakFigure("the look as functions bundle it", runs.bundled, BARS.peakBytes),
  ];
}

function timeFigure(name: "ours" | "dnf", runs: readonly Run[]): Figure {
  const all = seconds(runs);
  const what = name === "ours" ? "toji mirrors check --depth metadata" : "dnf makecache";
  const detail = `least ${Math.min(...all).toFixed(2)} of ${all.map((each) => each.toFixed(2)).join(", ")}`;
  return { what: `${what}, median`, value: median(all), unit: "s", bar: null, detail };
}

function peakFigure(what: string, runs: readonly Run[], bar: number | null): Figure {
  const all = runs.map(({ peakBytes }) => ((peakBytes ?? Number.NaN) / 1e6).toFixed(0));
  return {
    what: `peak memory: ${what}`,
    value: peakOf(runs) / 1e6,
    unit: "MB",
    bar: bar && bar / 1e6,
    detail: `of ${all.join(", ")}`,
  };
}

/** The bundled code of one look, as infra/build.ts makes that of functions. */
async function bundleLook(): Promise<string> {
  const folder = join(KEPT, "look");
  const { code } = await bundle({ root: ROOT, entry: "test/bench/mirrors-look.ts" });
  for (const { path, content } of code) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
  return join(folder, "mirrors-look.js");
}

async function manyPairs(): Promise<Figure[]> {
  const arches = ["x86_64", "aarch64"];
  const repos = Array.from({ length: PAIRS / arches.length }, (_, index) => `repo-${index + 1}`);
  const folder = await kept(join(KEPT, `pairs-${PAIRS}`), async (made) => {
    for (const [index, repo] of repos.entries())
      for (const arch of arches) await makeBigRepository(join(made, repo, arch), { packages: 3, seed: index + 1 });
  });
  const server = await startServer("folder", folder, String(LATENCY_MS));
  try {
    tell(`${PAIRS} pairs with ${LATENCY_MS} ms before each answer`);
    const urls = repos.map((repo) => `${server.urls.folder ?? ""}/${repo}/$arch/`);
    const ran = await runNode(toji(...urls, ...arches.flatMap((arch) => ["--arch", arch]), "--depth", "head"));
    const answers = answerOf(ran);
    const bad = answers.find(({ verdict }) => verdict !== "ok");
    if (answers.length !== PAIRS || bad !== undefined)
      throw new Error(`${answers.length} of ${PAIRS} pairs were looked at: ${JSON.stringify(bad)}`);
    const { maxConnections, requests } = await server.count();
    const what = `${PAIRS} pairs at head depth, ${LATENCY_MS} ms latency`;
    return [
      { what, value: ran.seconds, unit: "s", bar: BARS.pairsSeconds, detail: `${requests} requests` },
      { what: `${what}: at one time`, value: maxConnections, unit: "connections", bar: BARS.connections, detail: "" },
    ];
  } finally {
    await server.close();
  }
}

async function hostileServers(): Promise<Figure[]> {
  const server = await startServer("hostile", await kept(join(KEPT, "bombs"), makeBombs));
  const figures: Figure[] = [];
  try {
    for (const [name, url] of Object.entries(server.urls)) {
      tell(`hostile: ${name}`);
      const ran = await runNode(toji(`${url}/`, "--depth", "metadata", "--timeout", String(TIMEOUT_SECONDS)));
      const [answer] = answerOf(ran);
      if (answer === undefined || answer.verdict === "ok") throw new Error(`${name} was found to be ok: ${ran.out}`);
      const why = answer.checks.find(({ ok }) => !ok)?.detail ?? "";
      figures.push(
        {
          what: `${name}, --timeout ${TIMEOUT_SECONDS}`,
          value: ran.seconds,
          unit: "s",
          bar: TIMEOUT_SECONDS + BARS.overSeconds,
          detail: `${answer.verdict}: ${why.slice(0, 90)}`,
        },
        peakFigure(name, [ran], BARS.peakBytes),
      );
    }
  } finally {
    await server.close();
  }
  return figures;
}

/** A value that is no number has not reached its bar. */
const isReached = ({ value, bar }: Figure) => bar === null || value <= bar;

function lineOf(figure: Figure): string {
  const { what, value, unit, bar, detail } = figure;
  const digits = unit === "connections" || unit === "MB" ? 0 : 2;
  const columns = [
    what.padEnd(56),
    `${value.toFixed(digits)} ${unit}`.trimEnd().padStart(15),
    (bar === null ? "" : `bar ${bar} ${unit}`).trimEnd().padEnd(18),
    (bar === null ? "" : isReached(figure) ? "reached" : "MISSED").padEnd(8),
  ];
  return `${columns.join("  ")}${detail}`.trimEnd();
}

const { values } = parseArgs({ options: { json: { type: "boolean" }, rounds: { type: "string", default: "3" } } });
const figures = [...(await againstDnf(Number(values.rounds))), ...(await manyPairs()), ...(await hostileServers())];
if (values.json === true) console.log(JSON.stringify(figures.map((each) => ({ ...each, reached: isReached(each) }))));
else for (const each of figures) console.log(lineOf(each));
if (!figures.every(isReached)) process.exitCode = 1;
