// How the tests run. In CI the results are also written as JSON, from which .ci/run takes its last line.

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const PURE = [
  "test/{aws,backup,config,fleet,hub,replay,statemachines}/**/*.test.ts",
  // Those with connections change what a process is told about TLS.
  "test/mirrors/!(http*).test.ts",
];
const inCi = process.env.CI !== undefined;

// Some hundred processes load the same modules: workers, and what tests start. They are compiled once.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/tests");

/**
 * What takes longest begins first, so that no core waits for it in the end; at the head what mostly waits, so that others
 * compute meanwhile. A fresh clone knows no durations, and vitest then goes by the sizes of files, which tell nothing.
 */
const FIRST = [
  "test/hosts/hub-snapshot-killed.test.ts",
  "test/simulation/simulation.test.ts",
  "test/infra/package.test.ts",
  "test/hosts/drill-checks.test.ts",
  "test/infra/role-backup.test.ts",
  "test/simulation/crash-points.test.ts",
  "test/hosts/drill-run.test.ts",
  "test/simulation/mutations.test.ts",
  "test/hosts/hub-snapshot.test.ts",
  "test/sandbox/day.test.ts",
  "test/backup/quarter.test.ts",
  "test/fleet/cut-off-hand.test.ts",
  "test/fleet/cut-off-ends.test.ts",
  "test/fleet/cut-off-launches.test.ts",
];
for (const path of FIRST) {
  if (!existsSync(join(import.meta.dirname, path)))
    throw new Error(`There is no ${path} any more: take it out of the list FIRST in vitest.config.ts.`);
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = FIRST.findIndex((path) => moduleId === join(import.meta.dirname, path));
      return index === -1 ? FIRST.length : index;
    };
    // Projects stay as they are: workers of one project are of no use to the other.
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project.name);
    return [...projects.values()].flatMap((each) => each.toSorted((a, b) => place(a) - place(b)));
  }
}

export default defineConfig({
  test: {
    projects: [
      // What only computes shares its worker's modules: reading them again for each file was a third of its time.
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      { extends: true, test: { name: "alone", include: ["test/**/*.test.ts"], exclude: PURE } },
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globalSetup: "test/temporary.ts",
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    // By itself vitest leaves one core free: half of a machine with two. Tests of host scripts wait for timers most of
    // their time, so there is room for two workers a core.
    maxWorkers: 2 * availableParallelism(),
    reporters: inCi ? ["default", ["json", { outputFile: ".build/test-results.json" }]] : ["default"],
  },
});
