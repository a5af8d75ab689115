// Which tasks builds under way will make, in which bin, and with what chance within a given time. Pure.

import { canonicalArch, type HubState, TASK_STATE, type Task } from "../../hub/index.ts";
import type { Lookups } from "../types.ts";
import { childrenOf, type Family, fanOutKey, firstStageOf, type GraphMemory, isParent, timesOf } from "./families.ts";
import { lookUp } from "./shards.ts";
import { chanceToEnd, refine, type Times } from "./stage-times.ts";
import { NO_WORK, timesOfWork, type WorkMemory } from "./work-times.ts";

/** Tasks that come together or not at all. */
export interface ComingTasks {
  readonly parent: Task;
  /** That they come within the time asked for. */
  readonly chance: number;
  readonly tasks: readonly ComingTask[];
  /** The task whose end brings them, and the chance that it has ended by then: its builder takes one of them. */
  readonly after: { readonly task: Task; readonly ends: number } | null;
}

export interface ComingTask {
  readonly method: string;
  readonly channelId: number;
  readonly arch: string;
  /** Of this one, if the group comes (noarch or not may not be known). */
  readonly share: number;
  /** Chance that, if it comes, it has not ended by then. */
  readonly stays: number;
}

/** What each parent method makes. Source: builder/kojid, koji/tasks.py and the image plugins. */
const CHILD: Readonly<Record<string, string>> = {
  build: "buildArch",
  chainbuild: "build",
  newRepo: "createrepo",
  distRepo: "createdistrepo",
  image: "createImage",
  livemedia: "createLiveMedia",
  livecd: "createLiveCD",
  appliance: "createAppliance",
  kiwiBuild: "createKiwiImage",
};

/** kojid wakes a waiting parent at its next poll. */
const WAKE_SECONDS = 7.5;
/** Share of builds that end without a fan-out, before anything is learned, and what that counts. */
const FAILURE_PRIOR = { count: 20, failed: 1 };
/** Builds whose kind is not known are noarch so often, before anything is learned. */
const NOARCH_PRIOR = { count: 2, of: 4 };

/** `within`: seconds from now. Of builds whose last stage has begun nothing more is told. */
export function childrenAhead(
  state: HubState,
  memory: GraphMemory,
  lookups: Lookups,
  within: number,
  work: WorkMemory = NO_WORK,
): ComingTasks[] {
  const parents = state.tasks.filter((task) => isParent(task) && memory.families[task.id]?.stage !== "out");
  const children = childrenOf(parents, state.tasks);
  const known = { state, memory, lookups, within, work };
  return parents.flatMap((parent) => {
    const family = memory.families[parent.id];
    return family === undefined ? [] : comingOf(parent, family, children.get(parent.id) ?? [], known);
  });
}

interface Known {
  readonly state: HubState;
  readonly memory: GraphMemory;
  readonly lookups: Lookups;
  readonly within: number;
  readonly work: WorkMemory;
}

function comingOf(parent: Task, family: Family, children: readonly Task[], known: Known): ComingTasks[] {
  const { state, memory, within } = known;
  const method = timesOf(memory, family.method);
  const own = family.package === null ? undefined : lookUp(memory.byPackage, family.package);
  const times = refine(method, own);
  const succeeds = 1 - failureRate(memory, family.method);
  const tasksAfter = (soonest: number, endsWithin: (seconds: number) => number) =>
    fanOutOf(parent, family, memory, known.lookups).map((task): ComingTask => {
      const times = timesOfWork(known.work, { ...task, package: family.package });
      return { ...task, stays: chanceToStay(times, within - soonest - typicalLag(state), endsWithin) };
    });
  /** After the end of a stage that has worked for `elapsed` seconds, or that so many FREE tasks come before. */
  const afterStage = (starts: number, elapsed: number) => {
    const ends = afterStarts(state, starts, (lag) => chanceToEnd(times, elapsed, within - lag));
    const tasks = tasksAfter(starts * typicalLag(state), (seconds) => chanceToEnd(times, elapsed, seconds));
    return { ends, comes: { parent, chance: succeeds * ends, tasks } };
  };
  const sinceBegin = family.since === null ? 0 : Math.max(0, state.now - family.since);
  const isOpen = parent.state === TASK_STATE.OPEN;
  const first = children[0] ?? null;
  switch (family.stage) {
    case "queued": {
      if (family.method !== "build") {
        const { comes } = isOpen ? afterStage(0, sinceBegin) : afterStage(1, 0);
        return [{ ...comes, after: null }];
      }
      const { ends, comes } = afterStage(isOpen ? 1 : 2, 0);
      const queued = firstStageOf(parent);
      if (queued !== null) return [{ ...comes, after: { task: queued, ends } }];
      const srpm = {
        method: "buildSRPMFromSCM",
        channelId: parent.channel_id,
        arch: "noarch",
        share: 1,
        stays: 1 - ends,
      };
      return [
        { parent, chance: 1, tasks: [srpm], after: null },
        { ...comes, after: null },
      ];
    }
    case "first": {
      const { ends, comes } = first?.state === TASK_STATE.OPEN ? afterStage(0, sinceBegin) : afterStage(1, 0);
      return [{ ...comes, after: first === null ? null : { task: first, ends } }];
    }
    case "between": {
      const chance = succeeds * Math.min(1, within / WAKE_SECONDS);
      const tasks = tasksAfter(0, (seconds) => Math.min(1, seconds / WAKE_SECONDS));
      return [{ parent, chance, tasks, after: null }];
    }
    case "out":
      return [];
  }
}

function failureRate({ ended }: GraphMemory, method: string): number {
  const { count, failed } = lookUp(ended, method) ?? { count: 0, failed: 0 };
  return (failed + FAILURE_PRIOR.failed) / (count + FAILURE_PRIOR.count);
}

/**
 * A FREE task that finds room waits for the hub's next scheduler run, anywhere within its interval, and for a poll: the
 * mean of a chance over that, for so many tasks that start one after the other.
 */
function afterStarts({ options }: HubState, starts: number, chanceAfter: (lagSeconds: number) => number): number {
  if (starts === 0) return chanceAfter(0);
  const at = (share: number) => chanceAfter(starts * (share * options.runInterval + WAKE_SECONDS));
  return (at(1 / 6) + at(1 / 2) + at(5 / 6)) / 3;
}

/** From FREE to begun, on average. */
const typicalLag = ({ options }: HubState): number => options.runInterval / 2 + WAKE_SECONDS;

/** Parts of the time ahead in which a task may come; it stays if it is longer than what is left then. */
const PARTS = 3;

/** `seconds`: of work, if the stage before ended now. `endsWithin`: chance that it does so within some seconds. */
function chanceToStay(times: Times, seconds: number, endsWithin: (seconds: number) => number): number {
  let [before, stays] = [0, 0];
  for (let part = 1; part <= PARTS; part++) {
    const until = endsWithin((seconds * part) / PARTS);
    stays += (until - before) * (1 - chanceToEnd(times, 0, seconds * (1 - (part - 0.5) / PARTS)));
    before = until;
  }
  return before > 0 ? stays / before : 1;
}

/** What it fanned out into the last time; else by the rules of the hub. */
function fanOutOf(parent: Task, family: Family, memory: GraphMemory, lookups: Lookups): Omit<ComingTask, "stays">[] {
  const method = CHILD[family.method] ?? "";
  const key = fanOutKey(family);
  const asked = parent.arches ?? [];
  const known = lookUp(memory.fanOuts, key);
  if (known !== undefined && (asked.length === 0 || known.bins.every((bin) => bin.endsWith(":noarch")))) {
    return known.bins.map((bin) => {
      const [channelId = "0", arch = "noarch"] = bin.split(":");
      return { method, channelId: Number(channelId), arch, share: 1 };
    });
  }
  if (family.method === "chainbuild") return [{ method, channelId: parent.channel_id, arch: "noarch", share: 1 }];
  const arches = [...new Set((asked.length > 0 ? asked : tagArches(family, memory, lookups)).map(canonicalArch))];
  const isRepo = family.method === "newRepo" || family.method === "distRepo";
  if (family.method !== "build" || asked.length > 0) {
    return arches.map((arch) => ({ method, channelId: parent.channel_id, arch: isRepo ? "noarch" : arch, share: 1 }));
  }
  const noarch = (memory.noarch.count + NOARCH_PRIOR.count) / (memory.noarch.of + NOARCH_PRIOR.of);
  return [
    { method, channelId: parent.channel_id, arch: "noarch", share: noarch },
    ...arches.map((arch) => ({ method, channelId: parent.channel_id, arch, share: 1 - noarch })),
  ];
}

function tagArches(
  { buildTag, target }: Family,
  memory: GraphMemory,
  { tagArches: known }: Lookups,
): readonly string[] {
  const tag = buildTag ?? (target === null ? undefined : lookUp(memory.tags, target));
  if (tag === undefined || !Object.hasOwn(known, tag)) return [];
  return known[tag]?.arches ?? [];
}
