// The zero-wait schedule of a trace: who starts when if nothing ever waits.
import { describe, expect, it } from "vitest";
import { hasGraph, type Place, zeroWaitJobs } from "../../../sandbox/replay/bounds/jobs.ts";
import type { Release, Trace, TraceTask } from "../../../sandbox/replay/trace.ts";

const x86: readonly Place[] = [{ pool: "x86", share: 1 }];

function task(id: number, parent: number | null, release: Release, seconds: number, method = "buildArch"): TraceTask {
  return {
    id,
    parent,
    method,
    channel: "default",
    arch: "x86_64",
    weight: 1,
    priority: null,
    package: null,
    target: null,
    scratch: false,
    release,
    seconds,
    failed: false,
  };
}

const traceOf = (...tasks: TraceTask[]): Trace => ({
  name: "small",
  start: 0,
  spanSeconds: 1000,
  tasks,
  targets: {},
  synthetic: [],
});

const build = traceOf(
  task(1, null, { at: 100 }, 5, "build"),
  task(2, 1, { after: [], delay: 2 }, 60, "buildSRPMFromSCM"),
  task(3, 1, { after: [2], delay: 3 }, 300),
  task(4, 1, { after: [2], delay: 3 }, 400),
  task(5, null, { after: [1], delay: 1 }, 50, "newRepo"),
);

describe("zeroWaitJobs", () => {
  it("opens each task when its parent is open and those it follows have ended; a parent works after its last child", () => {
    const jobs = zeroWaitJobs(build, () => x86);

    expect(jobs.map((job) => [job.start, job.seconds])).toEqual([
      [565, 5],
      [102, 60],
      [165, 300],
      [165, 400],
      [571, 50],
    ]);
  });

  it("leaves out tasks that no pool takes, but not the time that they take", () => {
    const jobs = zeroWaitJobs(build, ({ method }) => (method === "newRepo" ? x86 : null));

    expect(jobs).toEqual([{ start: 571, seconds: 50, places: x86 }]);
  });

  it("starts a follower at the very end of what it follows, to the last bit", () => {
    const chain = [task(1, null, { at: 0.1 }, 0.7)];
    for (let id = 2; id < 200; id += 1) chain.push(task(id, null, { after: [id - 1], delay: 0 }, 0.1 * id));
    const jobs = zeroWaitJobs(traceOf(...chain), () => x86);

    for (const [i, job] of jobs.slice(1).entries()) {
      const before = jobs[i];
      expect(job.start).toBe((before?.start ?? 0) + (before?.seconds ?? 0));
    }
  });

  it("refuses tasks that wait for one another, and ties to tasks that are not there", () => {
    const ring = traceOf(task(1, null, { after: [2], delay: 0 }, 1), task(2, null, { after: [1], delay: 0 }, 1));
    const loose = traceOf(task(1, null, { after: [9], delay: 0 }, 1));

    expect(() => zeroWaitJobs(ring, () => x86)).toThrow("Tasks of trace small wait for one another, task 1 among them");
    expect(() => zeroWaitJobs(loose, () => x86)).toThrow("Task 1 follows task 9, which the trace does not have");
  });
});

it("hasGraph tells whether tasks release one another", () => {
  expect(hasGraph(build)).toBe(true);
  expect(hasGraph(traceOf(task(1, null, { at: 0 }, 1), task(2, null, { at: 5 }, 1)))).toBe(false);
});
