// One turn of the event loop: afterwards every promise that was ready, and all it made ready, has run.

/** Node runs all ready promises between two immediates, so a handful queued together costs one loop of the poller. */
const TURNS_PER_LOOP = 16;

const waiting: (() => void)[] = [];
let queued = 0;

function takeTurn(): void {
  queued--;
  waiting.shift()?.();
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (queued >= waiting.length) return;
    for (let i = 0; i < TURNS_PER_LOOP; i++) setImmediate(takeTurn);
    queued += TURNS_PER_LOOP;
  });
}
