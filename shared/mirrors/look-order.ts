// From the site document to the order of a look: its limits, and its trust for one arch.

import type { MirrorsConfig } from "../config/index.ts";
import type { LookSettings } from "./gather.ts";
import { expandArch } from "./rules.ts";
import type { MirrorRules } from "./types.ts";

export function lookSettings({ budgetSeconds, metadataHours, sampling }: MirrorsConfig): LookSettings {
  return {
    budgetSeconds,
    rereadSeconds: metadataHours * 3600,
    heads: sampling.heads,
    reads: sampling.reads,
    readMaxBytes: sampling.readMaxMiB * 2 ** 20,
    liveHeads: sampling.live,
  };
}

/** The addresses of the trust with $arch replaced. */
export function rulesForArch(rules: MirrorRules, arch: string): MirrorRules {
  const { keys, metalink, reference } = rules.trust;
  const of = (url: string | null) => (url === null ? null : expandArch(url, arch));
  return { ...rules, trust: { keys, metalink: of(metalink), reference: of(reference) } };
}
