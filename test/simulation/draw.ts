// What a seed decides, in the words of the scenarios.

import type { Random } from "../../sandbox/world/random.ts";

export const chance = (random: Random, share: number): boolean => random.uniform() < share;

/** A whole number; both ends are possible. */
export const whole = (random: Random, low: number, high: number): number => Math.floor(random.between(low, high + 1));
