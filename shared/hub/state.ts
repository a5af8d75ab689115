// The state of a hub as its task scheduler sees it: what `toji snapshot` writes, `toji schedule` reads and the replica works on.

export const TASK_STATE = { FREE: 0, OPEN: 1, CLOSED: 2, CANCELED: 3, ASSIGNED: 4, FAILED: 5 } as const;
export type TaskState = (typeof TASK_STATE)[keyof typeof TASK_STATE];

/** hub.conf options that the scheduler uses; seconds and counts. Source: kojihub/kojixmlrpc.py. */
export interface HubOptions {
  readonly maxJobs: number;
  readonly capacityOvercommit: number;
  readonly readyTimeout: number;
  readonly assignTimeout: number;
  readonly softRefusalTimeout: number;
  readonly hostTimeout: number;
  readonly runInterval: number;
}

export const DEFAULT_HUB_OPTIONS: HubOptions = {
  maxJobs: 15,
  capacityOvercommit: 5,
  readyTimeout: 180,
  assignTimeout: 300,
  softRefusalTimeout: 900,
  hostTimeout: 900,
  runInterval: 60,
};

export interface Channel {
  readonly id: number;
  readonly name: string;
  readonly enabled: boolean;
}

/** The hub's record of a builder. `arches` is the hub's raw, space-separated string. Times are epoch seconds. */
export interface Host {
  readonly id: number;
  readonly name: string;
  readonly arches: string;
  readonly capacity: number;
  readonly enabled: boolean;
  readonly ready: boolean;
  readonly task_load: number;
  /** Last `host.updateHost`; null = never checked in. */
  readonly update_ts: number | null;
  /** Channel ids, disabled channels included. */
  readonly channels: readonly number[];
  /** What kojid reported; null = never. */
  readonly data: { readonly maxjobs?: number | null; readonly methods?: readonly string[] } | null;
}

/** A task row. The first block is what the scheduler reads; the rest is what Toji explains and plans with. */
export interface Task {
  readonly id: number;
  readonly state: TaskState;
  readonly waiting: boolean | null;
  readonly weight: number;
  readonly channel_id: number;
  readonly host_id: number | null;
  readonly arch: string;
  readonly method: string;
  readonly priority: number | null;
  readonly create_ts: number;
  readonly parent?: number | null;
  readonly label?: string | null;
  /** Kept by a task that was freed after it had been open. */
  readonly start_ts?: number | null;
  /** Build tag (id or name) and package that the request names, where the method has them. */
  readonly build_tag?: number | string | null;
  readonly package?: string | null;
  /** Build target of a request that a person makes, and the arches it asks for (none = all of the tag). */
  readonly target?: string | null;
  readonly arches?: readonly string[];
}

export interface Refusal {
  readonly task_id: number;
  readonly host_id: number;
  readonly soft: boolean;
  readonly by_host: boolean;
  readonly ts: number;
}

export interface TaskRun {
  readonly id: number;
  readonly task_id: number;
  readonly host_id: number;
  readonly active: boolean;
  readonly create_ts: number;
}

/** A repo that is asked for; the hub makes its newRepo task later (kojira, repo.checkQueue). */
export interface RepoRequest {
  readonly id: number;
  /** Id of the build tag. */
  readonly tag: number;
  readonly create_ts: number;
  /** null = no task has been made for it yet. */
  readonly task_id: number | null;
}

export interface HubState {
  readonly now: number;
  readonly options: HubOptions;
  readonly channels: readonly Channel[];
  readonly hosts: readonly Host[];
  readonly tasks: readonly Task[];
  readonly refusals: readonly Refusal[];
  readonly runs: readonly TaskRun[];
  /** Missing where the hub has no such queue (before Koji 1.35). */
  readonly repoRequests?: readonly RepoRequest[];
}
