// Stories that are cut off: each is played once whole, then again for every side effect it has, cut off right after it.

import { describe, expect, it } from "vitest";
import { makeSite, type SiteChanges } from "../world.ts";
import { FleetWorld } from "./fleet-world.ts";

export interface Story {
  readonly name: string;
  readonly site?: SiteChanges;
  /** Until all is quiet. */
  readonly minutes: number;
  begin(world: FleetWorld): void;
  /** What happens besides, at the start of a minute. */
  at?(minute: number, world: FleetWorld): void;
  /** What the end is. */
  end(world: FleetWorld): void;
}

export const OPEN = 1;
export const CLOSED = 2;
export const CANCELED = 3;

export const serving = (world: FleetWorld) => world.hub.hosts.filter((host) => host.enabled).map((host) => host.name);
export const taskStates = (world: FleetWorld) => world.hub.tasks.map((task) => task.state);

/** The end, and what the sweep leaves of it. */
async function finish(world: FleetWorld): Promise<string> {
  const end = world.endState();
  await world.sweep();
  return JSON.stringify([end, world.leftovers()]);
}

async function play(story: Story, cutAfter = Number.POSITIVE_INFINITY): Promise<FleetWorld> {
  const world = new FleetWorld(makeSite(story.site));
  story.begin(world);
  world.scalpel.cutAfter(cutAfter);
  for (let minute = 0; minute < story.minutes; minute++) {
    story.at?.(minute, world);
    await world.tick();
  }
  return world;
}

/**
 * The side effects to cut after: each one, but where passes only repeat what the last ones did (a lease, a decision) the
 * first of them. What led up to an effect counts as part of it.
 */
function cutPoints(effects: readonly string[]): number[] {
  const names = effects.map((effect) => effect.replace(/decisions\/\d.*/, "decisions/..."));
  const met = new Set<string>();
  return names.flatMap((_, index) => {
    const history = names.slice(Math.max(0, index - 3), index + 1).join("; ");
    if (met.has(history)) return [];
    met.add(history);
    return [index + 1];
  });
}

/** The end must be the same wherever a story is cut off, and on the way no rule may break. */
export function tell(stories: readonly Story[]): void {
  describe.each(stories)("$name", (story) => {
    it("ends as it should, with every rule kept", async () => {
      const world = await play(story);
      story.end(world);
      expect([...world.broken]).toEqual([]);
    });

    it("ends the same wherever it is cut off", async () => {
      const whole = await play(story);
      const effects = [...whole.scalpel.effects];
      const end = await finish(whole);
      const differing: object[] = [];
      for (const cut of cutPoints(effects)) {
        const world = await play(story, cut);
        const same = (await finish(world)) === end;
        if (!same || world.broken.size > 0)
          differing.push({ cutAfter: `${cut}: ${effects[cut - 1]}`, broken: [...world.broken], end: world.endState() });
      }
      expect(differing.slice(0, 3)).toEqual([]);
    });
  });
}
