// Repos that were asked for and have no task yet: kojira makes a newRepo of each when it looks at the hub's queue. Pure.

import { type HubState, type RepoRequest, TASK_STATE, type Task } from "../../hub/index.ts";
import type { Lookups } from "../types.ts";
import type { ComingTasks } from "./children.ts";
import { type GraphMemory, timesOf } from "./families.ts";
import { chanceToEnd } from "./stage-times.ts";

/** kojira calls repo.checkQueue about once a minute (kojihub/repos.py, kojira's repo_tasks_limit leaves more waiting). */
const KOJIRA_SECONDS = 60;
/** Policy "channel" of a hub as it is delivered: use createrepo for newRepo and its children. */
const CHANNEL = "createrepo";

export function repoTasksAhead(
  { repoRequests = [], channels, now }: HubState,
  memory: GraphMemory,
  lookups: Lookups,
  within: number,
): ComingTasks[] {
  const channelId = channels.find(({ name }) => name === CHANNEL)?.id;
  if (channelId === undefined) return [];
  return repoRequests
    .filter((request) => request.task_id === null)
    .flatMap((request): ComingTasks[] => {
      const parent = asTask(request, channelId, now);
      const arches = lookups.tagArches[String(request.tag)]?.arches ?? [];
      const soon = Math.min(1, within / KOJIRA_SECONDS);
      const then = chanceToEnd(timesOf(memory, "newRepo"), 0, within - KOJIRA_SECONDS / 2);
      const child = (method: string) => ({ method, channelId, arch: "noarch", share: 1, stays: 1 });
      return [
        { parent, chance: soon, tasks: [child("newRepo")], after: null },
        { parent, chance: then, tasks: arches.map(() => child("createrepo")), after: null },
      ];
    });
}

function asTask({ id, tag }: RepoRequest, channelId: number, now: number): Task {
  return {
    id: -id,
    state: TASK_STATE.FREE,
    waiting: null,
    weight: 1,
    channel_id: channelId,
    host_id: null,
    arch: "noarch",
    method: "newRepo",
    priority: null,
    create_ts: now,
    build_tag: tag,
  };
}
