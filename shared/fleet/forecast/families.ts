// What builds under way have shown: their stage, how long stages take, what they fan out into, how often they fail. Pure.

import { TASK_STATE, type Task } from "../../hub/index.ts";
import { Draft, lookUp, type Shards } from "./shards.ts";
import { addTime, NO_TIMES, priorTimes, type Times } from "./stage-times.ts";

/** A task that makes others, between two passes. */
export interface Family {
  readonly method: string;
  readonly package: string | null;
  readonly target: string | null;
  /**
   * `queued`: no child seen yet. `first`: its first stage (the SRPM) is queued or open. `between`: that has ended, and the
   * next children are about to come. `out`: they are there.
   */
  readonly stage: "queued" | "first" | "between" | "out";
  /** When the stage began to work; null = not yet. */
  readonly since: number | null;
  readonly buildTag: string | null;
}

/** What a family fanned out into. */
export interface FanOut {
  /** `channel id:arch` of each child. */
  readonly bins: readonly string[];
  readonly at: number;
}

export interface GraphMemory {
  /** By the parent's task id. */
  readonly families: Readonly<Record<string, Family>>;
  /** By method, package and target; what was seen last. */
  readonly fanOuts: Shards<FanOut>;
  /** Build tag of a target, as children's requests told. */
  readonly tags: Shards<string>;
  /** Fan-outs of builds, and those that were noarch. */
  readonly noarch: { readonly count: number; readonly of: number };
  /** Seconds from the begin of the stage to the children after it, by method and by package. */
  readonly byMethod: Shards<Times>;
  readonly byPackage: Shards<Times>;
  /** First stages that ended, and those after which no child came, by method. */
  readonly ended: Shards<{ readonly count: number; readonly failed: number }>;
}

export const NO_GRAPH: GraphMemory = {
  families: {},
  fanOuts: {},
  tags: {},
  noarch: { count: 0, of: 0 },
  byMethod: {},
  byPackage: {},
  ended: {},
};

/** Methods that make children on builders. Source: builder/kojid and its plugins. */
const PARENTS: ReadonlySet<string> = new Set([
  "build",
  "chainbuild",
  "newRepo",
  "distRepo",
  "image",
  "livemedia",
  "livecd",
  "appliance",
  "kiwiBuild",
]);

/** Estimates until the site's own are known, seconds: the SRPM stage of a build, the first steps of the others. */
const PRIORS: Readonly<Record<string, Times>> = { build: priorTimes(55, 160), newRepo: priorTimes(15, 60) };
const QUICK = priorTimes(15, 60);

export const isParent = ({ method }: Task): boolean => PARENTS.has(method);
/** The SRPM's stage of a build. */
export const isFirstStage = ({ method }: Pick<Task, "method">): boolean =>
  method === "buildSRPMFromSCM" || method === "rebuildSRPM";

/** The task that a queued build makes as soon as it is opened; null = it is none. What waits for room needs room for both. */
export function firstStageOf(task: Task): Task | null {
  if (task.method !== "build" || task.state !== TASK_STATE.FREE) return null;
  return { ...task, method: "buildSRPMFromSCM", arch: "noarch", weight: 1, start_ts: null };
}

/** What comes after the fan-out needs next to nothing. */
const isLastStage = ({ method }: Task): boolean => method === "tagBuild" || method === "buildNotification";

export function timesOf({ byMethod }: GraphMemory, method: string): Times {
  return lookUp(byMethod, method) ?? priorOf(method);
}

const priorOf = (method: string): Times => (Object.hasOwn(PRIORS, method) ? PRIORS[method] : undefined) ?? QUICK;

/** Repos have no target: their tag tells. */
export const fanOutKey = ({ method, package: name, target, buildTag }: Family): string =>
  `${method}|${name ?? ""}|${target ?? (method === "build" ? "" : (buildTag ?? ""))}`;

/** By the id of each of these parents. */
export function childrenOf(parents: readonly Task[], tasks: readonly Task[]): ReadonlyMap<number, readonly Task[]> {
  const children = new Map(parents.map(({ id }): [number, Task[]] => [id, []]));
  if (children.size > 0) for (const task of tasks) if (task.parent != null) children.get(task.parent)?.push(task);
  return children;
}

/** What this pass shows of all families; those that have ended are learned from once. `tasks`: all active ones. */
export function noteFamilies(memory: GraphMemory, tasks: readonly Task[], now: number): GraphMemory {
  const parents = tasks.filter(isParent);
  if (parents.length === 0 && Object.keys(memory.families).length === 0) return memory;
  const children = childrenOf(
    parents.filter(({ id }) => memory.families[id]?.stage !== "out"),
    tasks,
  );
  const families: Record<string, Family> = {};
  const lessons = new Lessons(memory);
  for (const parent of parents) {
    const before = memory.families[parent.id];
    if (before?.stage === "out") {
      families[parent.id] = before;
      continue;
    }
    const own = children.get(parent.id) ?? [];
    const family = readFamily(parent, own, before, now);
    families[parent.id] = family;
    if (family.stage === "out") learnFanOut(lessons, parent, family, before, own, now);
    if (family.target !== null && family.buildTag !== null) lessons.tags.set(family.target, family.buildTag);
  }
  for (const [id, family] of Object.entries(memory.families)) {
    if (families[id] === undefined && (family.stage === "first" || family.stage === "between"))
      noteEnd(lessons, family.method, true);
  }
  return { ...lessons.memory(), families };
}

/** What one pass learns. */
class Lessons {
  readonly #before: GraphMemory;
  readonly fanOuts: Draft<FanOut>;
  readonly tags: Draft<string>;
  readonly byMethod: Draft<Times>;
  readonly byPackage: Draft<Times>;
  readonly ended: Draft<{ readonly count: number; readonly failed: number }>;
  #noarch: GraphMemory["noarch"];

  constructor(before: GraphMemory) {
    this.#before = before;
    this.fanOuts = new Draft(before.fanOuts);
    this.tags = new Draft(before.tags);
    this.byMethod = new Draft(before.byMethod);
    this.byPackage = new Draft(before.byPackage);
    this.ended = new Draft(before.ended);
    this.#noarch = before.noarch;
  }

  countBuild(isNoarch: boolean): void {
    this.#noarch = { count: this.#noarch.count + (isNoarch ? 1 : 0), of: this.#noarch.of + 1 };
  }

  memory(): GraphMemory {
    return {
      ...this.#before,
      fanOuts: this.fanOuts.result,
      tags: this.tags.result,
      byMethod: this.byMethod.result,
      byPackage: this.byPackage.result,
      ended: this.ended.result,
      noarch: this.#noarch,
    };
  }
}

function readFamily(parent: Task, children: readonly Task[], before: Family | undefined, now: number): Family {
  const first = children.find(isFirstStage);
  const out = children.some((child) => !isFirstStage(child) && !isLastStage(child));
  const named = parent.build_tag ?? first?.build_tag ?? children.find((child) => child.build_tag != null)?.build_tag;
  const is = {
    method: parent.method,
    package: parent.package ?? first?.package ?? before?.package ?? null,
    target: parent.target ?? before?.target ?? null,
    buildTag: named == null ? (before?.buildTag ?? null) : String(named),
  };
  if (out) return { ...is, stage: "out", since: before?.since ?? null };
  if (first !== undefined) return { ...is, stage: "first", since: first.start_ts ?? null };
  if (before?.stage === "first" || before?.stage === "between") {
    const since = before.stage === "between" ? before.since : (before.since ?? now);
    return { ...is, stage: "between", since };
  }
  return { ...is, stage: "queued", since: parent.start_ts ?? null };
}

function learnFanOut(
  lessons: Lessons,
  parent: Task,
  family: Family,
  before: Family | undefined,
  children: readonly Task[],
  now: number,
): void {
  const out = children.filter((child) => !isFirstStage(child) && !isLastStage(child));
  const bins = out.map((child) => `${child.channel_id}:${child.arch}`).sort();
  // Whoever asks for some arches only says nothing of what the others will come to.
  if ((parent.arches ?? []).length === 0) lessons.fanOuts.set(fanOutKey(family), { bins, at: now });
  if (family.method === "build") lessons.countBuild(out.every((child) => child.arch === "noarch"));
  noteEnd(lessons, family.method, false);
  const since = before === undefined ? null : before.since;
  // A build that was met in its last stage does not tell when the one before began.
  if (before === undefined || since === null || (before.stage === "queued" && family.method === "build")) return;
  const seconds = Math.min(...out.map((child) => child.create_ts)) - since;
  if (!(seconds > 0)) return;
  const known = lessons.byMethod.get(family.method) ?? priorOf(family.method);
  lessons.byMethod.set(family.method, addTime(known, seconds));
  const name = family.package;
  if (name !== null) lessons.byPackage.set(name, addTime(lessons.byPackage.get(name) ?? NO_TIMES, seconds));
}

function noteEnd(lessons: Lessons, method: string, failed: boolean): void {
  const { count, failed: before } = lessons.ended.get(method) ?? { count: 0, failed: 0 };
  lessons.ended.set(method, { count: count + 1, failed: before + (failed ? 1 : 0) });
}
