// Hosts and channels: registering, editing, enabling, membership. Permission `host` for all that changes them.

import { assertPermission, type Caller, type HubContext, requireChannel, requireHost } from "./context.ts";
import { genericError, pythonError } from "./fault.ts";
import { type ChannelRow, type HostRow, USER_STATUS, USER_TYPE, type UserRow } from "./rows.ts";

/** host_config's default, which is also what the constraint `capacity > 1` lets through. */
const NEW_HOST_CAPACITY = 2;

export function addUser(hub: HubContext, name: string, usertype: number = USER_TYPE.NORMAL): UserRow {
  const id = hub.tables.users.nextId;
  const status = USER_STATUS.NORMAL;
  return hub.tables.users.insert({ id, name, usertype, status, last_call_ts: null, permissions: new Set() });
}

/** Enabled at once, in channel `default`, not ready. A person's name is refused unless forced. */
export function addHost(hub: HubContext, caller: Caller, name: string, arches: string, force = false): HostRow {
  assertPermission(caller, "host");
  if (hub.tables.findHost(name) !== undefined) throw genericError(`host already exists: ${name}`);
  const user = hub.tables.users.find(name);
  if (user !== undefined && user.usertype !== USER_TYPE.HOST) {
    if (!force) throw genericError(`user ${name} already exists and it is not a host`);
    hub.tables.patch(user, { usertype: USER_TYPE.HOST });
  }
  return hub.tables.insertHost({
    id: hub.tables.hosts.size + 1,
    user_id: (user ?? addUser(hub, name, USER_TYPE.HOST)).id,
    name,
    arches,
    capacity: NEW_HOST_CAPACITY,
    description: null,
    comment: null,
    enabled: true,
    ready: false,
    task_load: 0,
    update_ts: null,
    channels: [requireChannel(hub, "default").id],
    data: null,
    place: hub.tables.nextPlace(),
  });
}

export interface HostEdit {
  readonly arches?: string;
  readonly capacity?: number;
  readonly description?: string | null;
  readonly comment?: string | null;
}

/** Whether anything was changed. */
export function editHost(hub: HubContext, caller: Caller, idOrName: number | string, edit: HostEdit): boolean {
  assertPermission(caller, "host");
  const host = hub.tables.findHost(idOrName);
  if (host === undefined) throw genericError(`Invalid hostInfo: ${idOrName}`);
  const { arches = host.arches, capacity = host.capacity } = edit;
  const { description = host.description, comment = host.comment } = edit;
  const same = arches === host.arches && capacity === host.capacity;
  if (same && description === host.description && comment === host.comment) return false;
  if (!(capacity > 1)) throw capacityTooLow(host, { arches, capacity, description, comment });
  hub.tables.patch(host, { arches, capacity, description, comment, place: hub.tables.nextPlace() });
  return true;
}

/** PostgreSQL's own words; the events in the row are not modelled. */
function capacityTooLow(host: HostRow, edit: Required<HostEdit>) {
  const { arches, capacity, description, comment } = edit;
  const row = [host.id, arches, capacity, description ?? "null", comment ?? "null", host.enabled ? "t" : "f"];
  return pythonError(
    "psycopg2.errors.CheckViolation",
    `new row for relation "host_config" violates check constraint "host_config_capacity_check"\nDETAIL:  Failing row contains (${row.join(", ")}).\n`,
  );
}

/** Writes a history row even when nothing changes. */
export function setHostEnabled(hub: HubContext, caller: Caller, name: string, enabled: boolean): void {
  assertPermission(caller, "host");
  hub.tables.patch(requireHost(hub, name), { enabled, place: hub.tables.nextPlace() });
}

export interface ChannelMembership {
  /** Make the channel when there is none of that name. */
  readonly create?: boolean;
  /** Even if the channel is disabled. */
  readonly force?: boolean;
}

export function addHostToChannel(
  hub: HubContext,
  caller: Caller,
  hostName: string,
  channelName: string,
  { create = false, force = false }: ChannelMembership = {},
): void {
  assertPermission(caller, "host");
  const host = requireHost(hub, hostName);
  const known = hub.tables.channels.find(channelName);
  const channel = known ?? (create ? addChannel(hub, channelName) : requireChannel(hub, channelName));
  if (!channel.enabled && !force) throw genericError(`channel ${channelName} is disabled`);
  if (host.channels.includes(channel.id)) {
    throw genericError(`host ${hostName} is already subscribed to the ${channelName} channel`);
  }
  hub.tables.patch(host, { channels: [...host.channels, channel.id] });
}

export function removeHostFromChannel(hub: HubContext, caller: Caller, hostName: string, channelName: string): void {
  assertPermission(caller, "host");
  const host = requireHost(hub, hostName);
  const channel = requireChannel(hub, channelName);
  if (!host.channels.includes(channel.id)) {
    throw genericError(`host ${hostName} is not subscribed to the ${channelName} channel`);
  }
  hub.tables.patch(host, { channels: host.channels.filter((id) => id !== channel.id) });
}

export interface ChannelSeed {
  readonly description?: string | null;
  readonly comment?: string | null;
  readonly enabled?: boolean;
}

export function addChannel(hub: HubContext, name: string, seed: ChannelSeed = {}): ChannelRow {
  const { description = null, comment = null, enabled = true } = seed;
  return hub.tables.channels.insert({ id: hub.tables.channels.nextId, name, description, comment, enabled });
}

export function setChannelEnabled(
  hub: HubContext,
  caller: Caller,
  name: string,
  enabled: boolean,
  comment: string | null = null,
): void {
  assertPermission(caller, "host");
  hub.tables.patch(requireChannel(hub, name), comment === null ? { enabled } : { enabled, comment });
}
