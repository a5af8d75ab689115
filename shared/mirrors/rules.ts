// The rules of one repo: what the site document says of it, put together with what it says of all.

import { type MirrorsConfig, mirrorsSchema } from "../config/index.ts";
import type { MirrorRules } from "./types.ts";

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;

/** What an empty `mirrors` section means. */
export function defaultMirrors(): MirrorsConfig {
  return mirrorsSchema.parse({});
}

/**
 * The rules of an external repo by its name on the hub. null, and a name that the config does not describe, have no trust
 * and what holds for all. `$arch` is still in the addresses of `trust`: `expandArch`.
 */
export function rulesOf(mirrors: MirrorsConfig, repoName: string | null): MirrorRules {
  const repo = mirrors.repos.find(({ name }) => name === repoName);
  return {
    trust: {
      keys: repo?.trust.keys ?? [],
      metalink: repo?.trust.metalink ?? null,
      reference: repo?.trust.reference ?? null,
    },
    redirectHosts: repo?.redirectHosts ?? mirrors.redirectHosts,
    lagBudgetSeconds: (repo?.lagHours ?? mirrors.lagHours) * HOUR_SECONDS,
    alternateAgeSeconds: mirrors.alternateDays * DAY_SECONDS,
    onlyNewest: repo?.onlyNewest ?? false,
    maxPackageDropPercent: repo?.maxPackageDropPercent ?? mirrors.maxPackageDropPercent,
    acceptedByHand: repo?.accepted ?? [],
    certificateWarningDays: mirrors.certificateWarningDays,
  };
}

/** The rules where no site document is: no trust, the defaults of all. */
export const DEFAULT_RULES: MirrorRules = rulesOf(defaultMirrors(), null);

/** `$arch` as Koji replaces it in an external repo's URL, and nothing else: dnf's $basearch is none of Koji's. */
export function expandArch(url: string, arch: string): string {
  return url.split("$arch").join(arch);
}
