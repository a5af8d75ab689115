// The one way the code asks for the time or waits: injected, so that the sandbox can scale or step it.

/** Seconds are epoch seconds as a double, like the hub's `*_ts` fields. */
export interface Clock {
  now(): number;
  /** Resolves after `seconds` of this clock's time. */
  sleep(seconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now() / 1000,
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
};
