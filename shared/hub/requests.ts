// What a task's request tells: the package it builds and the tag it builds in.

/** Where a method's decoded request holds them. Source: the handlers' signatures in builder/kojid and koji/tasks.py. */
interface Positions {
  /** An SRPM's path, a source URL, or for images the plain name. */
  readonly source?: number;
  readonly name?: number;
  readonly buildTag?: number;
}

const IMAGE: Positions = { name: 0, buildTag: 5 };
const POSITIONS: { readonly [method: string]: Positions } = {
  build: { source: 0 },
  buildArch: { source: 0, buildTag: 1 },
  buildSRPMFromSCM: { source: 0, buildTag: 1 },
  rebuildSRPM: { source: 0, buildTag: 1 },
  image: { name: 0 },
  livemedia: { name: 0 },
  livecd: { name: 0 },
  appliance: { name: 0 },
  createImage: IMAGE,
  createLiveMedia: IMAGE,
  createLiveCD: IMAGE,
  createAppliance: IMAGE,
  createKiwiImage: IMAGE,
};

export interface RequestedBuild {
  readonly build_tag: number | string | null;
  readonly package: string | null;
}

/** Both null for methods that have none, and for requests that are not decoded or not of the known shape. */
export function requestedBuild(method: string, request: unknown): RequestedBuild {
  const positions = Object.hasOwn(POSITIONS, method) ? POSITIONS[method] : undefined;
  if (!positions || !Array.isArray(request)) return { build_tag: null, package: null };
  const at = (position: number | undefined): unknown => (position === undefined ? undefined : request[position]);
  const tag = at(positions.buildTag);
  const source = at(positions.source);
  const name = at(positions.name);
  return {
    build_tag: typeof tag === "number" || (typeof tag === "string" && tag !== "") ? tag : null,
    package: typeof name === "string" && name !== "" ? name : typeof source === "string" ? packageOf(source) : null,
  };
}

/** `tasks/23/23/foo-1.0-1.src.rpm` and `git+https://host/rpms/foo.git#commit` are both foo. Null when neither fits. */
export function packageOf(source: string): string | null {
  const srpm = /(?:^|\/)([^/]+)-[^-/]+-[^-/]+\.(?:no)?src\.rpm$/.exec(source);
  if (srpm) return srpm[1] ?? null;
  if (!/^[a-z+]+:\/\//.test(source)) return null;
  // scheme://host/path?subfolder#revision (koji.daemon.SCM); the repository is named like the package.
  const path = (source.split(/[?#]/)[0] ?? "").replace(/^[a-z+]+:\/\/[^/]*/, "");
  const last = path.split("/").findLast((part) => part !== "");
  return last?.replace(/\.git$/, "") || null;
}
