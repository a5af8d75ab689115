// Winners of tuning in hindsight that are kept in the repository, so that known traces need not be searched again.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Site } from "../../shared/config/index.ts";
import { FAMILIES } from "./policies/index.ts";
import type { ValueWinners } from "./tuning.ts";

/** The repository's own. */
export const WINNERS_FILE = fileURLToPath(new URL("winners.json", import.meta.url));

const params = z.record(z.string(), z.number()).readonly();

const winnersShape = z.object({
  about: z.string(),
  tuned: z.array(
    z.object({
      /** As `identifyTrace` names it. */
      trace: z.string(),
      name: z.string(),
      tasks: z.int(),
      spanHours: z.number(),
      isFlat: z.boolean(),
      /** As `identifySite` names it. */
      site: z.string(),
      /** Hash of all grids: other grids may have other winners. */
      grids: z.string(),
      seed: z.union([z.number(), z.string()]),
      winners: z.array(z.object({ waitValuePerHour: z.number(), families: z.record(z.string(), params) })),
    }),
  ),
});

export type TunedTrace = z.infer<typeof winnersShape>["tuned"][number];

const ABOUT =
  "Best parameters of each baseline family by trace, site and wait value, searched over the family's whole grid: npm run tune:policy";

/** The winners file cannot be read. */
export class WinnersError extends Error {
  override readonly name = "WinnersError";
}

export function readWinners(file: string = WINNERS_FILE): readonly TunedTrace[] {
  if (!existsSync(file)) return [];
  try {
    return winnersShape.parse(JSON.parse(readFileSync(file, "utf8"))).tuned;
  } catch (cause) {
    throw new WinnersError(`${file} does not hold winners: delete it and run npm run tune:policy`, { cause });
  }
}

/** In the place of what was kept for the same trace and site. */
export function keepWinners(tuned: TunedTrace, file: string = WINNERS_FILE): void {
  const others = readWinners(file).filter(({ trace, site }) => trace !== tuned.trace || site !== tuned.site);
  const all = [...others, tuned].toSorted((a, b) => a.name.localeCompare(b.name, "en") || (a.trace < b.trace ? -1 : 1));
  writeFileSync(file, formatWinners(all));
}

/** A line for each trace and wait value, so that a change shows where it is. */
function formatWinners(all: readonly TunedTrace[]): string {
  const traces = all.map(({ winners, ...rest }) => {
    const lines = winners.map((each) => `        ${JSON.stringify(each)}`);
    return `    {\n      ${JSON.stringify(rest).slice(1, -1)},\n      "winners": [\n${lines.join(",\n")}\n      ]\n    }`;
  });
  return `{\n  "about": ${JSON.stringify(ABOUT)},\n  "tuned": [\n${traces.join(",\n")}\n  ]\n}\n`;
}

/**
 * Sites with the same profiles play the same, whatever their hub and names. Of those that are made for a trace the
 * number of slots is left out: it is ample, and another seed has another one.
 */
export function identifySite({ builders, hub }: Site, isMade: boolean): string {
  const { budget, pollSeconds, launchFee } = builders;
  const profiles = builders.profiles.map(({ slots, ...profile }) => (isMade ? profile : { ...profile, slots }));
  const hash = hashOf({ profiles, budget, pollSeconds, launchFee, options: hub.options });
  return `${isMade ? "made" : "config"} ${hash}`;
}

export function hashOfGrids(): string {
  return hashOf(FAMILIES.map(({ name, grid, defaults }) => ({ name, grid, defaults })));
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

export interface Found {
  readonly winners: readonly ValueWinners[];
  /** What keeps them from being the winners for this very trace, site and wait value; null = nothing does. */
  readonly but: string | null;
}

/** For each wait value the winners of the nearest one that is kept, of this trace or else of the one most like it. */
export function findWinners(
  kept: readonly TunedTrace[],
  wanted: Pick<TunedTrace, "trace" | "site" | "isFlat" | "tasks" | "spanHours">,
  waitValues: readonly number[],
): Found | null {
  const exact = kept.find(({ trace, site }) => trace === wanted.trace && site === wanted.site);
  const tuned = exact ?? nearestTrace(kept, wanted);
  if (tuned === undefined) return null;
  const winners = waitValues.flatMap((value) => {
    const found = tuned.winners.find((each) => each.waitValuePerHour === value) ?? nearestValue(tuned.winners, value);
    return found === undefined ? [] : [{ ...found, waitValuePerHour: value }];
  });
  return { winners, but: whyNot(exact, tuned, wanted, waitValues) };
}

function whyNot(
  exact: TunedTrace | undefined,
  tuned: TunedTrace,
  wanted: Pick<TunedTrace, "trace">,
  waitValues: readonly number[],
): string | null {
  if (exact === undefined) {
    const same = tuned.trace === wanted.trace;
    return same
      ? "parameters marked as tuned are those that were best for this trace on another site"
      : `no winners are kept for this trace: parameters marked as tuned are those that were best for ${tuned.name}, the most similar trace that was searched`;
  }
  const others = waitValues.filter((value) => !tuned.winners.some((each) => each.waitValuePerHour === value));
  if (others.length > 0) {
    return `no winners are kept for a wait value of ${others.join(" and ")}: those of the nearest value stand in`;
  }
  return tuned.grids === hashOfGrids() ? null : "the kept winners are from other grids than today's";
}

/** Of the same kind, and of the nearest rate of tasks. */
function nearestTrace(
  kept: readonly TunedTrace[],
  wanted: Pick<TunedTrace, "trace" | "isFlat" | "tasks" | "spanHours">,
): TunedTrace | undefined {
  const rate = ({ tasks, spanHours }: Pick<TunedTrace, "tasks" | "spanHours">) =>
    Math.log(tasks / Math.max(spanHours, 1) + 1e-9);
  const distance = (each: TunedTrace) => (each.trace === wanted.trace ? -1 : Math.abs(rate(each) - rate(wanted)));
  return kept.filter(({ isFlat }) => isFlat === wanted.isFlat).toSorted((a, b) => distance(a) - distance(b))[0];
}

function nearestValue(winners: readonly ValueWinners[], value: number): ValueWinners | undefined {
  const distance = (each: ValueWinners) => Math.abs(Math.log((each.waitValuePerHour + 0.01) / (value + 0.01)));
  return winners.toSorted((a, b) => distance(a) - distance(b))[0];
}
