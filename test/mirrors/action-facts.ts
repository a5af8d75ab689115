// Facts of decisions for tests: one repo that two build tags use, fit everywhere, unless a test says otherwise.

import { mirrorsSchema } from "../../shared/config/index.ts";
import type { ActionFacts, SeenLook } from "../../shared/mirrors/action-facts.ts";
import type { SwitchRecord } from "../../shared/mirrors/states.ts";

export const NOW = 1_900_000_000;
export const CURRENT = "https://base.example.org/9/$arch/";
export const CANDIDATE = "https://other.example.org/9/$arch/";
export const ARCHES = ["aarch64", "x86_64"] as const;

export const urlOf = (template: string, arch: string) => template.replaceAll("$arch", arch);

export function lookOf(changes: Partial<SeenLook> = {}): SeenLook {
  const arch = changes.arch ?? "x86_64";
  return {
    ...{ repo: "base", arch, url: urlOf(CURRENT, arch), role: "current", at: NOW, turn: 5 },
    ...{ verdict: "ok", trusted: true, checks: [], lagSeconds: null, good: 5, bad: 0, live: null },
    metadata: { revision: "1", timestamp: NOW - 86_400, repomdSha256: "00" },
    accepted: { timestamp: NOW - 86_400 },
    ...{ bytes: 1000, latencyMilliseconds: 20, milliseconds: 100 },
    ...changes,
  };
}

/** Unfit in so many looks in a row. */
export const unfit = (bad: number, changes: Partial<SeenLook> = {}): SeenLook =>
  lookOf({ verdict: "tampered", trusted: false, good: 0, bad, ...changes });

export const candidateLook = (arch: string, changes: Partial<SeenLook> = {}): SeenLook =>
  lookOf({ arch, url: urlOf(CANDIDATE, arch), role: "candidate", ...changes });

export function missing(tags: readonly string[], status: number | null = 404, name = "bash-5-1.rpm"): SeenLook["live"] {
  const url = `${urlOf(CURRENT, "x86_64")}Packages/${name}`;
  return { tags: [...tags], total: 10, missing: [{ url, tags: [...tags], status }] };
}

export function switchOf(changes: Partial<SwitchRecord> = {}): SwitchRecord {
  return {
    ...{ id: "switch-1", repo: "base", from: CANDIDATE, to: CURRENT, by: "ann", reason: "", automatic: false },
    ...{ state: "done", startedAt: NOW - 3600, editedAt: NOW - 3500, endedAt: NOW - 3000 },
    ...{ tags: [], retiring: [], notes: [] },
    ...changes,
  };
}

export function factsOf(changes: Partial<ActionFacts> = {}): ActionFacts {
  const uses = ["a-build", "b-build"].map((tag) => ({ tag, arches: ARCHES, mergeMode: "koji", priority: 10 }));
  const looks = ARCHES.map((arch) => lookOf({ arch }));
  return {
    survey: {
      at: NOW - 60,
      repos: [{ id: 1, name: "base", url: CURRENT, uses }],
      ready: uses.map(({ tag, arches }, index) => ({
        ...{ id: 100 + index, tag, arches, createdAt: NOW - 7200, newest: true },
      })),
      looks: ARCHES.flatMap((arch) => [
        { repo: "base", arch, url: urlOf(CURRENT, arch), role: "current" as const },
        { repo: "base", arch, url: urlOf(CANDIDATE, arch), role: "candidate" as const },
      ]),
    },
    looks: [...looks, ...ARCHES.map((arch) => candidateLook(arch))],
    ...{ switches: [], regenerations: { tags: [] }, queued: [], hubAdmin: true, now: NOW },
    config: configOf({ failover: true }),
    ...changes,
  };
}

export const configOf = (repo: { readonly failover: boolean }, candidates: readonly string[] = [CANDIDATE]) =>
  mirrorsSchema.parse({ repos: [{ name: "base", candidates, ...repo }] });

/** The facts with these looks in place of those at the same addresses. */
export function withLooks(looks: readonly SeenLook[], changes: Partial<ActionFacts> = {}): ActionFacts {
  const facts = factsOf(changes);
  const isReplaced = (look: SeenLook) => looks.some(({ url }) => url === look.url);
  return { ...facts, looks: [...facts.looks.filter((look) => !isReplaced(look)), ...looks] };
}
