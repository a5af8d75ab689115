// What a task's request tells: the package it builds and the tag it builds in.

import type { Task } from "./state.ts";

/** Where a method's decoded request holds them. Source: the handlers' signatures in builder/kojid and koji/tasks.py. */
interface Positions {
  /** An SRPM's path, a source URL, or for images the plain name. */
  readonly source?: number;
  readonly name?: number;
  readonly buildTag?: number;
  readonly target?: number;
  /** Words, or a list of them. */
  readonly arches?: number;
  readonly opts?: number;
}

const IMAGE: Positions = { name: 0, buildTag: 5, opts: 8 };
const IMAGE_BUILD: Positions = { name: 0, arches: 2, target: 3, opts: 5 };
const POSITIONS: { readonly [method: string]: Positions } = {
  build: { source: 0, target: 1, opts: 2 },
  chainbuild: { target: 1, opts: 2 },
  buildArch: { source: 0, buildTag: 1, opts: 4 },
  buildSRPMFromSCM: { source: 0, buildTag: 1, opts: 2 },
  rebuildSRPM: { source: 0, buildTag: 1, opts: 2 },
  image: IMAGE_BUILD,
  livemedia: IMAGE_BUILD,
  livecd: IMAGE_BUILD,
  appliance: IMAGE_BUILD,
  kiwiBuild: { target: 0, arches: 1, opts: 4 },
  createImage: IMAGE,
  createLiveMedia: IMAGE,
  createLiveCD: IMAGE,
  createAppliance: IMAGE,
  createKiwiImage: { ...IMAGE, opts: 9 },
  newRepo: { buildTag: 0 },
  distRepo: { buildTag: 0 },
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
  const tag = tagIn(at(positions.buildTag));
  const source = at(positions.source);
  const name = at(positions.name);
  return {
    build_tag: typeof tag === "number" || (typeof tag === "string" && tag !== "") ? tag : null,
    package: typeof name === "string" && name !== "" ? name : typeof source === "string" ? packageOf(source) : null,
  };
}

/** The hub's own queue of repos writes a tag as a struct with both, id and name (kojihub/repos.py repo_queue_task). */
function tagIn(value: unknown): unknown {
  return typeof value === "object" && value !== null && "id" in value ? value.id : value;
}

export interface RequestedWork extends RequestedBuild {
  /** Build target. */
  readonly target: string | null;
  readonly scratch: boolean;
  /** Arches that the request asks for (arch_override of builds, the arches of images); empty = all of the tag. */
  readonly arches: readonly string[];
}

/** What planning needs besides: nothing of it for methods that have none, as in `requestedBuild`. */
export function requestedWork(method: string, request: unknown): RequestedWork {
  const build = requestedBuild(method, request);
  const positions = Object.hasOwn(POSITIONS, method) ? POSITIONS[method] : undefined;
  if (!positions || !Array.isArray(request)) return { ...build, target: null, scratch: false, arches: [] };
  const at = (position: number | undefined): unknown => (position === undefined ? undefined : request[position]);
  const target = at(positions.target);
  const opts = optionsIn(at(positions.opts));
  const asked = words(at(positions.arches));
  return {
    ...build,
    target: typeof target === "string" && target !== "" ? target : null,
    scratch: opts.get("scratch") === true || opts.get("scratch") === 1,
    arches: asked.length > 0 ? asked : words(opts.get("arch_override")),
  };
}

/** The same as fields of a task row, without what is not asked for: a pass holds thousands of rows. */
export function requestedInRow(
  method: string,
  request: unknown,
): Pick<Task, "build_tag" | "package" | "target" | "arches"> {
  const { build_tag, package: name, target, arches } = requestedWork(method, request);
  return {
    build_tag,
    package: name,
    ...(target === null ? {} : { target }),
    ...(arches.length === 0 ? {} : { arches }),
  };
}

function optionsIn(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function words(value: unknown): readonly string[] {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  return parts.flatMap((part) => (typeof part === "string" ? part.split(/[\s,]+/).filter((word) => word !== "") : []));
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
