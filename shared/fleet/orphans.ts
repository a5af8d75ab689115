// What crashes leave behind, and which of it may go: unused in two sweeps, and for longer than anything needs. Pure.

import type { TemplateVersion } from "../aws/ec2.ts";
import type { TaggedInterface, TaggedVolume } from "../aws/leftovers.ts";
import type { ListedObject } from "../aws/store.ts";
import type { Site } from "../config/index.ts";
import { readDescription, TAG } from "./tags.ts";

export const ORPHAN_KINDS = ["volume", "network interface", "template version", "identity"] as const;
export type OrphanKind = (typeof ORPHAN_KINDS)[number];

/** What a sweep saw of one kind. Half a list is no list. */
export type Look<T> =
  | { readonly seen: true; readonly items: readonly T[] }
  | { readonly seen: false; readonly why: string };

/** An instance as far as it uses what was made for its launch. */
export interface LaunchedInstance {
  readonly live: boolean;
  readonly launch: string | null;
  /** Versions of the launch template that it names. */
  readonly templateVersions: readonly string[];
}

export interface FoundVersion extends TemplateVersion {
  readonly isDefault: boolean;
}

export interface Found {
  readonly instances: Look<LaunchedInstance>;
  readonly volumes: Look<TaggedVolume>;
  readonly interfaces: Look<TaggedInterface>;
  readonly versions: Look<FoundVersion>;
  readonly identities: Look<ListedObject>;
}

/** By kind and id: since when a thing has been seen unused, in every sweep since. Epoch seconds. */
export type Markers = Readonly<Record<OrphanKind, Readonly<Record<string, number>>>>;

export const NO_MARKERS: Markers = { volume: {}, "network interface": {}, "template version": {}, identity: {} };

/** How long a thing must have been unused, in seconds. */
export type OrphanRules = Readonly<Record<OrphanKind, number>>;

export function orphanRules({ builders }: Site): OrphanRules {
  // A launch under way uses its own again within 300 s (launch.ts), and its builder needs them until the boot limit.
  const launch = builders.bootLimitSeconds + 300;
  return { volume: 900, "network interface": 900, "template version": launch, identity: launch };
}

export interface Orphan {
  readonly kind: OrphanKind;
  /** Volume id, interface id, version number or object key. */
  readonly id: string;
  /** Its marker's age begins here. */
  readonly since: number;
  /** "volume vol-1 (60 GiB, builder-x86-03) is attached to nothing for 32 min" */
  readonly what: string;
}

export interface OrphanVerdict {
  readonly remove: readonly Orphan[];
  readonly markers: Markers;
  /** What is not removed, and why. */
  readonly sentences: readonly string[];
}

/** A thing of one kind, whatever its kind. */
interface Thing {
  readonly id: string;
  /** "volume vol-1 (60 GiB)" */
  readonly name: string;
  /** "is attached to nothing" */
  readonly unused: string;
  /** in-use: says nothing. never: not ours to remove, and the sentence that says so. */
  readonly use: "in-use" | "unused" | { readonly never: string };
  /** An older marker is about an earlier thing of the same id; epoch seconds. */
  readonly writtenAt: number;
}

/** `markers` are those of the last sweep. */
export function judgeOrphans(found: Found, markers: Markers, rules: OrphanRules, now: number): OrphanVerdict {
  const things: Readonly<Record<OrphanKind, Look<Thing>>> = {
    volume: eachOf(found.volumes, volumeThing),
    "network interface": eachOf(found.interfaces, interfaceThing),
    ...launchThings(found),
  };
  const verdicts = ORPHAN_KINDS.map((kind) => ({ kind, ...judgeKind(kind, things[kind], markers[kind], rules, now) }));
  return {
    remove: verdicts.flatMap((each) => each.remove),
    markers: { ...NO_MARKERS, ...Object.fromEntries(verdicts.map((each) => [each.kind, each.marked])) },
    sentences: verdicts.flatMap((each) => each.sentences),
  };
}

function judgeKind(
  kind: OrphanKind,
  things: Look<Thing>,
  earlier: Readonly<Record<string, number>>,
  rules: OrphanRules,
  now: number,
) {
  if (!things.seen) return { remove: [], marked: earlier, sentences: [`no ${kind} is removed: ${things.why}`] };
  const remove: Orphan[] = [];
  const sentences: string[] = [];
  const marked: Record<string, number> = {};
  for (const { id, name, unused, use, writtenAt } of things.items) {
    if (typeof use === "object") sentences.push(`${name} ${use.never}`);
    if (use !== "unused") continue;
    const known = earlier[id];
    // A marker of the future was set by a clock that has been put back since: it says nothing about age.
    const since = known === undefined || known > now || known < writtenAt ? null : known;
    marked[id] = since ?? now;
    const seconds = now - (since ?? now);
    if (since !== null && seconds > rules[kind]) {
      remove.push({ kind, id, since, what: `${name} ${unused} for ${duration(seconds)}` });
    } else {
      const age = since === null ? "" : ` for ${duration(seconds)}`;
      sentences.push(`${name} ${unused}${age}: kept until it has been so for ${duration(rules[kind])}`);
    }
  }
  return { remove, marked, sentences };
}

function volumeThing({ volumeId, state, sizeGiB, tags }: TaggedVolume): Thing {
  const name = `volume ${volumeId} (${[`${sizeGiB} GiB`, ...slotOf(tags)].join(", ")})`;
  return { id: volumeId, name, unused: ATTACHED_TO_NOTHING, use: useOfAttachable(state, tags), writtenAt: 0 };
}

function interfaceThing({ networkInterfaceId, state, tags }: TaggedInterface): Thing {
  const [slot] = slotOf(tags);
  const name = `network interface ${networkInterfaceId}${slot === undefined ? "" : ` (${slot})`}`;
  return { id: networkInterfaceId, name, unused: ATTACHED_TO_NOTHING, use: useOfAttachable(state, tags), writtenAt: 0 };
}

const ATTACHED_TO_NOTHING = "is attached to nothing";

function useOfAttachable(state: string, tags: TaggedVolume["tags"]): Thing["use"] {
  if (state !== "available") return "in-use";
  return isPinned(tags) ? { never: `${ATTACHED_TO_NOTHING} and carries the tag ${TAG.pin}: left alone` } : "unused";
}

export function isPinned(tags: TaggedVolume["tags"]): boolean {
  return tags[TAG.pin] !== undefined;
}

function slotOf(tags: TaggedVolume["tags"]): string[] {
  const slot = tags[TAG.slot] ?? tags.Name;
  return slot === undefined ? [] : [slot];
}

/** What belongs to a launch is in use while an instance of that launch lives, so without the instances nothing is known. */
function launchThings({ instances, versions, identities }: Found) {
  if (!instances.seen) return { "template version": instances, identity: instances };
  const live = instances.items.filter((each) => each.live);
  const named = new Set(live.flatMap((each) => each.templateVersions));
  const launches = new Set(live.flatMap(({ launch }) => launch ?? []));
  // An instance that lost its tags still names its version, whose description names the launch.
  for (const each of versions.seen ? versions.items : []) {
    const made = readDescription(each.description);
    if (named.has(each.version) && made !== null) launches.add(made.token);
  }
  const versionUse = ({ version, description, isDefault }: FoundVersion): Thing["use"] => {
    const made = readDescription(description);
    if (isDefault || made === null) return "in-use";
    return named.has(version) || launches.has(made.token) ? "in-use" : "unused";
  };
  return {
    "template version": eachOf(
      versions,
      (version): Thing => ({
        id: version.version,
        name: `template version ${version.version} (${version.description})`,
        unused: OF_NO_INSTANCE,
        use: versionUse(version),
        // Numbers begin anew with a new template.
        writtenAt: version.madeAt,
      }),
    ),
    // Without the versions an untagged instance cannot be led to its identity.
    identity: versions.seen ? eachOf(identities, (object) => identityThing(object, launches)) : versions,
  };
}

const OF_NO_INSTANCE = "belongs to no instance";

function identityThing({ key, writtenAt }: ListedObject, launches: ReadonlySet<string>): Thing {
  const token = /^identities\/[^/]+\/([^/]+)\.pem$/.exec(key)?.[1];
  const use = () => {
    if (token === undefined) return { never: "has a name that no launch gives: left alone" };
    return launches.has(token) ? "in-use" : "unused";
  };
  return { id: key, name: key, unused: OF_NO_INSTANCE, use: use(), writtenAt };
}

function eachOf<T>(look: Look<T>, toThing: (item: T) => Thing): Look<Thing> {
  return look.seen ? { seen: true, items: look.items.map(toThing) } : look;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}
