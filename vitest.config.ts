// How the tests run. In CI the results are also written as JSON, from which .ci/run takes its last line.

import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const PURE = ["test/{aws,backup,config,fleet,hub,replay,statemachines}/**/*.test.ts"];
const inCi = process.env.CI !== undefined;

export default defineConfig({
  test: {
    projects: [
      // What only computes shares its worker's modules: reading them again for each file was a third of its time.
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      { extends: true, test: { name: "alone", include: ["test/**/*.test.ts"], exclude: PURE } },
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    // By itself vitest leaves one core free: half of a machine with two. Tests of host scripts wait for timers most of
    // their time, so there is room for more than one worker a core.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    reporters: inCi ? ["default", ["json", { outputFile: ".build/test-results.json" }]] : ["default"],
  },
});
