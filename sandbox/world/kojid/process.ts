// The process that kojid forks for one task: runs its handler step by step and reports the end to the hub itself.

import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { type BuilderSession, isOffline, KojiFault, type TaskResult } from "../hub/index.ts";
import type { Step, Steps } from "./steps.ts";

/** koji's client repeats a call of an offline hub every so many seconds, for ever (offline_retry_interval). */
export const OFFLINE_RETRY_SECONDS = 120;

export interface ProcessHost {
  readonly session: BuilderSession;
  after(seconds: number, fn: () => void): () => void;
  /** The session is not accepted any more. */
  onSessionLost(): void;
  /** The process is gone. */
  onExit(taskId: number): void;
}

export class TaskProcess {
  readonly taskId: number;
  readonly #host: ProcessHost;
  readonly #handler: Steps<XmlRpcValue>;
  #cancelTimer: () => void = () => {};
  #paused = false;
  #alive = true;

  constructor(taskId: number, handler: Steps<XmlRpcValue>, host: ProcessHost) {
    this.taskId = taskId;
    this.#handler = handler;
    this.#host = host;
  }

  /** Waiting for its children: it uses no CPU. */
  get paused(): boolean {
    return this.#paused;
  }

  start(): void {
    this.#advance();
  }

  /** SIGUSR2: something that it waits for has finished. */
  wake(): void {
    if (this.#paused) this.#advance();
  }

  /** Gone without a word to the hub. */
  kill(): void {
    this.#alive = false;
    this.#cancelTimer();
  }

  #advance(thrown?: unknown): void {
    this.#paused = false;
    let next: IteratorResult<Step, XmlRpcValue>;
    try {
      next = thrown === undefined ? this.#handler.next() : this.#handler.throw(thrown);
    } catch (error) {
      if (!(error instanceof KojiFault)) throw error;
      this.#finish({ fault: { code: error.code, text: error.message } });
      return;
    }
    if (next.done) this.#finish({ value: next.value });
    else this.#take(next.value);
  }

  #take(step: Step): void {
    switch (step.kind) {
      case "run":
        this.#cancelTimer = this.#host.after(step.seconds, () => this.#advance());
        break;
      case "pause":
        this.#paused = true;
        break;
      case "call":
        this.#call(step.send, (fault) => this.#advance(fault));
        break;
      default:
        step satisfies never;
    }
  }

  #finish(result: TaskResult): void {
    const exit = () => {
      this.kill();
      this.#host.onExit(this.taskId);
    };
    // A fault here means that the task is no longer this host's: there is nothing left to do.
    this.#call((session) => session.endTask(this.taskId, result), exit);
  }

  /** Sends until the hub is online, then goes on, with the fault if there was one. */
  #call(send: (session: BuilderSession) => void, goOn: (fault?: KojiFault) => void): void {
    let fault: KojiFault | undefined;
    try {
      send(this.#host.session);
    } catch (error) {
      if (!(error instanceof KojiFault)) throw error;
      if (isOffline(error)) {
        this.#cancelTimer = this.#host.after(OFFLINE_RETRY_SECONDS, () => this.#call(send, goOn));
        return;
      }
      if (losesSession(error)) {
        this.#host.onSessionLost();
        return;
      }
      fault = error;
    }
    if (this.#alive) goOn(fault);
  }
}

/** AuthError, AuthLockError, AuthExpired: kojid exits. */
export function losesSession(fault: KojiFault): boolean {
  return fault.code === 1002 || fault.code === 1006 || fault.code === 1007;
}
