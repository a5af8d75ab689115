// `npm run simulate`: many seeds on all cores; exits 1 when a rule was broken, 2 when it was called wrongly.

import { Worker } from "node:worker_threads";
import { readOptions, type SimulateOptions, WrongUsage, wireOf } from "./options.ts";
import { addTo, emptySummary, type Summary, summarize, tell } from "./summary.ts";
import type { Order } from "./worker.ts";

const PROGRESS_MS = 2000;
const PRELOAD = new URL("./mutate.ts", import.meta.url);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  // Threads begin with it, and load the product after it.
  if (options.mutation !== null) process.env.TOJI_MUTATION = options.mutation;
  const start = performance.now();
  const summary = options.trace ? await runHere(options) : await runOnThreads(options);
  const seconds = (performance.now() - start) / 1000;
  const replay = (seed: string) => replayCommand(options, seed);
  if (options.json) console.log(JSON.stringify({ ...summary, wallSeconds: seconds }));
  else console.log(tell(summary, seconds, replay));
  return summary.failedRuns === 0 ? 0 : 1;
}

function replayCommand({ hours, mutation }: SimulateOptions, seed: string): string {
  const words = [
    `--seed ${seed} --runs 1`,
    ...(hours === null ? [] : [`--hours ${hours}`]),
    ...(mutation === null ? [] : [`--mutation ${mutation}`]),
  ];
  return `npm run simulate -- ${words.join(" ")} --trace`;
}

const isFound = ({ until }: SimulateOptions, { violations }: Summary): boolean =>
  until.some((rule) => violations[rule] !== undefined);

/** With the whole trace of every run, on stderr when stdout is for JSON. */
async function runHere(simulate: SimulateOptions): Promise<Summary> {
  const { seed, runs, wire, hours, json, mutation } = simulate;
  if (mutation !== null) await import("./mutate.ts");
  // Only now, for it loads the product.
  const { runScenario } = await import("./scenario.ts");
  const total = emptySummary();
  for (let each = seed; each < seed + runs && !isFound(simulate, total); each++) {
    const options = { wire: wireOf(wire, each), ...(hours === null ? {} : { hours }) };
    const result = await runScenario(String(each), options);
    for (const line of result.trace()) (json ? console.error : console.log)(line);
    addTo(total, summarize(result));
  }
  return total;
}

async function runOnThreads(simulate: SimulateOptions): Promise<Summary> {
  const { seed, runs, wire, hours, jobs, mutation } = simulate;
  const total = emptySummary();
  const start = performance.now();
  const progress = setInterval(() => {
    const rate = total.virtualHours / ((performance.now() - start) / 1000);
    process.stderr.write(
      `${total.runs}/${runs} runs, ${rate.toFixed(0)} virtual hours a second, ${total.failedRuns} failed\n`,
    );
  }, PROGRESS_MS);
  let next = seed;
  const takeNext = (): Order | null => {
    if (next >= seed + runs || isFound(simulate, total)) return null;
    next += 1;
    return { seed: next - 1, wire: wireOf(wire, next - 1), hours };
  };
  try {
    const threads = Array.from({ length: Math.min(jobs, runs) }, () =>
      work(mutation !== null, takeNext, (one) => addTo(total, one)),
    );
    await Promise.all(threads);
  } finally {
    clearInterval(progress);
  }
  return total;
}

function work(mutated: boolean, takeNext: () => Order | null, done: (one: Summary) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const execArgv = [...process.execArgv, ...(mutated ? ["--import", PRELOAD.href] : [])];
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { execArgv });
    const goOn = () => {
      const order = takeNext();
      if (order !== null) worker.postMessage(order);
      else void worker.terminate().then(() => resolve());
    };
    worker.on("message", (one: Summary) => {
      done(one);
      goOn();
    });
    worker.on("error", reject);
    goOn();
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof WrongUsage)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
// An invocation that was killed leaves its handler's timer behind, which would keep the process for a minute and a half.
const isWritten = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write("", () => resolve()));
await Promise.all([process.stdout, process.stderr].map(isWritten));
process.exit();
