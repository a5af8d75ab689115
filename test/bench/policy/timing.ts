// Time and memory of the largest replay: a mass rebuild, played by Toji in a process of its own.

import { execFile } from "node:child_process";
import * as z from "zod";
import { type CrewStage, openStage } from "../../../sandbox/replay/crew.ts";
import { BOOT_TIMES, MISHAPS } from "../../../sandbox/replay/engine/setting.ts";
import { play } from "../../../sandbox/replay/play.ts";

const MASS_REBUILD = { seconds: 60, megabytes: 1000 };
const LONGEST_SECONDS = 900;
/** On a large machine V8 lets garbage pile up; with this much a replay takes as long, and its own need shows. */
const HEAP_MEGABYTES = 600;
/** With four at once some 400 builders are enough; the bench's ratios are made with one at a time. */
const TASKS_PER_BUILDER = 4;

export function stageOf(name: string, seed: number): CrewStage {
  return {
    trace: { name, seed, spacingSeconds: 5, serviceFactor: 1 },
    site: null,
    tasksPerBuilder: null,
    seed,
    boot: BOOT_TIMES,
    mishaps: MISHAPS,
  };
}

const timingShape = z.object({ tasks: z.number(), builders: z.number(), seconds: z.number(), megabytes: z.number() });

/** `file` with `--time-mass-rebuild` calls timeMassRebuild: the memory of a new process is that of one replay. */
export async function timeInChild(file: string): Promise<{ text: string; json: z.infer<typeof timingShape> | null }> {
  const stdout = await new Promise<string>((resolve) => {
    const args = [`--max-old-space-size=${HEAP_MEGABYTES}`, file, "--time-mass-rebuild"];
    execFile(process.execPath, args, { timeout: LONGEST_SECONDS * 1000 }, (_, out) => resolve(out));
  });
  if (stdout === "") {
    return {
      text: `mass rebuild, toji at $5: not over in ${LONGEST_SECONDS} s (bar ${MASS_REBUILD.seconds} s): NOT reached`,
      json: null,
    };
  }
  const json = timingShape.parse(JSON.parse(stdout));
  const reached = json.seconds < MASS_REBUILD.seconds && json.megabytes < MASS_REBUILD.megabytes;
  const text = `mass rebuild of ${json.tasks} tasks, most builders ${json.builders}, toji at $5: ${json.seconds.toFixed(1)} s, ${json.megabytes} MB (bars ${MASS_REBUILD.seconds} s, ${MASS_REBUILD.megabytes} MB): ${reached ? "reached" : "NOT reached"}`;
  return { text, json };
}

export async function timeMassRebuild(): Promise<void> {
  const began = performance.now();
  const stage = await openStage({ ...stageOf("synthetic:mass-rebuild", 1), tasksPerBuilder: TASKS_PER_BUILDER });
  const { detail } = play(stage, { kind: "toji", forecast: true, waitValuePerHour: 5 });
  const seconds = (performance.now() - began) / 1000;
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1000);
  const builders = Math.max(...detail.timeline.map((sample) => sample.builders));
  console.log(JSON.stringify({ tasks: stage.trace.tasks.length, builders, seconds, megabytes }));
}
