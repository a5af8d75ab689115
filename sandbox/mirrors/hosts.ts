// Upstream and its mirrors on virtual time: what each lists, how mirrors follow, and in which ways one breaks.

import { expandArch } from "../../shared/mirrors/index.ts";
import type { VirtualClock } from "../world/clock.ts";
import type { Random } from "../world/random.ts";
import type { MemoryWeb } from "./memory-web.ts";
import { makeRepository, type PackageSeed } from "./repository.ts";
import { EXTERNAL_REPOS, type ExternalRepoPlan, mirrorsOf, upstreamOf } from "./site.ts";

/** `dead`: answers 503. `partial`: lists rpms that it does not have. `frozen`: follows upstream no more. */
export type Breakage = "dead" | "partial" | "frozen";

export const ARCHES: readonly string[] = ["x86_64", "aarch64"];
/** So many packages get another version at once. */
const ROTATED = 4;
const FOLLOW_SECONDS = { low: 300, high: 1500 };
/** Before the sandbox's first moment. */
const FIRST_AGE_SECONDS = 3 * 3600;

interface Release {
  /** Of each package its release. */
  readonly releases: readonly number[];
  readonly timestamp: number;
}

export interface MirrorHostsInput {
  readonly clock: VirtualClock;
  readonly web: MemoryWeb;
  readonly random: Random;
}

export class MirrorHosts {
  readonly #clock: VirtualClock;
  readonly #web: MemoryWeb;
  readonly #random: Random;
  readonly #upstream = new Map<string, Release>();
  /** By base: what its metadata lists. */
  readonly #listed = new Map<string, readonly PackageSeed[]>();
  readonly #frozen = new Set<string>();

  constructor({ clock, web, random }: MirrorHostsInput) {
    this.#clock = clock;
    this.#web = web;
    this.#random = random;
    for (const repo of EXTERNAL_REPOS) {
      const releases = Array.from({ length: repo.packages }, () => 1);
      this.#upstream.set(repo.name, { releases, timestamp: Math.floor(clock.now()) - FIRST_AGE_SECONDS });
      for (const address of [upstreamOf(repo), ...mirrorsOf(repo)]) this.#publish(repo, address);
    }
  }

  /** What the metadata at a base lists, as one that merges it reads it; empty = nothing is known there. */
  listedAt(base: string): readonly PackageSeed[] {
    return this.#listed.get(base) ?? [];
  }

  /** Upstream replaces some packages; each mirror does so some minutes later, and has the old ones no more. */
  rotate(repo: ExternalRepoPlan): void {
    const { releases } = this.#releaseOf(repo);
    const first = Math.floor(this.#random.uniform() * releases.length);
    const rotated = releases.map((release, index) =>
      (index - first + releases.length) % releases.length < ROTATED ? release + 1 : release,
    );
    this.#upstream.set(repo.name, { releases: rotated, timestamp: Math.floor(this.#clock.now()) });
    this.#publish(repo, upstreamOf(repo));
    for (const address of mirrorsOf(repo)) {
      const delay = this.#random.between(FOLLOW_SECONDS.low, FOLLOW_SECONDS.high);
      this.#clock.after(delay, () => this.#follow(repo, address));
    }
  }

  break(repo: ExternalRepoPlan, address: string, breakage: Breakage): void {
    if (!mirrorsOf(repo).includes(address)) throw new Error(`${address} is no mirror of ${repo.name}`);
    if (breakage === "frozen") this.#frozen.add(address);
    for (const below of brokenPaths(address, breakage)) this.#web.answer(below, breakage === "dead" ? 503 : 404);
  }

  /** As upstream is now, and whole. */
  mend(repo: ExternalRepoPlan, address: string): void {
    for (const breakage of ["dead", "partial"] as const)
      for (const below of brokenPaths(address, breakage)) this.#web.answer(below, null);
    this.#frozen.delete(address);
    this.#follow(repo, address);
  }

  #follow(repo: ExternalRepoPlan, address: string): void {
    if (!this.#frozen.has(address)) this.#publish(repo, address);
  }

  #publish(repo: ExternalRepoPlan, address: string): void {
    const { releases, timestamp } = this.#releaseOf(repo);
    for (const arch of ARCHES) {
      const packages = releases.map((release, index): PackageSeed => {
        const name = `${repo.path}-package-${String(index + 1).padStart(2, "0")}`;
        return { name, version: "1.0", release: String(release), arch };
      });
      const base = expandArch(address, arch);
      this.#listed.set(base, packages);
      this.#web.serve(base, makeRepository({ packages, timestamp }).files);
    }
  }

  #releaseOf({ name }: ExternalRepoPlan): Release {
    const release = this.#upstream.get(name);
    if (release === undefined) throw new Error(`upstream has no repository for ${name}`);
    return release;
  }
}

function brokenPaths(address: string, breakage: Breakage): readonly string[] {
  if (breakage === "frozen") return [];
  const bases = ARCHES.map((arch) => expandArch(address, arch));
  return breakage === "dead" ? bases : bases.map((base) => `${base}Packages/`);
}
