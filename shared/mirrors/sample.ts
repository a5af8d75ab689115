// Which rpms stand for all: the newest, one of each directory, and others by a seeded draw. Pure.

import type { PrimaryPackage } from "./formats/primary.ts";
import type { SampledRpm } from "./types.ts";

/** So many are remembered between looks; each look asks for some of them in turn. */
const REMEMBERED = 100;
const NEWEST = 25;

interface Drawn extends SampledRpm {
  readonly draw: number;
  readonly fileTime: number;
}

export interface Sampler {
  add(pkg: PrimaryPackage): void;
  finish(): readonly SampledRpm[];
}

/** The same packages and seed give the same sample, in whatever order they come. */
export function createSampler(seed: string): Sampler {
  const newest: Drawn[] = [];
  const strata = new Map<string, Drawn>();
  const drawn: Drawn[] = [];
  return {
    add(pkg) {
      // Files of another base are not this mirror's.
      if (pkg.base !== null) return;
      const draw = digest32(seed, pkg.href);
      const isNew = newest.length < NEWEST || pkg.fileTime > (newest.at(-1)?.fileTime ?? 0);
      const isDrawn = drawn.length < REMEMBERED || draw < (drawn.at(-1)?.draw ?? 0);
      const stratum = stratumOf(pkg.href);
      const ofStratum = strata.get(stratum);
      const standsForIt = ofStratum === undefined ? strata.size < REMEMBERED : draw < ofStratum.draw;
      if (!isNew && !isDrawn && !standsForIt) return;
      const one: Drawn = { href: pkg.href, size: pkg.size, checksum: pkg.checksum, draw, fileTime: pkg.fileTime };
      if (isNew) insert(newest, one, NEWEST, (a, b) => b.fileTime - a.fileTime || a.draw - b.draw);
      if (isDrawn) insert(drawn, one, REMEMBERED, (a, b) => a.draw - b.draw);
      if (standsForIt) strata.set(stratum, one);
    },
    finish() {
      const all = new Map<string, SampledRpm>();
      const ofStrata = [...strata.values()].sort((a, b) => a.draw - b.draw);
      for (const { href, size, checksum } of [...newest, ...ofStrata, ...drawn]) {
        if (all.size < REMEMBERED) all.set(href, { href, size, checksum });
      }
      return [...all.values()];
    },
  };
}

/** So many of the remembered: the newest first, the others in turn, so that each is asked for now and then. */
export function chooseHeads(sample: readonly SampledRpm[], heads: number, turn: number): readonly SampledRpm[] {
  const first = sample.slice(0, Math.ceil(heads / 2));
  const rest = sample.slice(first.length);
  const many = Math.min(rest.length, heads - first.length);
  const from = rest.length === 0 ? 0 : (turn * many) % rest.length;
  return [...first, ...rest.slice(from), ...rest.slice(0, from)].slice(0, first.length + many);
}

/** So many to be read in full, none larger than `maxBytes`. */
export function chooseReads(sample: readonly SampledRpm[], reads: number, maxBytes: number, turn: number) {
  const small = sample.filter(({ size }) => size <= maxBytes);
  return chooseHeads(small, reads, turn);
}

function insert(list: Drawn[], one: Drawn, most: number, order: (a: Drawn, b: Drawn) => number): void {
  let place = list.length;
  while (place > 0 && order(one, list[place - 1] ?? one) < 0) place -= 1;
  list.splice(place, 0, one);
  if (list.length > most) list.pop();
}

function stratumOf(href: string): string {
  return href.slice(0, href.lastIndexOf("/") + 1);
}

/** FNV-1a with a last mix: quick, and even enough for a draw. */
function digest32(seed: string, text: string): number {
  let hash = 0x811c9dc5;
  for (const part of [seed, text]) {
    for (let index = 0; index < part.length; index++) hash = Math.imul(hash ^ part.charCodeAt(index), 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
