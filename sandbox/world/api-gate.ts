// What every modelled AWS call passes: it is counted, may take time, and may fail the way a test asked for.

import type { Clock } from "../../shared/clock.ts";

export interface FaultOptions {
  /** How many calls fail; default 1. */
  readonly times?: number;
  /** The call takes effect and only its answer is lost (a timeout after the work was done). */
  readonly applied?: boolean;
}

interface Fault {
  readonly operation: string | null;
  readonly makeError: () => Error;
  readonly applied: boolean;
  left: number;
}

export class ApiGate {
  readonly #clock: Clock;
  readonly #latencySeconds: number;
  readonly #counts = new Map<string, number>();
  #faults: Fault[] = [];

  constructor(clock: Clock, latencySeconds: number) {
    this.#clock = clock;
    this.#latencySeconds = latencySeconds;
  }

  /** Calls so far by operation, those that failed included. */
  callCounts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** `operation` null = whatever is called next. Faults fire in the order they were queued. */
  failNext(operation: string | null, makeError: () => Error, { times = 1, applied = false }: FaultOptions = {}): void {
    this.#faults.push({ operation, makeError, applied, left: times });
  }

  async pass<T>(operation: string, apply: () => T | Promise<T>): Promise<T> {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    const fault = this.#takeFault(operation);
    if (this.#latencySeconds > 0) await this.#clock.sleep(this.#latencySeconds);
    if (fault !== undefined && !fault.applied) throw fault.makeError();
    const answer = await apply();
    if (fault !== undefined) throw fault.makeError();
    return answer;
  }

  #takeFault(operation: string): Fault | undefined {
    const fault = this.#faults.find((each) => each.operation === null || each.operation === operation);
    if (fault === undefined) return undefined;
    fault.left--;
    if (fault.left <= 0) this.#faults = this.#faults.filter((each) => each !== fault);
    return fault;
  }
}
