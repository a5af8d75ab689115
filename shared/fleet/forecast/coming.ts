// What builds under way bring to each group of tasks. Pure.

import { expectedWeight, type HubState, TASK_STATE, type Task } from "../../hub/index.ts";
import type { Lookups } from "../types.ts";
import { type ComingTask, type ComingTasks, childrenAhead } from "./children.ts";
import type { GraphMemory } from "./families.ts";
import { type Group, type GroupLoad, loadOf, sizeOf, weightOf } from "./groups.ts";
import { repoTasksAhead } from "./repo-requests.ts";
import type { WorkMemory } from "./work-times.ts";

/** What builds under way bring to a group, in typical tasks. */
export interface Coming {
  /** What may be there when the time of a boot is over. */
  readonly atEnd: { readonly chance: number; readonly tasks: number }[];
  /** Of today's demand: what counts among `atEnd`, since it may have ended by then. */
  leaving: number;
  /** All that may come: what of it comes is no surprise. */
  announced: number;
}

export const NOTHING_COMES: Coming = { atEnd: [], leaving: 0, announced: 0 };

export function tasksAhead(
  state: HubState,
  { graph, work }: { readonly graph: GraphMemory; readonly work: WorkMemory },
  lookups: Lookups,
  within: number,
): ComingTasks[] {
  return [...childrenAhead(state, graph, lookups, within, work), ...repoTasksAhead(state, graph, lookups, within)];
}

/** What builds under way will need, by group; the place that a sibling leaves is not counted twice. */
export function comingByGroup(
  coming: readonly ComingTasks[],
  groupOf: (task: Task) => Group | null,
  loads: Map<string, GroupLoad>,
): Map<string, Coming> {
  const byGroup = new Map<string, Coming>();
  const of = (group: Group): Coming => {
    const known = byGroup.get(group.key);
    if (known !== undefined) return known;
    const fresh = { atEnd: [], leaving: 0, announced: 0 };
    byGroup.set(group.key, fresh);
    loadOf(loads, group);
    return fresh;
  };
  for (const [parent, stages] of Map.groupBy(coming, (each) => each.parent)) {
    // What nobody can run makes no children.
    if (parent.id > 0 && parent.state === TASK_STATE.FREE && groupOf(parent) === null) continue;
    /** Of this build, by group: the most that it has on at once, of what comes, less what makes place for it. */
    const most = new Map<Coming, number>();
    for (const { chance, tasks, after } of stages) {
      const together = new Map<Coming, number>();
      const group = after === null ? null : groupOf(after.task);
      if (after !== null && group !== null) {
        const size = sizeOf(weightOf(after.task), group.home);
        of(group).leaving += size;
        of(group).atEnd.push({ chance: 1 - after.ends, tasks: size });
        together.set(of(group), -size);
      }
      for (const each of tasks) {
        const task = asTask(each, parent);
        const group = groupOf(task);
        if (group === null || chance < LEAST_CHANCE) continue;
        const size = sizeOf(expectedWeight(task), group.home);
        const its = of(group);
        together.set(its, (together.get(its) ?? 0) + size * each.share);
        its.atEnd.push({ chance: chance * each.share * each.stays, tasks: size });
      }
      for (const [its, tasks] of together) most.set(its, Math.max(most.get(its) ?? 0, tasks));
    }
    for (const [its, tasks] of most) its.announced += tasks;
  }
  return byGroup;
}

const LEAST_CHANCE = 0.001;

/** What builds have fanned out into ends as well, and leaves its place. */
export function withEnds(coming: Coming, { children }: GroupLoad, chanceOfEnd: (task: Task) => number): Coming {
  const ends = children.map(({ task, size }) => ({ chance: 1 - chanceOfEnd(task), tasks: size }));
  const leaving = children.reduce((sum, { size }) => sum + size, coming.leaving);
  return { atEnd: [...coming.atEnd, ...ends], leaving, announced: coming.announced };
}

function asTask({ method, channelId, arch }: ComingTask, parent: Task): Task {
  const build_tag = parent.build_tag ?? null;
  return {
    ...parent,
    id: -1,
    state: TASK_STATE.FREE,
    method,
    channel_id: channelId,
    arch,
    weight: 1,
    host_id: null,
    start_ts: null,
    build_tag,
  };
}
