// Virtual time never moves while somebody is working.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { turns } from "./turns.ts";

const servers: Server[] = [];

async function serve(answer: (path: string) => Promise<string>): Promise<string> {
  const server = createServer((request, response) => {
    void answer(request.url ?? "").then((text) => response.end(text));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A made-up activity: sleeps, real work, and branches. */
type Step =
  | { readonly kind: "sleep"; readonly seconds: number }
  | { readonly kind: "work"; readonly turns: number }
  | { readonly kind: "sleeps"; readonly seconds: readonly number[] }
  | { readonly kind: "branches"; readonly branches: readonly (readonly Step[])[] };

const { steps } = fc.letrec<{ steps: Step[]; step: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ kind: fc.constant("sleep" as const), seconds: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ kind: fc.constant("work" as const), turns: fc.integer({ min: 0, max: 4 }) }),
    fc.record({
      kind: fc.constant("sleeps" as const),
      seconds: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant("branches" as const), branches: fc.array(tie("steps"), { maxLength: 3 }) }),
  ),
  steps: fc.array(tie("step"), { maxLength: 5 }),
}));

/** Runs the steps and fails when time moves during work; returns when it ended. */
async function perform(clock: VirtualClock, list: readonly Step[]): Promise<number> {
  for (const step of list) {
    const before = clock.now();
    if (step.kind === "sleep") await clock.sleep(step.seconds);
    if (step.kind === "sleeps") await Promise.all(step.seconds.map((seconds) => clock.sleep(seconds)));
    if (step.kind === "branches")
      await Promise.all(step.branches.map((branch) => clock.actor(() => perform(clock, branch))));
    if (step.kind === "work") {
      await turns(step.turns);
      expect(clock.now()).toBe(before);
    }
  }
  return clock.now();
}

/** What the steps take if time is exact. */
function duration(list: readonly Step[]): number {
  const each = list.map((step) => {
    if (step.kind === "sleep") return step.seconds;
    if (step.kind === "sleeps") return Math.max(0, ...step.seconds);
    if (step.kind === "branches") return Math.max(0, ...step.branches.map(duration));
    return 0;
  });
  return each.reduce((sum, seconds) => sum + seconds, 0);
}

describe("actors", () => {
  it("take exactly the time they sleep, however they nest, branch and work in between", async () => {
    const start = fc.record({ at: fc.integer({ min: 0, max: 20 }), steps });
    await fc.assert(
      fc.asyncProperty(fc.array(start, { minLength: 1, maxLength: 4 }), async (starts) => {
        const clock = new VirtualClock();
        const ends: (number | null)[] = starts.map(() => null);
        starts.forEach(({ at, steps: list }, index) => {
          clock.at(at, async () => {
            ends[index] = await perform(clock, list);
          });
        });
        await clock.runUntil(10_000);
        expect(ends).toEqual(starts.map(({ at, steps: list }) => at + duration(list)));
      }),
      { numRuns: 150 },
    );
  });

  it("do the same in the same order every time", async () => {
    const run = async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      for (const name of ["a", "b", "c"]) {
        void clock.actor(async () => {
          for (let round = 0; round < 5; round++) {
            await turns(name.charCodeAt(0) % 3);
            log.push(`${name}${round} ${clock.now()}`);
            await clock.sleep(round % 2 === 0 ? 10 : 15);
          }
        });
      }
      await clock.runUntil(100);
      return log;
    };
    const first = await run();
    expect(first).toHaveLength(15);
    expect(await run()).toEqual(first);
  });

  it("keep time still while a branch works, even when its sibling sleeps", async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    void clock.actor(async () => {
      await Promise.all([
        clock.sleep(60),
        clock.actor(async () => {
          await clock.sleep(5);
          await turns(20);
          seen.push(clock.now());
        }),
      ]);
      seen.push(clock.now());
    });
    clock.at(6, () => seen.push(clock.now()));
    await clock.runUntil(100);
    expect(seen).toEqual([5, 6, 60]);
  });

  it("hand their result and their error to whoever started them", async () => {
    const clock = new VirtualClock();
    const good = clock.actor(async () => {
      await clock.sleep(1);
      return "done";
    });
    const bad = clock.actor(async () => {
      throw new Error("broken");
    });
    await expect(bad).rejects.toThrow("broken");
    await clock.runUntil(2);
    await expect(good).resolves.toBe("done");
    expect(clock.runnable()).toEqual([]);
  });

  it("can wait for one another without stopping time", async () => {
    const clock = new VirtualClock();
    const { promise, resolve } = Promise.withResolvers<string>();
    const waiting = clock.actor(async () => `${await clock.wait(promise)} at ${clock.now()}`);
    void clock.actor(async () => {
      await clock.sleep(30);
      resolve("ready");
      await turns(5);
    });
    await clock.runUntil(100);
    expect(await waiting).toBe("ready at 30");
  });

  it("name those that time waits for", async () => {
    const clock = new VirtualClock();
    const { promise, resolve } = Promise.withResolvers<void>();
    const work = clock.actor(() => promise, "the slow one");
    expect(clock.runnable()).toEqual(["the slow one"]);
    resolve();
    await work;
    expect(clock.runnable()).toEqual([]);
  });

  it("cannot run the clock they live in, and only one run goes at a time", async () => {
    const clock = new VirtualClock();
    await expect(clock.actor(() => clock.runUntil(5))).rejects.toThrow("wait for itself");
    const run = clock.runUntil(5);
    await expect(clock.runUntil(6)).rejects.toThrow("already running");
    await run;
  });

  it("need not exist: a plain sleep wakes before the next event", async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const sleeper = (async () => {
      await clock.sleep(5);
      await Promise.resolve();
      log.push(`slept ${clock.now()}`);
      await clock.sleep(2);
      log.push(`slept ${clock.now()}`);
    })();
    clock.at(6, () => log.push(`event ${clock.now()}`));
    await clock.runUntil(10);
    await sleeper;
    expect(log).toEqual(["slept 5", "event 6", "slept 7"]);
  });
});

describe("actors over loopback HTTP", () => {
  it("see time stand still during a request, and no wake-up is lost", async () => {
    const clock = new VirtualClock();
    const base = await serve((path) => clock.actor(async () => `${path} ${clock.now()}`));
    const log: string[] = [];
    for (let number = 0; number < 8; number++) {
      clock.at(number, async () => {
        for (let round = 0; round < 5; round++) {
          const before = clock.now();
          const answer = await fetch(`${base}/${number}-${round}`);
          log.push(await answer.text());
          expect(clock.now()).toBe(before);
          await clock.sleep(10);
        }
      });
    }
    await clock.runUntil(100);
    const expected = Array.from({ length: 40 }, (_, index) => {
      const [round, number] = [Math.floor(index / 8), index % 8];
      return `/${number}-${round} ${number + 10 * round}`;
    });
    expect(log).toEqual(expected);
  });

  it("a request in one branch holds back a sibling's time-out", async () => {
    const clock = new VirtualClock();
    const base = await serve(async () => {
      await turns(50);
      return "answered";
    });
    const result = clock.actor(() =>
      Promise.race([clock.actor(async () => (await fetch(base)).text()), clock.sleep(30).then(() => "timed out")]),
    );
    await clock.runUntil(100);
    expect(await result).toBe("answered");
  });
});
