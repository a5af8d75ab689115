// `npm start`: the sandbox, live in the terminal and on a page; with --once the scripted day to its end.

import { parseArgs } from "node:util";
import { runDay } from "./once.ts";
import { summaryText } from "./summary.ts";

const USAGE = "usage: npm start -- [--once] [--speed N] [--seed N] [--port N] [--hub-port N] [--aws-port N] [--json]";

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      once: { type: "boolean" },
      speed: { type: "string", default: "30" },
      seed: { type: "string", default: "1" },
      port: { type: "string", default: "4080" },
      "hub-port": { type: "string", default: "4081" },
      "aws-port": { type: "string", default: "4082" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  if (values.once === true) {
    const summary = await runDay(values.seed);
    console.log(values.json === true ? JSON.stringify(summary) : summaryText(summary));
    return summary.rules.some((each) => each.violations.length > 0) ? 1 : 0;
  }
  const { runLive } = await import("./live.ts");
  return await runLive({
    speed: positive(values.speed, "--speed"),
    seed: values.seed,
    port: positive(values.port, "--port"),
    hubPort: positive(values["hub-port"], "--hub-port"),
    awsPort: positive(values["aws-port"], "--aws-port"),
  });
}

class UsageError extends Error {}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${option} ${text}: give a number above 0`);
  return value;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const code = codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : undefined);
  if (error instanceof UsageError || (error instanceof TypeError && code !== undefined)) {
    console.error(`npm start: ${error.message}\n${USAGE}`);
  } else if (error instanceof Error && code === "EADDRINUSE") {
    console.error(
      "npm start: a port is taken, perhaps by another npm start: end it, or choose --port, --hub-port and --aws-port",
    );
  } else {
    throw error;
  }
  process.exitCode = 2;
}
