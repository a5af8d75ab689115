// Tags, their inheritance, and targets: as much as the builds of the model need.

import type { XmlRpcStruct, XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import type { HubContext } from "./context.ts";
import { genericError } from "./fault.ts";
import type { TagRow, TargetRow } from "./rows.ts";

type IdOrName = number | string;

export interface TagSeed {
  readonly arches?: string | null;
  readonly extra?: XmlRpcStruct;
  /** Names of parent tags, nearest first. */
  readonly parents?: readonly string[];
}

export function addTag(hub: HubContext, name: string, seed: TagSeed = {}): TagRow {
  const parents = (seed.parents ?? []).map((parent) => requireTag(hub, parent).id);
  const id = hub.tables.tags.nextId;
  const changed = hub.tables.newEvent(hub.clock.now());
  return hub.tables.tags.insert({ id, name, changed, arches: seed.arches ?? null, extra: seed.extra ?? {}, parents });
}

export function addTarget(hub: HubContext, name: string, buildTag: string, destTag: string): TargetRow {
  const id = hub.tables.targets.nextId;
  const build_tag = requireTag(hub, buildTag).id;
  return hub.tables.targets.insert({ id, name, build_tag, dest_tag: requireTag(hub, destTag).id });
}

export function requireTag(hub: HubContext, tag: IdOrName): TagRow {
  const found = hub.tables.tags.find(tag);
  if (found === undefined) throw genericError(`No such tagInfo: ${typeof tag === "string" ? `'${tag}'` : tag}`);
  return found;
}

export function requireTarget(hub: HubContext, target: IdOrName): TargetRow {
  const found = hub.tables.targets.find(target);
  if (found === undefined) throw genericError(`No such build target: ${target}`);
  return found;
}

export interface BuildConfig {
  readonly tag: TagRow;
  readonly arches: string | null;
  readonly extra: XmlRpcStruct;
  /** The tag that arches, and each key of extra, came from, where it was not the tag itself. */
  readonly archesFrom: TagRow | null;
  readonly extraFrom: ReadonlyMap<string, TagRow>;
}

/** kojihub getBuildConfig: arches and extra filled in from the parents, nearest first. */
export function buildConfig(hub: HubContext, idOrName: IdOrName): BuildConfig {
  const tag = requireTag(hub, idOrName);
  let arches = tag.arches;
  let archesFrom: TagRow | null = null;
  const extra = new Map<string, XmlRpcValue>(Object.entries(tag.extra));
  const extraFrom = new Map<string, TagRow>();
  for (const parent of ancestors(hub, tag)) {
    if (arches === null && parent.arches !== null) {
      arches = parent.arches;
      archesFrom = parent;
    }
    for (const [key, value] of Object.entries(parent.extra)) {
      if (extra.has(key)) continue;
      extra.set(key, value);
      extraFrom.set(key, parent);
    }
  }
  return { tag, arches, extra: Object.fromEntries(extra), archesFrom, extraFrom };
}

/** Arches that a build in this tag is made for. */
export function buildArches(hub: HubContext, tag: IdOrName): readonly string[] {
  return (buildConfig(hub, tag).arches ?? "").split(/\s+/).filter((arch) => arch !== "");
}

/** Parents and theirs, in the order in which Koji goes through them: depth first. */
export function ancestors(hub: HubContext, tag: TagRow, seen = new Set([tag.id])): TagRow[] {
  return tag.parents.flatMap((id) => {
    const parent = hub.tables.tags.find(id);
    if (parent === undefined || seen.has(id)) return [];
    seen.add(id);
    return [parent, ...ancestors(hub, parent, seen)];
  });
}
