// The external repos of the sandbox's hub, where each is served, and the site document's words for them.

import { mirrorsSchema, type Site } from "../../shared/config/index.ts";

const UPSTREAM = "https://upstream.example.org";
const MIRRORS = ["https://mirror.example.org", "https://mirror2.example.org"] as const;

export interface ExternalRepoPlan {
  readonly name: string;
  /** Of its place on every host. */
  readonly path: string;
  readonly priority: number;
  readonly packages: number;
  /** Upstream replaces some of its packages every few hours. */
  readonly rotates: boolean;
}

export const BASE: ExternalRepoPlan = {
  name: "example-base",
  path: "base",
  priority: 10,
  packages: 12,
  rotates: false,
};
export const UPDATES: ExternalRepoPlan = {
  name: "example-updates",
  path: "updates",
  priority: 20,
  packages: 16,
  rotates: true,
};
export const EXTERNAL_REPOS: readonly ExternalRepoPlan[] = [BASE, UPDATES];

/** As the hub has addresses: with $arch, and a slash at the end. */
export const upstreamOf = ({ path }: ExternalRepoPlan): string => `${UPSTREAM}/${path}/$arch/`;

/** The first is the one that the hub has at the beginning. */
export const mirrorsOf = ({ path }: ExternalRepoPlan): readonly [string, string] => [
  `${MIRRORS[0]}/${path}/$arch/`,
  `${MIRRORS[1]}/${path}/$arch/`,
];

/** Longer than between two updates, for a mirror follows some minutes later and then lacks what is that old. */
const LAG_HOURS = 5;

/** The sandbox's site with mirrors that Toji may switch between: its login for that is an administrator's. */
export function mirrorsSite(site: Site): Site {
  const repos = EXTERNAL_REPOS.map((repo) => ({
    name: repo.name,
    trust: { reference: upstreamOf(repo) },
    // Both, so that there is a way back.
    candidates: [...mirrorsOf(repo)],
    failover: true,
  }));
  const mirrors = mirrorsSchema.parse({
    lagHours: LAG_HOURS,
    failover: { periodHours: 6, readyMinutes: 60 },
    repos,
  });
  return { ...site, hub: { ...site.hub, admin: true }, mirrors };
}
