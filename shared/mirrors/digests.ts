// The digests of READY repos in the bucket: each is read from the hub once, for a READY repo never changes.

import type { ObjectStore } from "../aws/store.ts";
import { type LiveDigest, liveDigestSchema } from "./live-set.ts";
import { MirrorStateUnreadable } from "./states.ts";
import { type KnownDigest, type ReadyArch, readJson } from "./survey-file.ts";
import type { ReadyRepo, SurveyedRepo } from "./survey-types.ts";

/** The name of an arch is a word. */
const keyOf = ({ id, arch }: ReadyArch) => `mirrors/live/${id}-${arch}.json`;

/** null = it has not been read from the hub yet, or what lies there is none. */
export async function readDigest(store: ObjectStore, repo: ReadyArch): Promise<LiveDigest | null> {
  const key = keyOf(repo);
  const stored = await store.get(key);
  if (stored === null) return null;
  try {
    return readJson(key, stored.text, liveDigestSchema);
  } catch (error) {
    // It is read from the hub again, and overwritten.
    if (error instanceof MirrorStateUnreadable) return null;
    throw error;
  }
}

export async function writeDigest(store: ObjectStore, digest: LiveDigest): Promise<void> {
  const { repo: id, tag, arch } = digest;
  await store.put(keyOf({ id, tag, arch }), JSON.stringify(digest));
}

export function knownDigest(repo: ReadyArch, { origins }: LiveDigest, now: number): KnownDigest {
  const { id, tag, arch } = repo;
  return { id, tag, arch, bases: origins.map(({ base }) => base), seenAt: now };
}

/** The arches of READY repos that may take rpms from elsewhere: those for which their tags use an external repo. Pure. */
export function readyArches(ready: readonly ReadyRepo[], repos: readonly SurveyedRepo[]): ReadyArch[] {
  const used = new Set(
    repos.flatMap(({ uses }) => uses.flatMap(({ tag, arches }) => arches.map((arch) => `${tag} ${arch}`))),
  );
  return ready.flatMap(({ id, tag, arches }) =>
    arches.filter((arch) => used.has(`${tag} ${arch}`)).map((arch) => ({ id, tag, arch })),
  );
}

export const isSameArch = (a: ReadyArch, b: ReadyArch): boolean => a.id === b.id && a.arch === b.arch;
