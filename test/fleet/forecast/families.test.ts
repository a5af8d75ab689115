// Builds between two passes: their stage, what is learned at the fan-out, and what a build without one tells.

import { describe, expect, it } from "vitest";
import { type GraphMemory, NO_GRAPH, noteFamilies, timesOf } from "../../../shared/fleet/forecast/families.ts";
import { lookUp } from "../../../shared/fleet/forecast/shards.ts";
import type { Task } from "../../../shared/hub/index.ts";
import { NOW } from "../world.ts";
import { build, entriesOf, FREE, openSince, row } from "./task-rows.ts";

/** One look every ten seconds. */
function watch(looks: readonly (readonly Task[])[], memory: GraphMemory = NO_GRAPH): GraphMemory {
  return looks.reduce((known, tasks, index) => noteFamilies(known, tasks, NOW + index * 10), memory);
}
const stageOf = (memory: GraphMemory, id = 10) => memory.families[id]?.stage;

/** A build from FREE to its fan-out into `arches`, which came `seconds` after its SRPM began. */
function learnBuild(memory: GraphMemory, arches: readonly string[], seconds = 60, name = "bash"): GraphMemory {
  const about = { package: name };
  const srpm = build.srpm({ ...about, state: 1, start_ts: NOW });
  const children = arches.map((arch, index) =>
    build.arch(arch, { ...about, id: 12 + index, create_ts: NOW + seconds }),
  );
  const parent = build.parent(about);
  return watch([[build.queued(about)], [parent, srpm], [parent], [parent, ...children], []], memory);
}

describe("the stage of a build", () => {
  it("goes from queued over its SRPM and the moment after to its fan-out", () => {
    expect(stageOf(watch([[build.queued()]]))).toBe("queued");
    expect(stageOf(watch([[build.parent(), build.srpm(FREE)]]))).toBe("first");
    const running = [build.parent(), build.srpm(openSince(5))];
    expect(stageOf(watch([running]))).toBe("first");
    expect(stageOf(watch([running, [build.parent()]]))).toBe("between");
    expect(stageOf(watch([running, [build.parent()], [build.parent(), build.arch("x86_64")]]))).toBe("out");
  });

  it("stays out once it was: what ends or is tagged then brings no more", () => {
    const out = [build.parent(), build.arch("x86_64")];
    expect(stageOf(watch([out, [build.parent()]]))).toBe("out");
    expect(stageOf(watch([out, [build.parent(), row({ id: 20, parent: 10, method: "tagBuild" })]]))).toBe("out");
  });

  it("counts from the moment at which the SRPM began to work", () => {
    expect(watch([[build.parent(), build.srpm(FREE)]]).families[10]?.since).toBeNull();
    expect(watch([[build.parent(), build.srpm(openSince(25))]]).families[10]?.since).toBe(NOW - 25);
  });

  it("is forgotten with the build", () => {
    expect(watch([[build.queued()], []]).families).toEqual({});
  });

  it("of a pass without any build costs nothing: the memory stays as it is", () => {
    expect(noteFamilies(NO_GRAPH, [row({ id: 1, method: "runroot" })], NOW)).toBe(NO_GRAPH);
  });
});

describe("what a fan-out teaches", () => {
  it("is the children's bins by package and target", () => {
    const known = learnBuild(NO_GRAPH, ["x86_64", "aarch64"]);
    expect(entriesOf(known.fanOuts).map(([, { bins }]) => bins)).toEqual([["1:aarch64", "1:x86_64"]]);
    expect(known.noarch).toEqual({ count: 0, of: 1 });
  });

  it("is whether it was noarch", () => {
    expect(learnBuild(learnBuild(NO_GRAPH, ["noarch"]), ["x86_64"], 60, "gcc").noarch).toEqual({ count: 1, of: 2 });
  });

  it("is the time from the SRPM's begin to the children, for the method and for the package", () => {
    let known = NO_GRAPH;
    for (let round = 0; round < 60; round++) known = learnBuild(known, ["x86_64"], 300);
    expect(Math.exp(timesOf(known, "build").mean)).toBeGreaterThan(250);
    expect(Math.exp(lookUp(known.byPackage, "bash")?.mean ?? 0)).toBeCloseTo(300, 0);
    expect(lookUp(known.byPackage, "bash")?.count).toBe(60);
  });

  it("is the build tag of the target, as the SRPM's request names it", () => {
    expect(entriesOf(learnBuild(NO_GRAPH, ["x86_64"]).tags)).toEqual([["f44", "f44-build"]]);
  });

  it("is no time when the build was met in its last stage, but its bins all the same", () => {
    const known = watch([[build.parent(), build.arch("x86_64", { create_ts: NOW - 100 })]]);
    expect(known.byPackage).toEqual({});
    expect(entriesOf(known.fanOuts)).toHaveLength(1);
  });

  it("is learned once", () => {
    const out = [build.parent(), build.arch("x86_64")];
    expect(lookUp(watch([out, out, out]).ended, "build")).toEqual({ count: 1, failed: 0 });
  });

  it("is what was seen last of a package, and of about a thousand packages at most", () => {
    let known = learnBuild(learnBuild(NO_GRAPH, ["x86_64"]), ["noarch"]);
    expect(entriesOf(known.fanOuts).map(([, { bins }]) => bins)).toEqual([["1:noarch"]]);
    for (let index = 0; index < 1200; index++) known = learnBuild(known, ["x86_64"], 60, `package-${index}`);
    expect(entriesOf(known.fanOuts).length).toBeLessThanOrEqual(1024);
    expect(entriesOf(known.byPackage).length).toBeLessThanOrEqual(1024);
    expect(lookUp(known.byPackage, "package-1199")?.count).toBe(1);
  });

  it("of other parents is how long they took from their begin to their children", () => {
    const repo = row({ id: 30, method: "newRepo", channel_id: 2, ...openSince(0), weight: 0.1 });
    const child = row({ id: 31, parent: 30, method: "createrepo", channel_id: 2, create_ts: NOW + 40 });
    const known = watch([[repo], [repo, child]]);
    expect(lookUp(known.byMethod, "newRepo")?.count).toBeGreaterThan(timesOf(NO_GRAPH, "newRepo").count);
    expect(known.noarch).toEqual({ count: 0, of: 0 });
  });
});

describe("a build that ends without children", () => {
  it("has failed in its first stage", () => {
    const known = watch([[build.queued()], [build.parent(), build.srpm(openSince(5))], []]);
    expect(lookUp(known.ended, "build")).toEqual({ count: 1, failed: 1 });
  });

  it("does not count when it was canceled in the queue, and one with children is none", () => {
    expect(watch([[build.queued()], []]).ended).toEqual({});
    expect(lookUp(learnBuild(NO_GRAPH, ["x86_64"]).ended, "build")).toEqual({ count: 1, failed: 0 });
  });
});
