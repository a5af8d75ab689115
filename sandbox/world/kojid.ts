// A builder: the main loop of kojid against the hub model, in virtual time. It polls, takes one task, polls again.

import { type BuilderSession, type HostTask, type Hub, isOffline, KojiFault } from "./hub/index.ts";
import { losesSession, OFFLINE_RETRY_SECONDS, TaskProcess } from "./kojid/process.ts";
import type { Work } from "./work.ts";

/** kojid.conf's defaults. */
const MAX_JOBS = 10;
const SLEEP_SECONDS = 15;
/** readyForTask: not ready while the load average is above so many a CPU. */
const LOAD_PER_CPU = 4;
/** kojid.service: Restart=on-failure, RestartSec. */
const RESTART_SECONDS = 60;

export interface KojidInput {
  readonly hub: Hub;
  readonly clock: { after(seconds: number, fn: () => void): () => void };
  /** Name of the host as the hub has it; the certificate's CN. */
  readonly hostName: string;
  readonly work: Work;
  readonly maxjobs?: number;
  readonly sleepSeconds?: number;
  /** For the load average, where each task that is not waiting counts as one; default: it is never too high. */
  readonly cpus?: number;
  /** Methods it has handlers for; default: all that `work` knows. The others it refuses for good. */
  readonly methods?: readonly string[];
  /** Less than minspace free: it checks in and is never ready. */
  readonly diskFull?: boolean;
  /** The instance runs, kojid never starts. */
  readonly neverChecksIn?: boolean;
}

export type KojidState = "running" | "hung" | "restarting" | "stopped" | "lost";

export function startKojid(input: KojidInput): Kojid {
  return new Kojid(input);
}

export class Kojid {
  readonly hostName: string;
  readonly #input: KojidInput;
  readonly #methods: readonly string[];
  readonly #maxjobs: number;
  readonly #processes = new Map<number, TaskProcess>();
  #session: BuilderSession | null = null;
  #state: KojidState = "running";
  #cancelTimer: () => void = () => {};

  constructor(input: KojidInput) {
    this.hostName = input.hostName;
    this.#input = input;
    this.#maxjobs = input.maxjobs ?? MAX_JOBS;
    this.#methods = [...input.work.methods.keys()].filter((name) => input.methods?.includes(name) ?? true);
    if (input.neverChecksIn !== true) this.#loop();
  }

  get state(): KojidState {
    return this.#state;
  }

  /** Tasks it has a process for. */
  get taskIds(): readonly number[] {
    return [...this.#processes.keys()];
  }

  /** SIGTERM: gives its open tasks back and says goodbye. False = the hub was offline, so the tasks stay with it. */
  stop(): boolean {
    const session = this.#session;
    const open = this.taskIds;
    this.#halt("stopped");
    if (session === null) return true;
    try {
      session.freeTasks(open);
      session.updateHost(0, false);
      session.logout();
      return true;
    } catch (error) {
      if (error instanceof KojiFault) return false;
      throw error;
    }
  }

  /** The instance is lost: silence. */
  kill(): void {
    this.#halt("lost");
  }

  /** The main loop stands still; processes of tasks go on. */
  hang(): void {
    if (this.#state !== "running") return;
    this.#cancelTimer();
    this.#state = "hung";
  }

  resume(): void {
    if (this.#state !== "hung") return;
    this.#state = "running";
    this.#loop();
  }

  #halt(state: KojidState): void {
    this.#cancelTimer();
    for (const process of this.#processes.values()) process.kill();
    this.#processes.clear();
    this.#session = null;
    this.#state = state;
  }

  #after(seconds: number, fn: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#input.clock.after(seconds, fn);
  }

  #loop(): void {
    const sleepSeconds = this.#input.sleepSeconds ?? SLEEP_SECONDS;
    try {
      this.#session ??= this.#input.hub.connectBuilder(this.hostName);
      const took = this.#poll(this.#session);
      if (this.#state === "running") this.#after(took ? 0 : sleepSeconds, () => this.#loop());
    } catch (error) {
      if (!(error instanceof KojiFault)) throw error;
      if (isOffline(error)) this.#after(OFFLINE_RETRY_SECONDS, () => this.#loop());
      else if (losesSession(error)) this.#exit();
      else throw error;
    }
  }

  /** Exits with status 1; systemd starts it again. Its tasks stay OPEN until it comes back and does not know them. */
  #exit(): void {
    this.#halt("restarting");
    this.#after(RESTART_SECONDS, () => {
      this.#state = "running";
      this.#loop();
    });
  }

  /** TaskManager.updateTasks and getNextTask. True = it took one task. */
  #poll(session: BuilderSession): boolean {
    const held = this.#tend(session, session.getHostTasks());
    const working = held.filter(({ task }) => task.waiting !== true);
    const load = working.reduce((sum, { task }) => sum + task.weight, 0);
    const ready = this.#isReady(session, load, held.length);
    session.updateHost(load, ready, { methods: this.#methods, maxjobs: this.#maxjobs });
    return ready && session.getTasks().some((task) => this.#takeTask(session, task.id));
  }

  /** Ends processes of tasks that are gone, gives back tasks it knows nothing of, wakes those that wait. */
  #tend(session: BuilderSession, open: readonly HostTask[]): readonly HostTask[] {
    const ids = new Set(open.map(({ task }) => task.id));
    for (const [id, process] of this.#processes) {
      if (ids.has(id)) continue;
      process.kill();
      this.#processes.delete(id);
    }
    const unknown = open.filter(({ task }) => !this.#processes.has(task.id));
    if (unknown.length > 0) session.freeTasks(unknown.map(({ task }) => task.id));
    for (const { task, alert } of open) if (alert) this.#processes.get(task.id)?.wake();
    return open.filter(({ task }) => this.#processes.has(task.id));
  }

  #isReady(session: BuilderSession, load: number, jobs: number): boolean {
    const { enabled, capacity } = session.getHost();
    const { cpus = Number.POSITIVE_INFINITY, diskFull = false } = this.#input;
    const busy = [...this.#processes.values()].filter((process) => !process.paused).length;
    return enabled && load <= capacity && jobs < this.#maxjobs && !diskFull && busy <= LOAD_PER_CPU * cpus;
  }

  #takeTask(session: BuilderSession, taskId: number): boolean {
    const { method } = session.getTaskInfo(taskId);
    const handler = this.#methods.includes(method) ? this.#input.work.methods.get(method) : undefined;
    if (handler === undefined || !session.canServe(taskId)) {
      const msg = handler === undefined ? `no handler for method ${method}` : "failed host check";
      session.refuseTask(taskId, { soft: false, msg });
      return false;
    }
    const task = session.openTask(taskId);
    if (task === null) return false;
    session.setTaskWeight(taskId, handler.weight);
    const process = new TaskProcess(taskId, handler.run(task), {
      session,
      after: (seconds, fn) => this.#input.clock.after(seconds, fn),
      onSessionLost: () => this.#exit(),
      onExit: (id) => this.#processes.delete(id),
    });
    this.#processes.set(taskId, process);
    process.start();
    return true;
  }
}
