// One run of the hub's scheduler in a replay: the replica itself, over the hosts that have room and the head of the queue.

import {
  FREE_TASK_LIMIT,
  type Host as HostRow,
  type HubOptions,
  type HubState,
  schedule,
} from "../../../shared/hub/index.ts";
import type { Host } from "./host.ts";
import type { PlayedTask } from "./task.ts";

/** Hosts without room are no candidates and change no ranks, so they are left out: the placements are the same. */
export function place(
  candidates: readonly Host[],
  free: readonly PlayedTask[],
  refused: readonly { readonly task: number; readonly host: number; readonly at: number }[],
  rows: {
    readonly now: number;
    readonly options: HubOptions;
    readonly channels: HubState["channels"];
    readonly taskRow: (task: PlayedTask) => HubState["tasks"][number];
    readonly hostRow: (host: Host) => HostRow;
  },
): readonly { readonly task: number; readonly host: number }[] {
  const { now, options, channels, taskRow, hostRow } = rows;
  const tasks = free.slice(0, FREE_TASK_LIMIT).map(taskRow);
  for (const host of candidates) for (const task of host.tasks) tasks.push(taskRow(task));
  const result = schedule({
    now,
    options,
    channels,
    hosts: candidates.map(hostRow),
    tasks,
    refusals: refused.map(({ task, host, at }) => ({
      task_id: task,
      host_id: host,
      soft: true,
      by_host: false,
      ts: at,
    })),
    runs: [],
  });
  return result.assigned.map(({ task_id, host_id }) => ({ task: task_id, host: host_id }));
}
