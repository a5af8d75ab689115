// The rows of the hub's tables, in Koji's names. Times are epoch seconds. Rows change in place, only through Tables.

import type { RepoState, TaskState } from "../../../shared/hub/index.ts";
import type { XmlRpcStruct, XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";

export const USER_TYPE = { NORMAL: 0, HOST: 1 } as const;
export const USER_STATUS = { NORMAL: 0, BLOCKED: 1 } as const;

export interface UserRow {
  readonly id: number;
  readonly name: string;
  usertype: number;
  status: number;
  /** Last call of any of its sessions. */
  last_call_ts: number | null;
  readonly permissions: Set<string>;
}

export interface SessionRow {
  readonly id: number;
  key: string;
  readonly user_id: number;
  readonly authtype: number;
  readonly master: number | null;
  /** Last committed call; null = none. */
  callnum: number | null;
  exclusive: boolean;
  closed: boolean;
  expired: boolean;
  readonly start_ts: number;
  renew_ts: number | null;
  update_ts: number;
}

export interface ChannelRow {
  readonly id: number;
  name: string;
  description: string | null;
  comment: string | null;
  enabled: boolean;
}

export interface HostRow {
  readonly id: number;
  readonly user_id: number;
  readonly name: string;
  arches: string;
  capacity: number;
  description: string | null;
  comment: string | null;
  enabled: boolean;
  ready: boolean;
  task_load: number;
  update_ts: number | null;
  channels: readonly number[];
  data: HostReport | null;
  /** Place in the table of host configurations: an edited host comes last, in listHosts as in the scheduler. */
  place: number;
}

/** What kojid says of itself in host.updateHost. */
export interface HostReport {
  readonly methods?: readonly string[];
  readonly maxjobs?: number | null;
}

export type TaskResult =
  | { readonly value: XmlRpcValue }
  | { readonly fault: { readonly code: number; readonly text: string } };

export interface TaskRow {
  readonly id: number;
  state: TaskState;
  waiting: boolean | null;
  awaited: boolean | null;
  weight: number;
  readonly channel_id: number;
  host_id: number | null;
  readonly arch: string;
  readonly method: string;
  priority: number;
  readonly owner: number;
  readonly parent: number | null;
  readonly label: string | null;
  readonly create_ts: number;
  start_ts: number | null;
  completion_ts: number | null;
  /** Parameters as they were sent, a `__starstar` struct included. */
  readonly request: readonly XmlRpcValue[];
  result: TaskResult | null;
}

export interface TaskRunRow {
  readonly id: number;
  readonly task_id: number;
  readonly host_id: number;
  readonly create_ts: number;
  active: boolean;
}

export interface RefusalRow {
  readonly id: number;
  readonly task_id: number;
  readonly host_id: number;
  soft: boolean;
  by_host: boolean;
  msg: string;
  readonly ts: number;
}

/** A moment that something versioned changed in: Koji's table of events. */
export interface EventRow {
  readonly id: number;
  readonly ts: number;
}

export interface TagRow {
  readonly id: number;
  /** When it or what hangs on it last changed. */
  changed: EventRow;
  readonly name: string;
  arches: string | null;
  readonly extra: XmlRpcStruct;
  /** Parent tags, nearest first. */
  readonly parents: readonly number[];
}

export interface ExternalRepoRow {
  readonly id: number;
  readonly name: string;
  /** With $arch, and a slash at its end. */
  url: string;
  changed: EventRow;
}

export interface TagExternalRepoRow {
  readonly tag_id: number;
  readonly external_repo_id: number;
  readonly priority: number;
  readonly merge_mode: string;
  /** Separated by spaces; null = all of the tag. */
  readonly arches: string | null;
}

/** What a repo took its external rpms from: the URL that the hub had at its creation. */
export interface UsedExternalRepo {
  readonly name: string;
  readonly url: string;
}

export interface RepoRow {
  readonly id: number;
  readonly tag_id: number;
  readonly create: EventRow;
  /** The tag's last change before it. */
  readonly begin: EventRow;
  state: RepoState;
  state_ts: number;
  /** null = made without a task. */
  readonly task_id: number | null;
  readonly dist: boolean;
  readonly externals: readonly UsedExternalRepo[];
}

export interface RepoRequestRow {
  readonly id: number;
  readonly owner: number;
  readonly tag_id: number;
  priority: number;
  readonly create_ts: number;
  /** The id of an event: the repo may be no older. */
  readonly min_event: number;
  readonly opts: XmlRpcStruct;
  active: boolean;
  task_id: number | null;
  tries: number;
  repo_id: number | null;
  update_ts: number;
}

export interface TargetRow {
  readonly id: number;
  readonly name: string;
  readonly build_tag: number;
  readonly dest_tag: number;
}
