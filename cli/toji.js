#!/usr/bin/env node
// Starts the toji command on a Node that runs TypeScript: this one, or the one that `npm ci` brought.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const NEEDED = 24;

if (Number(process.versions.node.split(".")[0]) >= NEEDED) {
  // Compiled code is kept beside the packages: the next start reads no TypeScript, which halves it. Where that folder
  // cannot be written, nothing is kept.
  module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/toji", import.meta.url)));
  const { main } = await import("./main.ts");
  process.exitCode = await main(process.argv.slice(2));
} else {
  const bundled = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  if (existsSync(bundled)) {
    const run = spawnSync(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
    process.exitCode = run.status ?? 1;
  } else {
    console.error(
      `toji needs Node ${NEEDED} and this is ${process.versions.node}: run \`npm ci\`, which brings it on Linux, or install it`,
    );
    process.exitCode = 2;
  }
}
