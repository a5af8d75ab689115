// The simulation finds rules that are broken on purpose: else its silence would say nothing.

import { stripTypeScriptTypes } from "node:module";
import { describe, expect, it } from "vitest";
import { MUTATIONS, mutate, mutationNamed, readProduct } from "./mutations.ts";
import { simulate } from "./simulate.ts";

const SEEDS = 300;
const TIME_LIMIT_MS = 300_000;

/** Those that few seeds are needed for; the others take more: `npm run simulate -- --mutation NAME --until any --runs 300`. */
const SHOWN = ["drain-does-not-disable", "lost-hosts-stay-enabled", "untagged-instances-not-adopted", "pin-ignored"];

describe.each(SHOWN.map(mutationNamed))("the product with $name", ({ name, breaks }) => {
  it(
    `breaks one of ${breaks.join(", ")} within ${SEEDS} seeds`,
    async () => {
      const words = ["--jobs", 1, "--runs", SEEDS, "--seed", 1, "--mutation", name, "--until", breaks.join(",")];
      const { runs, failed } = await simulate(...words);
      const found = failed.find(({ violations }) => violations.some(({ rule }) => breaks.includes(rule)));
      const violation = found?.violations.find(({ rule }) => breaks.includes(rule));
      expect(violation).toBeDefined();
      console.log(`${name}: ${violation?.rule} broken by seed ${found?.seed}, in ${runs} run(s): ${violation?.detail}`);
    },
    TIME_LIMIT_MS,
  );
});

describe("a mutation", () => {
  it.each(MUTATIONS)("$name changes the product, and it still is a program", (mutation) => {
    for (const file of new Set(mutation.edits.map((edit) => edit.file))) {
      const source = readProduct(file);
      const mutated = mutate(mutation, file, source);
      expect(mutated).not.toBe(source);
      expect(() => stripTypeScriptTypes(mutated)).not.toThrow();
    }
  });

  it("that is nowhere in the product, or twice, is refused", () => {
    const edit = { file: "shared/fleet/any.ts", find: "one", replace: "two" };
    const vacuous = { name: "vacuous", breaks: ["no-crash"], edits: [edit] } as const;
    expect(() => mutate(vacuous, edit.file, "nothing")).toThrow("0 times, not once");
    expect(() => mutate(vacuous, edit.file, "one and one")).toThrow("2 times, not once");
  });

  it("has a name of its own", () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  });
});
