// The other half of the seeds.

import { expect, it } from "vitest";
import { BASE, HALF, TIME_LIMIT_MS, tellBroken } from "./seeds.ts";

it(
  `a site to which anything may happen breaks no rule in ${HALF} further runs (TOJI_SEED=${BASE})`,
  async () => expect(await tellBroken(BASE + HALF, HALF)).toBe(""),
  TIME_LIMIT_MS,
);
