// Task rows of builds under way, as a hub lists them, and tables as the forecast remembers them.

import { Draft, type Shards } from "../../../shared/fleet/forecast/shards.ts";
import { TASK_STATE, type Task } from "../../../shared/hub/index.ts";
import { NOW } from "../world.ts";

const ROW: Task = {
  id: 1,
  state: TASK_STATE.FREE,
  waiting: false,
  weight: 1,
  channel_id: 1,
  host_id: null,
  arch: "noarch",
  method: "build",
  priority: 20,
  create_ts: NOW - 40,
};

export const row = (changes: Partial<Task> & Pick<Task, "id">): Task => ({ ...ROW, ...changes });

export const FREE = { state: TASK_STATE.FREE } as const;
/** At work since so many seconds on host 1. */
export const openSince = (seconds: number, now = NOW): Partial<Task> => ({
  state: TASK_STATE.OPEN,
  host_id: 1,
  start_ts: now - seconds,
});

/** A build of `bash` for target f44 whose parent has id 10; children are 11 for the SRPM, 12 and on for the arches. */
export const build = {
  queued: (changes: Partial<Task> = {}): Task =>
    row({ id: 10, method: "build", package: "bash", target: "f44", ...changes }),
  parent: (changes: Partial<Task> = {}): Task =>
    build.queued({ ...openSince(30), weight: 0.2, waiting: true, ...changes }),
  srpm: (changes: Partial<Task> = {}): Task =>
    row({ id: 11, parent: 10, method: "buildSRPMFromSCM", package: "bash", build_tag: "f44-build", ...changes }),
  arch: (arch: string, changes: Partial<Task> = {}): Task =>
    row({ id: 12, parent: 10, method: "buildArch", arch, package: "bash", build_tag: "f44-build", ...changes }),
} as const;

export function tableOf<T>(entries: Readonly<Record<string, T>>): Shards<T> {
  const draft = new Draft<T>({});
  for (const [key, value] of Object.entries(entries)) draft.set(key, value);
  return draft.result;
}

export const entriesOf = <T>(table: Shards<T>): [string, T][] =>
  Object.values(table).flatMap((part) => Object.entries(part));
