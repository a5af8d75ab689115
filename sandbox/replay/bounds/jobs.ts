// The work that the bounds count: every task of a trace at the time at which it would run if nothing ever waited.
import type { Trace, TraceTask } from "../trace.ts";

/** A pool that can take a job, and the part of one of its builders that the job takes (1 = a builder of its own). */
export interface Place {
  readonly pool: string;
  /**
   * At least 0. The bounds hold if no builder ever takes jobs whose shares add up to more than 1; where the hub lets
   * a builder take more (it looks at the load before it adds a task), give the smaller share that makes this true.
   */
  readonly share: number;
}

export interface Job {
  /** Seconds: its release when nothing waits; of a parent, the end of its last child. */
  readonly start: number;
  readonly seconds: number;
  /** At least one, each pool once. More than one = any of them may take it (noarch). */
  readonly places: readonly Place[];
}

export interface BoundPool {
  readonly name: string;
  readonly pricePerHour: number;
  /** Mean: a policy that does not know how long a boot will take pays this much for each, on average. */
  readonly bootSeconds: number;
}

export interface Bound {
  readonly dollars: number;
  /** What it is and what it is not, for the report. */
  readonly note: string;
}

export class BoundsError extends Error {
  override readonly name = "BoundsError";
}

/** Said of every bound that boots before the arrival. */
export const clairvoyance =
  "It knows every task beforehand and boots before the arrival, so the distance to it is mostly information nobody has, not room left.";

/**
 * Tasks of a trace with its queue times taken out: parents open at once, every other release as the trace says.
 * `placeOf`: where a task may run; null (or no place) = on no builder that is paid for; its followers are released
 * all the same. A parent counts only for its own seconds after its last child: while it waits it holds no load, and
 * to leave its job slot out keeps the bounds below.
 */
export function zeroWaitJobs(trace: Trace, placeOf: (task: TraceTask) => readonly Place[] | null): Job[] {
  const ends = zeroWaitEnds(trace);
  return trace.tasks.flatMap((task) => {
    const places = placeOf(task);
    const end = ends.get(task.id);
    return places && places.length > 0 && end ? [{ start: end.from, seconds: task.seconds, places }] : [];
  });
}

/** When a task begins its own work (a parent: after its last child) and ends it, if nothing ever waits. Seconds. */
export interface ZeroWaitEnd {
  readonly from: number;
  readonly to: number;
}

type Played = Pick<Trace, "name" | "tasks">;

/** A trace is not changed once it is read, and every replay of it is measured against these. */
const endsOf = new WeakMap<Played, ReadonlyMap<number, ZeroWaitEnd>>();

/** By task id. Throws BoundsError for tasks that wait for one another, or follow one that the trace does not have. */
export function zeroWaitEnds(trace: Played): ReadonlyMap<number, ZeroWaitEnd> {
  const known = endsOf.get(trace);
  if (known !== undefined) return known;
  const ends = new Map([...playWithoutWaits(trace)].map(([id, { from, adds }]) => [id, { from, to: from + adds }]));
  endsOf.set(trace, ends);
  return ends;
}

/** Whether a wait of one task can postpone another one's release. */
export function hasGraph(trace: Trace): boolean {
  return trace.tasks.some((task) => task.parent !== null || "after" in task.release);
}

/** The opening or the end of a task. */
interface Moment {
  /** When the last of those that it awaits came. */
  from: number;
  /** Seconds from then to this one. */
  readonly adds: number;
  awaits: number;
  readonly followers: Moment[];
}

/** The end of each task, by id. Two moments for a task, each once all that it awaits have come. */
function playWithoutWaits(trace: Played): ReadonlyMap<number, Moment> {
  const opens = new Map(trace.tasks.map((task) => [task.id, opening(task)]));
  const ends = new Map(trace.tasks.map((task) => [task.id, moment(task.seconds)]));
  for (const task of trace.tasks) {
    const open = momentOf(opens, task.id, task.id);
    const end = momentOf(ends, task.id, task.id);
    follow(open, end);
    if (task.parent !== null) follow(end, momentOf(ends, task.parent, task.id));
    if ("at" in task.release) continue;
    if (task.parent !== null) follow(momentOf(opens, task.parent, task.id), open);
    for (const id of task.release.after) follow(momentOf(ends, id, task.id), open);
  }
  const all = [...opens.values(), ...ends.values()];
  const come = all.filter((one) => one.awaits === 0);
  for (const one of come) {
    for (const follower of one.followers) {
      follower.from = Math.max(follower.from, one.from + one.adds);
      follower.awaits -= 1;
      if (follower.awaits === 0) come.push(follower);
    }
  }
  if (come.length < all.length) {
    const stuck = trace.tasks.find((task) => (opens.get(task.id)?.awaits ?? 0) > 0);
    throw new BoundsError(
      `Tasks of trace ${trace.name} wait for one another, task ${stuck?.id} among them: correct whom they follow.`,
    );
  }
  return ends;
}

function opening(task: TraceTask): Moment {
  return "at" in task.release ? { ...moment(0), from: task.release.at } : moment(task.release.delay);
}

function moment(adds: number): Moment {
  return { from: 0, adds, awaits: 0, followers: [] };
}

function momentOf(moments: ReadonlyMap<number, Moment>, id: number, of: number): Moment {
  const found = moments.get(id);
  if (!found)
    throw new BoundsError(`Task ${of} follows task ${id}, which the trace does not have: add it or cut the tie.`);
  return found;
}

function follow(first: Moment, then: Moment): void {
  first.followers.push(then);
  then.awaits += 1;
}
