// Plays many policies over one trace, on all processors: each worker opens the trace once and takes one job after another.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Site } from "../../shared/config/index.ts";
import type { Ceiling } from "./ceilings.ts";
import type { BootTimes, Mishaps } from "./engine/setting.ts";
import { loadTrace, type TraceChoice } from "./load.ts";
import { type Played, type PolicyChoice, play, playWithin, type Stage } from "./play.ts";
import { siteFor } from "./site-for.ts";
import type { Trace } from "./trace.ts";

/** What all jobs of a crew share. */
export interface CrewStage {
  readonly trace: TraceChoice;
  /** null = made for the trace. */
  readonly site: Site | null;
  readonly tasksPerBuilder: number | null;
  readonly seed: number | string;
  readonly boot: BootTimes;
  readonly mishaps: Mishaps;
}

export interface CrewJob {
  readonly choice: PolicyChoice;
  /** Of a baseline: above all of them it is given up. */
  readonly ceilings: readonly Ceiling[];
}

/** `played` null = given up. */
export type CrewAnswer = { readonly played: Played | null } | { readonly error: string };

export interface CrewOptions {
  /** Told after each job. */
  readonly note?: (done: number, played: Played | null, index: number) => void;
  /** Asked when a job is begun. */
  readonly ceilingsOf?: (index: number) => readonly Ceiling[];
  /** The same stage, open already: a trace too large to be held twice, or not worth a worker, is then played here. */
  readonly open?: Stage | undefined;
}

/** A worker with more tasks than this needs more than half a gigabyte. */
const MOST_TASKS_OF_A_WORKER = 120_000;
/** All policies of a smaller trace are played before a worker has started. */
const FEWEST_OF_A_WORKER = { tasks: 200, hours: 72 };

/** In the order of the jobs. `note` is told after each. */
export async function playAll(
  stage: CrewStage,
  jobs: readonly PolicyChoice[],
  note: (done: number) => void = () => {},
  open?: Stage,
): Promise<Played[]> {
  const all = await playEach(stage, jobs, { note, open });
  return all.map((played) => {
    if (played === null) throw new RangeError("a replay was given up without a ceiling");
    return played;
  });
}

/** In the order of the jobs; null = given up above its ceilings. */
export async function playEach(
  stage: CrewStage,
  jobs: readonly PolicyChoice[],
  { note = () => {}, ceilingsOf = () => [], open }: CrewOptions = {},
): Promise<(Played | null)[]> {
  const all = new Array<Played | null>(jobs.length).fill(null);
  let next = 0;
  let done = 0;
  const takeJobs = async (playOne: (job: CrewJob) => Promise<Played | null> | Played | null) => {
    for (let index = next++; index < jobs.length; index = next++) {
      const choice = jobs[index];
      if (choice === undefined) return;
      const played = await playOne({ choice, ceilings: ceilingsOf(index) });
      all[index] = played;
      done += 1;
      note(done, played, index);
    }
  };
  if (open !== undefined && isPlayedHere(open.trace)) {
    await takeJobs((job) => playJob(open, job));
    return all;
  }
  const size = Math.min(availableParallelism(), jobs.length);
  await Promise.all(
    Array.from({ length: size }, () => withWorker(stage, (worker) => takeJobs((job) => ask(worker, job)))),
  );
  return all;
}

function isPlayedHere({ tasks, spanSeconds }: Trace): boolean {
  if (tasks.length > MOST_TASKS_OF_A_WORKER) return true;
  return tasks.length < FEWEST_OF_A_WORKER.tasks && spanSeconds < FEWEST_OF_A_WORKER.hours * 3600;
}

export async function openStage({
  trace: choice,
  site,
  tasksPerBuilder,
  seed,
  boot,
  mishaps,
}: CrewStage): Promise<Stage> {
  const trace = await loadTrace(choice);
  return {
    trace,
    site: site ?? siteFor(trace, tasksPerBuilder === null ? {} : { tasksPerBuilder }),
    seed,
    boot,
    mishaps,
  };
}

export function playJob(stage: Stage, { choice, ceilings }: CrewJob): Played | null {
  return choice.kind === "toji" ? play(stage, choice) : playWithin(stage, choice, ceilings);
}

async function withWorker(stage: CrewStage, work: (worker: Worker) => Promise<void>): Promise<void> {
  const worker = new Worker(new URL("./crew-worker.ts", import.meta.url), { workerData: stage });
  try {
    await work(worker);
  } finally {
    await worker.terminate();
  }
}

async function ask(worker: Worker, job: CrewJob): Promise<Played | null> {
  const answer = await new Promise<CrewAnswer>((resolve, reject) => {
    const end = (settle: () => void) => {
      worker.off("message", onMessage);
      worker.off("error", onError);
      settle();
    };
    const onMessage = (answer: CrewAnswer) => end(() => resolve(answer));
    const onError = (error: Error) => end(() => reject(error));
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.postMessage(job);
  });
  if ("error" in answer) throw new Error(answer.error);
  return answer.played;
}
