// Every kind of pass, cut off after every single side effect and run on: the world ends in the same place.

import { describe, expect, it } from "vitest";
import { cutPoints, isSame, type Played, play } from "./crash-points.ts";
import { OWN_STORIES } from "./crash-stories.ts";
import { HAND_STORIES } from "./crash-stories-hand.ts";
import { withoutStacks } from "./without-stacks.ts";

const TIME_LIMIT_MS = 120_000;

describe.each([...OWN_STORIES, ...HAND_STORIES])("$name", (story) => {
  it(
    "ends the same wherever it is cut off",
    async () => {
      const whole = await withoutStacks(() => play(story));
      const trace = whole.trace.join("\n");
      for (const sentence of story.shows) expect(trace).toMatch(sentence);
      expect(whole.broken).toEqual([]);
      expect(whole.end).toMatchObject({ serving: story.ends.serving, leftBehind: [] });
      expect(whole.end.tasks.map((task) => task.split(" ").at(-1))).toEqual(story.ends.tasks);
      const cuts = cutPoints(story, whole);
      const differing: object[] = [];
      let latest = 0;
      for (const cut of cuts) {
        const played = await withoutStacks(() => play(story, cut, whole.end));
        expect(played.wasCutOff).toBe(true);
        latest = Math.max(latest, played.moreMinutes);
        if (!isSame(played.end, whole.end) || played.broken.length > 0) differing.push(tell(cut, whole, played));
      }
      const later = latest === 0 ? "" : `, the last of them ${latest} min later`;
      console.log(
        `${story.name}: ${cuts.length} crash points of ${whole.effects.length} side effects, all with one end${later}`,
      );
      expect(differing.slice(0, 2)).toEqual([]);
    },
    TIME_LIMIT_MS,
  );
});

function tell(cut: number, { effects, end: wanted }: Played, { end, broken, trace }: Played): object {
  const { what = "", at = 0 } = effects[cut - 1] ?? {};
  return { cutAfter: `${cut}: ${what} at ${at}`, broken, wanted, end, trace: trace.slice(-60) };
}
