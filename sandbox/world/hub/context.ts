// What every call of the hub model works on, who makes it, and the checks of permission.

import type { HubOptions } from "../../../shared/hub/index.ts";
import type { EventLog } from "./events.ts";
import { authError, genericError, notAllowed, serverOffline } from "./fault.ts";
import type { ChannelPolicy } from "./placement.ts";
import type { ChannelRow, HostRow, SessionRow, TaskRow, UserRow } from "./rows.ts";
import type { Tables } from "./tables.ts";

/** Settings of hub.conf that can be switched while the hub runs. */
export interface HubSettings {
  /** ServerOffline with its OfflineMessage; null = online. */
  offline: string | null;
  lockOut: boolean;
  loginCreatesUser: boolean;
  /** SessionRenewalTimeout; 0 = never. */
  sessionRenewalMinutes: number;
  maxRequestLength: number;
  channelPolicy: ChannelPolicy;
}

export interface HubContext {
  readonly clock: { now(): number };
  readonly tables: Tables;
  readonly options: HubOptions;
  readonly settings: HubSettings;
  readonly log: EventLog;
  /** Session that holds the lock of a user, by user id. */
  readonly exclusiveSessions: Map<number, number>;
  /** When the scheduler last ran; 0 = never. */
  lastRun: number;
}

/** Who calls. Anonymous: no user. In-process callers have a user and no session. */
export interface Caller {
  readonly user: UserRow | null;
  readonly session: SessionRow | null;
  /** The session, or the master of it, holds the user's lock. */
  readonly exclusive: boolean;
}

export const ANONYMOUS: Caller = { user: null, session: null, exclusive: false };

export function hasPermission(caller: Caller, name: string): boolean {
  return caller.user?.permissions.has(name) ?? false;
}

/** auth.py assertPerm: `admin` covers all. */
export function assertPermission(caller: Caller, name: string): void {
  if (hasPermission(caller, name) || hasPermission(caller, "admin")) return;
  const who = caller.user === null ? "user not logged in" : `logged in as ${caller.user.name}`;
  throw notAllowed(`${name} permission required (${who})`);
}

export function assertLogin(caller: Caller): UserRow {
  if (caller.user === null) throw notAllowed("you must be logged in for this operation");
  return caller.user;
}

/** kojihub Host.verify: the caller is a host and holds its user's exclusive session. */
export function callingHost(hub: HubContext, caller: Caller): HostRow {
  if (caller.user === null) throw authError("Not logged-in");
  const host = hub.tables.hostOfUser(caller.user.id);
  if (host === undefined) throw authError(`User ${caller.user.id} is not a host`);
  if (!caller.exclusive) throw authError("This method requires an exclusive session");
  return host;
}

export function assertOnline(hub: HubContext): void {
  if (hub.settings.offline !== null) throw serverOffline(hub.settings.offline);
}

/** kojixmlrpc enforce_lockout. */
export function assertNotLockedOut(hub: HubContext, caller: Caller, method: string): void {
  if (!hub.settings.lockOut || ["login", "sslLogin", "logout"].includes(method)) return;
  if (!hasPermission(caller, "admin")) throw serverOffline("Server disabled for maintenance");
}

export function requireTask(hub: HubContext, id: number): TaskRow {
  const task = hub.tables.tasks.get(id);
  if (task === undefined) throw genericError(`No such task: ${id}`);
  return task;
}

export function requireHost(hub: HubContext, name: string): HostRow {
  const host = hub.tables.findHost(name);
  if (host === undefined) throw genericError(`host does not exist: ${name}`);
  return host;
}

export function requireChannel(hub: HubContext, name: string): ChannelRow {
  const channel = hub.tables.channels.find(name);
  if (channel === undefined) throw genericError(`channel does not exist: ${name}`);
  return channel;
}
