// Where a new task goes: its channel by policy, and the hosts that are barred from it at once.

import { canonicalArch } from "../../../shared/hub/index.ts";
import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import type { HubContext } from "./context.ts";
import { genericError } from "./fault.ts";
import type { ChannelRow, HostRow, TaskRow } from "./rows.ts";
import { buildArches } from "./tags.ts";

export interface ChannelRequest {
  readonly method: string;
  readonly args: readonly XmlRpcValue[];
  /** The channel that the caller asked for. */
  readonly requested: string | null;
  readonly parent: TaskRow | null;
}

/** One answer of the hub's `channel` policy. */
export type ChannelVerdict = "req" | "parent" | { readonly use: string };
export type ChannelPolicy = (request: ChannelRequest) => ChannelVerdict;

const CHANNEL_OF_METHOD: Readonly<Record<string, string>> = {
  newRepo: "createrepo",
  createrepo: "createrepo",
  livemedia: "livemedia",
  createLiveMedia: "livemedia",
};

/** The default policy of the hub: the requested channel, else the parent's; then by method, else `default`. */
export const defaultChannelPolicy: ChannelPolicy = ({ method, requested, parent }) => {
  if (requested !== null) return "req";
  if (parent !== null) return "parent";
  return { use: CHANNEL_OF_METHOD[method] ?? "default" };
};

/** kojihub make_task: a disabled channel is refused here, and only here. */
export function chooseChannel(hub: HubContext, request: ChannelRequest): ChannelRow {
  const { requested, parent } = request;
  const asked = requested === null ? null : usableChannel(hub, requested);
  const verdict = hub.settings.channelPolicy(request);
  if (verdict === "req" && asked !== null) return asked;
  if (verdict === "parent" && parent !== null) {
    const channel = hub.tables.channels.find(parent.channel_id);
    if (channel !== undefined) return channel;
  }
  if (typeof verdict === "string") throw genericError("invalid channel policy");
  return usableChannel(hub, verdict.use);
}

function usableChannel(hub: HubContext, name: string): ChannelRow {
  const channel = hub.tables.channels.find(name);
  if (channel === undefined) throw genericError(`No such channel: ${name}`);
  if (!channel.enabled) throw genericError(`Channel ${name} is disabled.`);
  return channel;
}

/** Position of the build tag in the request of noarch tasks that need a buildroot of it. */
const BUILD_TAG_POSITION: Readonly<Record<string, number>> = { buildArch: 1, rebuildSRPM: 1, buildSRPMFromSCM: 1 };

/** Arches of which a host needs one for this task, canonical; null = any host of the channel will do. */
export function neededArches(
  hub: HubContext,
  task: Pick<TaskRow, "arch" | "method" | "request">,
): ReadonlySet<string> | null {
  const position = BUILD_TAG_POSITION[task.method];
  if (task.arch !== "noarch" || position === undefined) return null;
  const tag = task.request[position];
  if (typeof tag !== "number" && typeof tag !== "string") return null;
  const arches = buildArches(hub, tag);
  return arches.length === 0 ? null : new Set(arches.map(canonicalArch));
}

export function servesOneOf(host: HostRow, arches: ReadonlySet<string>): boolean {
  return host.arches.split(/\s+/).some((arch) => arches.has(arch));
}

/** kojihub/scheduler.py auto_arch_refuse: hosts that are added or enabled later have no such row. */
export function refuseForeignHosts(hub: HubContext, task: TaskRow, needed: ReadonlySet<string>): void {
  for (const host of hub.tables.hostsInPlace()) {
    if (!host.enabled || !host.channels.includes(task.channel_id) || servesOneOf(host, needed)) continue;
    hub.tables.insertRefusal({
      task_id: task.id,
      host_id: host.id,
      soft: false,
      by_host: false,
      msg: "automatic arch refusal",
      ts: hub.clock.now(),
    });
  }
}
