// The way from FREE to OPEN in plain words: what was measured of it, and what would shorten it. Pure.

import type { PathMemory } from "./path.ts";

/** What one profile's launches took on average. */
export interface MeasuredPath {
  readonly profile: string;
  readonly launches: number;
  /** From launch to kojid's first check-in. */
  readonly bootSeconds: number;
  /** From there until the hub calls it ready; null = not seen yet. */
  readonly readySeconds: number | null;
}

/** How often the hub's scheduler runs, and how often kojid asks it for work. */
export interface HubPace {
  readonly runInterval: number;
  readonly pollSeconds: number;
}

/** Profiles of which no launch was measured are left out. */
export function measuredPaths(paths: Readonly<Record<string, PathMemory>>): MeasuredPath[] {
  return Object.entries(paths).flatMap(([profile, { boot, ready }]) => {
    if (boot.count === 0) return [];
    const { seconds: bootSeconds, count: launches } = boot;
    return [{ profile, launches, bootSeconds, readySeconds: ready.count === 0 ? null : ready.seconds }];
  });
}

/** "boot 126 s (30 launches), then ready after 4 s" */
export function pathSentence({ launches, bootSeconds, readySeconds }: MeasuredPath): string {
  const counted = launches === 1 ? "1 launch" : `${launches} launches`;
  const ready = readySeconds === null ? "" : `, then ready after ${Math.round(readySeconds)} s`;
  return `boot ${Math.round(bootSeconds)} s (${counted})${ready}`;
}

/** What hub.conf is advised to say; the scheduler runs within a builder's call, so much shorter burdens the hub. */
const GOOD_RUN_INTERVAL = 15;
const LONG_RUN_INTERVAL = 20;
const GOOD_POLL_SECONDS = 5;
const LONG_POLL_SECONDS = 10;

/** What a ready builder's task still waits for, with the advice where it can be shortened. */
export function paceSentences({ runInterval, pollSeconds }: HubPace): string[] {
  const scheduler = `the hub's scheduler adds up to RunInterval ${runInterval} s`;
  const poll = `kojid asks for work every ${pollSeconds} s`;
  return [
    runInterval > LONG_RUN_INTERVAL
      ? `${scheduler}: set RunInterval = ${GOOD_RUN_INTERVAL} in hub.conf (and hub.options.runInterval) to save about ${saved(runInterval, GOOD_RUN_INTERVAL)} s a task`
      : scheduler,
    pollSeconds > LONG_POLL_SECONDS
      ? `${poll}: set builders.pollSeconds to ${GOOD_POLL_SECONDS} to save about ${saved(pollSeconds, GOOD_POLL_SECONDS)} s a task`
      : poll,
  ];
}

/** A task comes anywhere between two runs: half the difference, on average. */
const saved = (now: number, then: number): number => Math.floor((now - then) / 2);
