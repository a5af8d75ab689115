// What happens to mirrors by themselves: upstream's updates every few hours, and now and then a mirror that breaks.

import type { VirtualClock } from "../world/clock.ts";
import type { Hub } from "../world/hub/index.ts";
import type { Random } from "../world/random.ts";
import type { Breakage, MirrorHosts } from "./hosts.ts";
import { EXTERNAL_REPOS, type ExternalRepoPlan, mirrorsOf, UPDATES } from "./site.ts";

const HOUR = 3600;
/** So that there is something to see. */
const FIRST_UPDATE_SECONDS = 1200;
const FIRST_BREAKAGE_HOURS = { low: 1, high: 2 };
const UPDATE_HOURS = { low: 2, high: 4 };
/** Longer than mirrors.failover.periodHours: each of them may lead to a switch. */
const BREAKAGE_HOURS = { low: 6, high: 12 };
const BROKEN_HOURS: Readonly<Record<Breakage, number>> = { dead: 3, partial: 3, frozen: 14 };

export interface MirrorLife {
  readonly clock: VirtualClock;
  readonly hub: Pick<Hub, "externalRepo">;
  readonly hosts: MirrorHosts;
  readonly random: Random;
}

/** Returns how to end it. */
export function startMirrorLife({ clock, hub, hosts, random }: MirrorLife): () => void {
  const updates = random.fork("updates");
  const breakages = random.fork("breakages");
  const hours = (from: Random, { low, high }: { readonly low: number; readonly high: number }) =>
    from.between(low, high) * HOUR;
  let cancelUpdate = () => {};
  let cancelBreakage = () => {};
  const update = () => {
    hosts.rotate(UPDATES);
    cancelUpdate = clock.after(hours(updates, UPDATE_HOURS), update);
  };
  const breakOne = () => {
    const repo = breakages.pick(EXTERNAL_REPOS);
    const breakage = breakages.pick(breakagesOf(repo));
    const address = hub.externalRepo(repo.name).url;
    // Somebody may have switched to upstream itself, which does not break.
    const breaks = mirrorsOf(repo).includes(address);
    if (breaks) hosts.break(repo, address, breakage);
    cancelBreakage = clock.after(BROKEN_HOURS[breakage] * HOUR, () => {
      if (breaks) hosts.mend(repo, address);
      cancelBreakage = clock.after(hours(breakages, BREAKAGE_HOURS), breakOne);
    });
  };
  cancelUpdate = clock.after(FIRST_UPDATE_SECONDS, update);
  cancelBreakage = clock.after(hours(breakages, FIRST_BREAKAGE_HOURS), breakOne);
  return () => {
    cancelUpdate();
    cancelBreakage();
  };
}

/** What never changes upstream cannot fall behind. */
const breakagesOf = ({ rotates }: ExternalRepoPlan): readonly Breakage[] =>
  rotates ? ["dead", "partial", "frozen"] : ["dead", "partial"];
