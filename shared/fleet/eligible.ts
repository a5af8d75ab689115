// Which profiles could run a task at all, or the sentence that says why none can. Pure.

import type { Profile, Site } from "../config/index.ts";
import { expectedWeight, type HubState, type Task } from "../hub/index.ts";
import { tagArchesOf } from "./simulate.ts";
import type { Slot } from "./slots.ts";
import type { Lookups } from "./types.ts";

/** A FREE task that no present builder takes, with what is needed to pack it. */
export interface Demand {
  readonly task: Task;
  readonly channel: string;
  /** The weight its builder will give it. */
  readonly weight: number;
  readonly profiles: readonly Profile[];
  /** Host ids the hub will not give it to. */
  readonly refusedHosts: ReadonlySet<number>;
}

export type Eligibility = { readonly demand: Demand } | { readonly channel: string; readonly reason: string };

/** Prepared once per decision: the indexes that every task is judged with. */
export interface Judge {
  judge(task: Task): Eligibility;
  channelName(channelId: number): string;
}

export function createJudge(state: HubState, site: Site, slots: readonly Slot[], lookups: Lookups): Judge {
  const channels = new Map(state.channels.map((channel) => [channel.id, channel]));
  const channelName = (id: number) => channels.get(id)?.name ?? `#${id}`;
  const refused = liveRefusals(state);
  const outside = outsideBins(state, slots);
  const slotsOf = Map.groupBy(
    slots.filter((slot) => !slot.retired),
    (slot) => slot.profile.name,
  );

  return {
    channelName,
    judge(task) {
      const channel = channels.get(task.channel_id);
      if (channel === undefined) {
        return { channel: channelName(task.channel_id), reason: `the hub lists no channel with id ${task.channel_id}` };
      }
      const no = (reason: string): Eligibility => ({ channel: channel.name, reason: reason + others });
      const count = outside.get(`${task.channel_id}:${task.arch}`) ?? 0;
      const others = count === 0 ? "" : `; it waits for the ${count} enabled host(s) outside Toji's pool that serve it`;
      if (!channel.enabled) {
        const reason = `channel ${channel.name} is disabled on the hub: nothing runs in it until an administrator enables it`;
        return { channel: channel.name, reason };
      }
      const inChannel = site.builders.profiles.filter((profile) => profile.channels.includes(channel.name));
      if (inChannel.length === 0) return no(`no profile serves channel ${channel.name}`);
      const inArch = inChannel.filter((profile) => task.arch === "noarch" || profile.arches.includes(task.arch));
      if (inArch.length === 0) return no(`no profile of channel ${channel.name} has arch ${task.arch}`);
      const tagArches = tagArchesOf(task, lookups);
      const inTag = inArch.filter(
        (profile) => tagArches === null || profile.arches.some((arch) => tagArches.includes(arch)),
      );
      if (inTag.length === 0) {
        return no(
          `its build tag has only ${tagArches?.join(", ")}, and no profile of channel ${channel.name} has one of them`,
        );
      }
      const needed = task.weight - state.options.capacityOvercommit;
      const large = inTag.filter((profile) => profile.capacity > Math.max(0, needed));
      if (large.length === 0) {
        return no(
          `weight ${round(task.weight)} needs a capacity above ${round(needed)}, more than any profile for it has`,
        );
      }
      const refusedHosts = refused.get(task.id) ?? NOBODY;
      const open = large.filter((profile) =>
        slotsOf.get(profile.name)?.some((slot) => slot.host === null || !refusedHosts.has(slot.host.id)),
      );
      if (open.length === 0) return no("every slot that could run it has refused it");
      const seconds = task.package == null ? null : lookups.packageSeconds[task.package]?.seconds;
      return {
        demand: { task, channel: channel.name, weight: expectedWeight(task, seconds), profiles: open, refusedHosts },
      };
    },
  };
}

const NOBODY: ReadonlySet<number> = new Set();

function liveRefusals(state: HubState): ReadonlyMap<number, ReadonlySet<number>> {
  const cutoff = state.now - state.options.softRefusalTimeout;
  const refused = new Map<number, Set<number>>();
  for (const refusal of state.refusals) {
    if (refusal.soft && refusal.ts < cutoff) continue;
    refused.set(refusal.task_id, (refused.get(refusal.task_id) ?? new Set()).add(refusal.host_id));
  }
  return refused;
}

/** How many enabled hosts that are none of our slots serve each bin. */
function outsideBins(state: HubState, slots: readonly Slot[]): ReadonlyMap<string, number> {
  const ours = new Set(slots.map((slot) => slot.name));
  const bins = new Map<string, number>();
  for (const host of state.hosts) {
    if (!host.enabled || ours.has(host.name)) continue;
    for (const channel of host.channels) {
      for (const arch of new Set([...host.arches.split(/\s+/), "noarch"])) {
        const bin = `${channel}:${arch}`;
        bins.set(bin, (bins.get(bin) ?? 0) + 1);
      }
    }
  }
  return bins;
}

/** At most two decimals, for sentences. */
export function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** "14:02Z", for sentences. */
export function clockTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(11, 16)}Z`;
}
