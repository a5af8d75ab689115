// Which builders must not be put out of service now, though they are to be replaced: the queue could not go on. Pure.

import type { Packing } from "./pack.ts";
import type { Slot } from "./slots.ts";
import type { Change } from "./types.ts";

/**
 * Builders with work that could take tasks for which nothing can be launched. Parents on them may wait for just those
 * tasks, so putting such a builder out of service could block both for ever.
 */
export function findNeeded(slots: readonly Slot[], { blocked }: Packing): ReadonlySet<string> {
  const profiles = new Set(blocked.flatMap((each) => each.demand.flatMap((demand) => demand.profiles)).map(nameOf));
  const could = (slot: Slot) => profiles.size > 0 && (slot.retired || profiles.has(slot.profile.name));
  return new Set(slots.filter((slot) => slot.tasks.length > 0 && could(slot)).map(nameOf));
}

const nameOf = ({ name }: { readonly name: string }) => name;

/** Those of them that are being drained are called back, whatever the drain was for; it comes later. */
export function bringBack(slots: readonly Slot[], needed: ReadonlySet<string>, planned: readonly Change[]): Change[] {
  const spoken = new Set(planned.map((each) => each.slot));
  return slots.flatMap(({ name, phase, polling, instance }): Change[] => {
    if (phase !== "draining" || !polling || instance === null || instance.spotNoticeAt !== null) return [];
    if (!needed.has(name) || spoken.has(name)) return [];
    const reason = "the queue has tasks for which nothing can be launched, and its own may wait for them";
    return [{ kind: "cancel-drain", slot: name, instanceId: instance.instanceId, reason }];
  });
}
