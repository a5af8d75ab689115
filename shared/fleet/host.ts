// The hub's record of a slot: made once, kept for ever, set to what its profile says before each launch.

import type { Profile } from "../config/index.ts";
import {
  addHost,
  addHostToChannel,
  ask,
  disableHost,
  editHost,
  enableHost,
  getHost,
  type HostRow,
  HubFault,
  type HubWrite,
  type HubWriter,
  listChannelsOf,
  listTasksOf,
  removeHostFromChannel,
  type Task,
  write,
  writeAll,
} from "../hub/index.ts";

/** Somebody enabled the host of an empty slot: launching into it would give tasks to a builder that is not up. */
export class SlotEnabled extends Error {
  override readonly name = "SlotEnabled";
  readonly retryable = true;
}

/**
 * Host, arches, capacity and channels as the profile has them, disabled. Repeating it changes nothing more.
 * `mayBeEnabled`: a builder was lost in the slot, and the hub frees tasks of enabled hosts only.
 */
export async function prepareHost(
  hub: HubWriter,
  slot: string,
  profile: Profile,
  mayBeEnabled: boolean,
): Promise<void> {
  // addHost enables at once and joins channel default: in one multiCall with disableHost nobody sees it so.
  if ((await ask(hub, getHost(slot))) === null)
    await writeTogether(hub, [addHost(slot, profile.arches), disableHost(slot)]);
  const host = await ask(hub, getHost(slot));
  if (host === null) throw new Error(`the hub has no host ${slot} right after it was made: look at the hub's log`);
  if (host.enabled && !mayBeEnabled)
    throw new SlotEnabled(`host ${slot} is enabled though its slot is empty: no launch into it now`);
  const joined = (await ask(hub, listChannelsOf(slot))).map((channel) => channel.name);
  const arches = profile.arches.join(" ");
  const { capacity } = profile;
  await writeTogether(hub, [
    ...(host.arches === arches && host.capacity === capacity ? [] : [editHost(slot, { arches, capacity })]),
    ...profile.channels.filter((name) => !joined.includes(name)).map((name) => addHostToChannel(slot, name)),
    ...joined.filter((name) => !profile.channels.includes(name)).map((name) => removeHostFromChannel(slot, name)),
  ]);
}

/** One multiCall; the first refusal is thrown, after the others were done. */
export async function writeTogether(hub: HubWriter, writes: readonly HubWrite[]): Promise<void> {
  if (writes.length === 0) return;
  for (const outcome of await writeAll(hub, writes)) if (outcome instanceof HubFault) throw outcome;
}

/**
 * Enables a host whose builder is not up yet: the hub gives nothing to one that it has not heard of for `readyTimeout`
 * (kojihub/scheduler.py check_hosts), and kojid is ready at its very first poll. `now`: the hub's own time. False = not
 * done, for something has polled under this name.
 */
export async function enableSilentHost(
  hub: HubWriter,
  slot: string,
  { readyTimeout, now }: { readonly readyTimeout: number; readonly now: number },
): Promise<boolean> {
  const host = await ask(hub, getHost(slot));
  if (host === null || (host.update_ts !== null && now - host.update_ts <= readyTimeout)) return false;
  await write(hub, enableHost(slot));
  return true;
}

/** The last look before a builder goes: is it disabled, and does the hub hold tasks for it? A slot without host has none. */
export async function readHolding(
  hub: HubWriter,
  slot: string,
): Promise<{ readonly host: HostRow | null; readonly tasks: readonly Task[] }> {
  const host = await ask(hub, getHost(slot));
  if (host === null) return { host, tasks: [] };
  return { host, tasks: await ask(hub, listTasksOf([host.id])) };
}
