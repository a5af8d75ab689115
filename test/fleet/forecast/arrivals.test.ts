// Rises of demand, learned from looks: nothing while nothing is known, the same whatever the pace of the passes, bounded.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ArrivalMemory,
  chancesOfRise,
  learnRise,
  NO_ARRIVALS,
  noteArrivals,
  situationOf,
} from "../../../shared/fleet/forecast/arrivals.ts";
import { holds } from "../seed.ts";
import { HOUR, NOW } from "../world.ts";

const LEAD = 120;
const DAY = 24 * HOUR;
const total = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0);

interface World {
  readonly demandAt: (now: number) => number;
  /** Tasks that came since the pass before. */
  readonly cameAt?: (now: number) => number;
  readonly from?: number;
  readonly until: number;
  readonly every: number;
  readonly memory?: ArrivalMemory;
}

function look({ demandAt, cameAt = () => 0, from = NOW, until, every, memory = NO_ARRIVALS }: World): ArrivalMemory {
  let [known, since] = [memory, from];
  for (let now = from; now <= until; now += every) {
    const came = noteArrivals(known, cameAt(now), now);
    const seen = { at: now, situation: situationOf(came, now), expected: demandAt(now) };
    known = learnRise(came, seen, demandAt(now), { since, leadSeconds: LEAD });
    since = now;
  }
  return known;
}

const chancesAt = (memory: ArrivalMemory, now: number) => chancesOfRise(memory, situationOf(memory, now));
const ticksOf = ({ rises }: ArrivalMemory) => rises.any?.any?.ticks ?? 0;

describe("a memory without looks", () => {
  it("predicts no rise, however many tasks have come", () => {
    expect(chancesAt(NO_ARRIVALS, NOW)).toEqual([1]);
    expect(chancesAt(noteArrivals(NO_ARRIVALS, 500, NOW), NOW)).toEqual([1]);
  });

  it("learns nothing before one boot has passed", () => {
    const known = look({ demandAt: (now) => now - NOW, until: NOW + LEAD - 10, every: 10 });
    expect(known.rises).toEqual({});
    expect(chancesAt(known, NOW)).toEqual([1]);
  });
});

describe("what is learned", () => {
  it("is the rise over what was expected one boot before", () => {
    // One task more every ten seconds.
    const known = look({ demandAt: (now) => (now - NOW) / 10, until: NOW + 3000, every: 10 });
    const chances = chancesAt(known, NOW);
    expect(chances[12]).toBeCloseTo(1, 9);
  });

  it("is no rise where demand falls or stays", () => {
    const falling = look({ demandAt: (now) => Math.max(0, 100 - (now - NOW) / 10), until: NOW + 900, every: 10 });
    expect(chancesAt(falling, NOW + 900)).toEqual([1]);
  });

  it("counts for how things looked then: a burst is followed by more where it was before", () => {
    // Ten tasks at the full hour; ten more come two minutes later. Between them nothing comes.
    const demandAt = (now: number) => {
      const second = now % HOUR;
      return second < 60 ? 10 : second < 600 ? 20 : 0;
    };
    const cameAt = (now: number) => (now % HOUR === 0 || now % HOUR === 60 ? 10 : 0);
    const start = Math.ceil(NOW / HOUR) * HOUR;
    const memory = look({ demandAt, cameAt, from: start - 600, until: start + 48 * HOUR - 10, every: 10 });
    const inBurst = start + 48 * HOUR + 20;
    const burst = chancesAt(noteArrivals(memory, 10, inBurst), inBurst);
    const quiet = chancesAt(memory, start + 48 * HOUR - 600);
    expect(1 - (burst[0] ?? 0)).toBeGreaterThan(2 * (1 - (quiet[0] ?? 0)));
  });

  it("is a distribution in every situation", () => {
    const anyWorld = fc.record({
      steps: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 20, maxLength: 120 }),
      every: fc.constantFrom(10, 20, 60, 100),
    });
    holds(
      anyWorld,
      ({ steps, every }) => {
        const at = (now: number) => steps[Math.floor((now - NOW) / every) % steps.length] ?? 0;
        const known = look({ demandAt: at, cameAt: at, until: NOW + 40 * every, every });
        const chances = chancesAt(known, NOW + 40 * every);
        expect(total(chances)).toBeCloseTo(1, 9);
        for (const chance of chances) expect(chance).toBeGreaterThanOrEqual(0);
      },
      60,
    );
  });
});

describe("the pace of the passes", () => {
  it("does not matter: a world is counted by its time", () => {
    // Demand moves by the quarter hour.
    const demandAt = (now: number) => (Math.floor(now / 900) % 4) * 6;
    const every10 = look({ demandAt, until: NOW + 6 * HOUR, every: 10 });
    const every60 = look({ demandAt, until: NOW + 6 * HOUR, every: 60 });
    expect(ticksOf(every60) / ticksOf(every10)).toBeCloseTo(1, 1);
    const [fast, slow] = [chancesAt(every10, NOW), chancesAt(every60, NOW)];
    for (const bin of [0, 6]) expect(Math.abs((fast[bin] ?? 0) - (slow[bin] ?? 0))).toBeLessThan(0.05);
  });

  it("does matter when a gap hides what lay in between: nothing is learned from it", () => {
    const before = look({ demandAt: () => 0, until: NOW + 600, every: 10 });
    const seen = { at: NOW + 1200, situation: situationOf(before, NOW + 1200), expected: 50 };
    const after = learnRise(before, seen, 50, { since: NOW + 600, leadSeconds: LEAD });
    expect(after.rises).toEqual(before.rises);
    expect(after.looks).toEqual([seen]);
  });

  it("does not matter when it stands still: two passes at one instant count once", () => {
    const before = look({ demandAt: () => 0, until: NOW + 600, every: 10 });
    const seen = { at: NOW + 600, situation: situationOf(before, NOW + 600), expected: 0 };
    expect(learnRise(before, seen, 0, { since: NOW + 600, leadSeconds: LEAD }).rises).toEqual(before.rises);
  });
});

describe("the situation", () => {
  const parts = (memory: ArrivalMemory, now = NOW) => situationOf(memory, now)[0];

  it("is how many came in two minutes and in the hour, in powers of two, from fine to coarse", () => {
    const came = [0, 0, 0, 0, 0].reduce(
      (known, _, index) => noteArrivals(known, 2, NOW - 300 + index * 60),
      NO_ARRIVALS,
    );
    expect(situationOf(came, NOW)).toEqual(["4 2|0", "4 2", "4 any", "any any"]);
    expect(parts(NO_ARRIVALS)).toBe("0 0|0");
  });

  it("forgets what came more than an hour ago", () => {
    const came = noteArrivals(NO_ARRIVALS, 8, NOW);
    expect(parts(came, NOW + 100)).toBe("4 4|0");
    expect(parts(noteArrivals(came, 0, NOW + 1000), NOW + 1000)).toBe("4 0|0");
    expect(parts(noteArrivals(came, 0, NOW + HOUR), NOW + HOUR)).toBe("0 0|0");
  });

  it("knows what this clock hour brought on the days before, of those that are remembered", () => {
    const came = [1, 2, 3].reduceRight((known, days) => noteArrivals(known, 6, NOW - days * DAY), NO_ARRIVALS);
    expect(parts(noteArrivals(came, 0, NOW))).toBe("0 0|3");
    expect(parts(noteArrivals(came, 0, NOW + 6 * HOUR), NOW + 6 * HOUR)).toBe("0 0|0");
  });

  it("does not count what lies in the future, after a clock that ran ahead was set right", () => {
    const ahead = noteArrivals(NO_ARRIVALS, 200, NOW + DAY);
    expect(parts(noteArrivals(ahead, 0, NOW))).toBe("0 0|0");
  });
});

describe("the size of what is remembered", () => {
  it("stays bounded after weeks of random passes", () => {
    let [seed, demand] = [7, 0];
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    let known = NO_ARRIVALS;
    let now = NOW;
    for (let pass = 0; pass < 6000; pass++) {
      const since = now;
      now += 10 + Math.floor(random() * 80) + (random() < 0.01 ? DAY : 0);
      const tasks = random() < 0.3 ? Math.floor(2 ** (random() * 12)) : 0;
      demand = Math.max(0, demand + tasks - Math.floor(random() * 400));
      const came = noteArrivals(known, tasks, now);
      const seen = { at: now, situation: situationOf(came, now), expected: demand };
      known = learnRise(came, seen, demand, { since, leadSeconds: LEAD });
    }
    expect(known.came.length).toBeLessThanOrEqual(HOUR / 10);
    expect(known.looks.length).toBeLessThanOrEqual(LEAD / 10 + 10);
    expect(Object.keys(known.hours).length).toBeLessThanOrEqual(30 * 24);
    for (const views of Object.values(known.rises)) expect(Object.keys(views).length).toBeLessThanOrEqual(124);
    expect(JSON.stringify(known).length).toBeLessThan(400_000);
  });
});
