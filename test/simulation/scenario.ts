// One run: a site, hours of work and faults, then calm until all is quiet; everything drawn from one seed.

import { Random } from "../../sandbox/world/random.ts";
import { TAG } from "../../shared/fleet/index.ts";
import { HOUR, START } from "./constants.ts";
import { Disturbances } from "./disturbances.ts";
import { chance, whole } from "./draw.ts";
import { unfinished } from "./end-rules.ts";
import type { Violation } from "./rules.ts";
import { drawSite } from "./site.ts";
import { furnishHub, scheduleWork, simulatedWork } from "./workload.ts";
import { World } from "./world.ts";

export interface RunOptions {
  /** Hours of load; default: drawn. */
  readonly hours?: number;
  readonly wire: "values" | "xml";
}

export interface RunResult {
  readonly seed: string;
  readonly violations: readonly Violation[];
  readonly faults: Readonly<Record<string, number>>;
  readonly virtualHours: number;
  readonly launches: number;
  readonly tasks: number;
  readonly judgedWaits: number;
  /** All lines, as h:mm:ss and a sentence. */
  trace(last?: number, until?: number): string[];
}

/** All work is done by then, or something is wrong: images take hours. */
const LONGEST_CALM_SECONDS = 8 * HOUR;
/** Without a figure in the config. */
const LONGEST_HOLD_SECONDS = 150;
/** Once nothing comes any more, what was learned of the load makes an idle builder worth its price no longer than this, */
const LONGEST_WORTH_SECONDS = 12 * HOUR;
/** unless waits are so dear that one burst a day pays for it: then a person has to want an empty fleet. */
const DEAR_WAIT_PER_HOUR = 25;
/** An hour after the last task things look as they did before the first one, and what came then may come again. */
const LEAST_REST_SECONDS = 3 * HOUR;
const STEP_SECONDS = 300;

export async function runScenario(seed: string, { hours, wire }: RunOptions): Promise<RunResult> {
  const random = new Random(seed);
  const site = drawSite(random.fork("site"));
  const draw = random.fork("scenario");
  const world = await World.open({
    seed,
    site,
    work: simulatedWork(random.fork("work")),
    wire,
    awsLatencySeconds: draw.between(0.05, 0.3),
    hubLatencySeconds: draw.between(0.02, 0.2),
  });
  const loadSeconds = (hours ?? whole(draw, 1, 4)) * HOUR;
  const disturbances = new Disturbances(world, random.fork("faults"));
  try {
    prepare(world, draw);
    const bursts = scheduleWork(world, random.fork("workload"), loadSeconds);
    disturbances.schedule(loadSeconds, bursts);
    disturbances.answerAlarms();
    world.lambda.startSchedule();
    world.invariants.watch();
    await world.clock.runUntil(START + loadSeconds);
    disturbances.endAll();
    world.trace.add("load and faults are over");
    await settle(world);
    // On the clock, for asking EC2 takes its time.
    world.clock.after(0, () => world.invariants.judgeEnd());
    await world.clock.runUntil(world.clock.now() + 60);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    world.invariants.break("no-crash", "the run", text);
  }
  return {
    seed,
    violations: world.invariants.violations,
    faults: Object.fromEntries(world.faults),
    virtualHours: (world.clock.now() - START) / HOUR,
    launches: world.launches,
    tasks: world.tasks,
    judgedWaits: world.invariants.waits.judged,
    trace: (last, until) => world.trace.show(last, until),
  };
}

function prepare(world: World, draw: Random): void {
  // First of all: the hub notes when its scheduler ran.
  if (chance(draw, 0.25)) {
    world.weather.hubAheadSeconds = whole(draw, -600, 600);
    world.count("hub's clock is wrong");
    world.trace.add(`the hub's clock is ${world.weather.hubAheadSeconds} s ahead`);
  }
  furnishHub(world);
  // Keeps the hub's scheduler going whatever becomes of the fleet; without it Toji must see to that itself.
  if (chance(draw, 0.5)) world.addStaticBuilder("outside.test", "x86_64", ["outside"], 4);
  if (chance(draw, 0.3)) world.addStaticBuilder("static.test", "x86_64", ["createrepo"], 4);
}

/** Until nothing is left to do, and then as long as hold, drain and a late boot may take. */
async function settle(world: World): Promise<void> {
  const { clock, site } = world;
  const latest = clock.now() + LONGEST_CALM_SECONDS;
  while (clock.now() < latest && unfinished(world).length > 0) await clock.runUntil(clock.now() + STEP_SECONDS);
  const { holdSeconds = LONGEST_HOLD_SECONDS, bootLimitSeconds, pollSeconds } = site.builders;
  if (site.builders.forecast) await forget(world);
  const { runInterval, readyTimeout } = site.hub.options;
  await clock.runUntil(clock.now() + holdSeconds + bootLimitSeconds + runInterval + pollSeconds + readyTimeout + 600);
  // Two sweeps, with the age of a marker between them.
  await clock.runUntil(clock.now() + bootLimitSeconds + 300 + 2 * 600 + 120);
  // The floor's builders are replaced one by one, each once it is drained and its successor is up.
  const floor = floorOf(world);
  const settled = () =>
    world.live().length === floor &&
    world.live().every((each) => each.state === "running" && each.tags[TAG.enabledAt] !== undefined);
  for (let minute = 0; minute < 15 * (1 + floor) && !settled(); minute++) await clock.runUntil(clock.now() + 60);
}

const floorOf = ({ site }: World) => site.builders.profiles.reduce((sum, { min }) => sum + min, 0);

/** Idle builders stay for as long as what was learned in the hours of load makes them worth it; calm is learned, too. */
async function forget(world: World): Promise<void> {
  const { clock, site } = world;
  const { builders } = site;
  const isDear = builders.waitValuePerHour >= DEAR_WAIT_PER_HOUR;
  const [rested, latest] = [clock.now() + LEAST_REST_SECONDS, clock.now() + LONGEST_WORTH_SECONDS];
  const isOver = () => clock.now() >= rested && (isDear || world.live().length <= floorOf(world));
  while (clock.now() < latest && !isOver()) await clock.runUntil(clock.now() + STEP_SECONDS);
  if (!isDear) return;
  world.trace.add("a person wants no builder for what may come");
  world.deploy({ ...world.site, builders: { ...world.site.builders, waitValuePerHour: 0 } });
}
