// A worker thread: runs the seeds it is sent, one after the other, and answers each with its summary.

import { parentPort } from "node:worker_threads";
import { runScenario } from "./scenario.ts";
import { summarize } from "./summary.ts";

// The models' errors are answers, made by the thousand: their stacks are worth nothing here. A replay has them.
Error.stackTraceLimit = 0;

export interface Order {
  readonly seed: number;
  readonly wire: "values" | "xml";
  readonly hours: number | null;
}

async function serve({ seed, wire, hours }: Order): Promise<void> {
  const result = await runScenario(String(seed), { wire, ...(hours === null ? {} : { hours }) });
  parentPort?.postMessage(summarize(result));
}

parentPort?.on("message", (order: Order) => void serve(order));
