// Property tests: a fresh seed on every run, printed when a property fails; TOJI_SEED=<n> runs that one again.

import fc from "fast-check";

const fixed = process.env.TOJI_SEED;
export const SEED = fixed === undefined ? Date.now() % 2 ** 31 : Number(fixed);

/** How much of a counterexample is worth reading. */
const LONGEST_REPORT = 6000;

export function holds<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void, runs = 200): void {
  const result = fc.check(fc.property(arbitrary, property), { seed: SEED, numRuns: runs });
  if (!result.failed) return;
  const shown = JSON.stringify(result.counterexample?.[0])?.slice(0, LONGEST_REPORT);
  throw new Error(`fails with TOJI_SEED=${SEED} after ${result.numShrinks} shrinks, for ${shown}`, {
    cause: result.errorInstance,
  });
}
