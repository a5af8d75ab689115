// How long the work of a task takes: estimates for a warm builder of 4 vCPU, in seconds.

/** Log-normal by median and 95th percentile, cut at `max`. */
export interface Seconds {
  readonly median: number;
  readonly p95: number;
  readonly max?: number;
}

// Estimates of the project: no Koji site published a log of durations.
export const DURATIONS = {
  srpm: { median: 50, p95: 150 },
  tagBuild: { median: 3, p95: 20 },
  newRepo: { median: 15, p95: 60 },
  createrepo: { median: 90, p95: 300 },
  createLiveMedia: { median: 1800, p95: 3600 },
  notification: { median: 2, p95: 5 },
} satisfies Readonly<Record<string, Seconds>>;

/** What a package is to a builder. */
export interface PackageShape {
  /** One noarch buildArch in place of one an arch. */
  readonly noarch: boolean;
  readonly buildSeconds: Seconds;
}

const NOARCH: PackageShape = { noarch: true, buildSeconds: { median: 90, p95: 300 } };
const NODEJS: PackageShape = { noarch: true, buildSeconds: { median: 150, p95: 600 } };
const WEBPACK: PackageShape = { noarch: true, buildSeconds: { median: 1500, p95: 2700 } };
const COMPILED: PackageShape = { noarch: false, buildSeconds: { median: 300, p95: 2400, max: 7200 } };

/** By the name, as Foreman's packages are. */
export function packageShape(name: string): PackageShape {
  if (name === "foreman") return WEBPACK;
  if (name.startsWith("nodejs-")) return NODEJS;
  return /^(rubygem|python\d*|tfm-rubygem)-/.test(name) ? NOARCH : COMPILED;
}
