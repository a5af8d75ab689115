// How long what builds fan out into runs: learned as it ends, and the chance that it ends in time.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chancesOfEnd,
  NO_WORK,
  noteWork,
  timesOfWork,
  type WorkMemory,
} from "../../../shared/fleet/forecast/work-times.ts";
import { TASK_STATE, type Task } from "../../../shared/hub/index.ts";
import { holds } from "../seed.ts";
import { NOW } from "../world.ts";
import { build, openSince, row } from "./task-rows.ts";

const compiler = (id: number, seconds: number, changes: Partial<Task> = {}): Task =>
  row({ id, method: "buildArch", arch: "x86_64", parent: 10, package: "gcc", ...openSince(seconds), ...changes });
/** Passes that see these tasks, ten seconds apart, the last at NOW. */
const learn = (...passes: readonly Task[][]): WorkMemory =>
  passes.reduce((memory, tasks, index) => noteWork(memory, tasks, NOW - 10 * (passes.length - 1 - index)), NO_WORK);
const medianOf = (memory: WorkMemory, arch = "x86_64", name: string | null = "gcc") =>
  Math.exp(timesOfWork(memory, { method: "buildArch", arch, package: name }).mean);

describe("what builds fan out into", () => {
  it("is learned from once it has gone, by method and arch, and by package", () => {
    const ids = [...new Array(40).keys()].map((index) => 100 + index);
    const memory = ids.reduce((known, id) => noteWork(noteWork(known, [compiler(id, 3000)], NOW), [], NOW), NO_WORK);
    expect(medianOf(memory)).toBeGreaterThan(2000);
    expect(medianOf(memory, "x86_64", null)).toBeGreaterThan(1500);
    expect(medianOf(memory, "aarch64", "bash")).toBe(medianOf(NO_WORK));
    expect(memory.running).toEqual([]);
  });

  it("tells nothing while it runs, nor if its builder was lost and it is FREE again", () => {
    const running = learn([compiler(11, 500)], [compiler(11, 500)]);
    expect(running.running.map(({ id }) => id)).toEqual([11]);
    const freed = noteWork(running, [compiler(11, 500, { state: TASK_STATE.FREE, host_id: null })], NOW);
    expect(medianOf(freed)).toBe(medianOf(NO_WORK));
    expect(freed.running).toEqual([]);
  });

  it("counts from its last start", () => {
    const again = noteWork(learn([compiler(11, 5000)]), [compiler(11, 20)], NOW);
    expect(again.running[0]?.since).toBe(compiler(11, 20).start_ts);
    expect(medianOf(noteWork(again, [], NOW))).toBeLessThan(medianOf(NO_WORK));
  });

  it("leaves out waiting parents and what no build made", () => {
    const memory = learn([build.parent(), compiler(12, 60, { parent: null }), compiler(13, 60, { waiting: true })]);
    expect(memory).toBe(NO_WORK);
  });

  it("leaves its memory as it is while nothing begins or ends", () => {
    const memory = learn([compiler(11, 60)]);
    expect(noteWork(memory, [compiler(11, 60)], NOW + 10)).toBe(memory);
  });
});

describe("the chance that a task ends in time", () => {
  const chanceOf = (memory: WorkMemory, task: Task, within: number) =>
    chancesOfEnd(noteWork(memory, [task], NOW), NOW)(task, within);

  it("is a chance that grows with the time, and falls for what is always slow", () => {
    holds(fc.tuple(fc.nat(100_000), fc.nat(3000), fc.nat(3000)), ([elapsed, a, b]) => {
      const chances = [Math.min(a, b), Math.max(a, b)].map((within) => chanceOf(NO_WORK, compiler(1, elapsed), within));
      expect(chances[0]).toBeGreaterThanOrEqual(0);
      expect(chances[1]).toBeLessThanOrEqual(1);
      expect(chances[0]).toBeLessThanOrEqual((chances[1] ?? 0) + 1e-6);
    });
    const slow = [...new Array(20).keys()].reduce(
      (known, id) => noteWork(noteWork(known, [compiler(100 + id, 6000)], NOW), [], NOW),
      NO_WORK,
    );
    const chance = (memory: WorkMemory) => chanceOf(memory, compiler(1, 60), 130);
    expect(chance(slow)).toBeLessThan(0.5 * chance(NO_WORK));
  });
});
