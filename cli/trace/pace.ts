// Keeps an export polite: at most so many calls a second, and longer and longer pauses while the hub is in trouble.

import type { Clock } from "../../shared/clock.ts";
import { HubAnswerUnreadable, type HubCaller, HubFault, HubUnreachable } from "../../shared/hub/index.ts";

export interface Pace {
  readonly clock: Clock;
  readonly callsPerSecond: number;
  /** Told before each pause that a failure causes. */
  tell(line: string): void;
}

const TRIES_AGAIN = 5;
const FIRST_PAUSE_SECONDS = 5;

/** Its calls run one after the other. A hub that never answered yet is not waited for: its address may be wrong. */
export function paceCalls(hub: HubCaller, { clock, callsPerSecond, tell }: Pace): HubCaller {
  let earliest = Number.NEGATIVE_INFINITY;
  let hasAnswered = false;
  const inTime = async <T>(call: () => Promise<T>): Promise<T> => {
    const wait = earliest - clock.now();
    if (wait > 0) await clock.sleep(wait);
    earliest = clock.now() + 1 / callsPerSecond;
    return call();
  };
  const persistently = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let tried = 0; ; tried++) {
      try {
        const answer = await inTime(call);
        hasAnswered = true;
        return answer;
      } catch (error) {
        if (!hasAnswered || tried >= TRIES_AGAIN || !isHubTrouble(error) || !error.retryable) throw error;
        const seconds = FIRST_PAUSE_SECONDS * 2 ** tried;
        tell(`${error.message} Next try in ${seconds} s.`);
        await clock.sleep(seconds);
      }
    }
  };
  return {
    call: (method, params) => persistently(() => hub.call(method, params)),
    multiCall: (calls) => persistently(() => hub.multiCall(calls)),
  };
}

/** What the hub, or the way to it, did to a call. */
export function isHubTrouble(error: unknown): error is HubFault | HubUnreachable | HubAnswerUnreadable {
  return error instanceof HubFault || error instanceof HubUnreachable || error instanceof HubAnswerUnreadable;
}
