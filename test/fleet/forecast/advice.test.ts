// What was measured of the way from FREE to OPEN, in words, with advice only where it saves something.

import { describe, expect, it } from "vitest";
import { measuredPaths, paceSentences, pathSentence } from "../../../shared/fleet/forecast/advice.ts";
import { NO_PATH } from "../../../shared/fleet/forecast/path.ts";

describe("measured paths", () => {
  it("are those of profiles that were launched, with what is known of them", () => {
    const boot = { count: 30, seconds: 126.4 };
    const paths = measuredPaths({
      x86: { ...NO_PATH, boot, ready: { count: 29, seconds: 3.6 } },
      arm: { ...NO_PATH, boot: { count: 1, seconds: 90 } },
      image: NO_PATH,
    });
    expect(paths.map(({ profile }) => profile)).toEqual(["x86", "arm"]);
    expect(paths.map(pathSentence)).toEqual(["boot 126 s (30 launches), then ready after 4 s", "boot 90 s (1 launch)"]);
  });
});

describe("the hub's pace", () => {
  it("comes with advice where it is slow, and says what that saves: half the difference", () => {
    expect(paceSentences({ runInterval: 60, pollSeconds: 15 })).toEqual([
      "the hub's scheduler adds up to RunInterval 60 s: set RunInterval = 15 in hub.conf (and hub.options.runInterval) to save about 22 s a task",
      "kojid asks for work every 15 s: set builders.pollSeconds to 5 to save about 5 s a task",
    ]);
  });

  it.each([
    [20, 10],
    [15, 5],
    [1, 1],
  ])("is only told where it is quick: RunInterval %i, every %i s", (runInterval, pollSeconds) => {
    expect(paceSentences({ runInterval, pollSeconds })).toEqual([
      `the hub's scheduler adds up to RunInterval ${runInterval} s`,
      `kojid asks for work every ${pollSeconds} s`,
    ]);
  });
});
