// Which tasks builds under way will bring: where, with what chance in time, and whose builder they take.

import { describe, expect, it } from "vitest";
import { type ComingTasks, childrenAhead } from "../../../shared/fleet/forecast/children.ts";
import { fanOutKey, type GraphMemory, NO_GRAPH, noteFamilies } from "../../../shared/fleet/forecast/families.ts";
import { priorTimes } from "../../../shared/fleet/forecast/stage-times.ts";
import { NO_WORK } from "../../../shared/fleet/forecast/work-times.ts";
import type { Lookups } from "../../../shared/fleet/types.ts";
import { DEFAULT_HUB_OPTIONS, TASK_STATE, type Task } from "../../../shared/hub/index.ts";
import { CHANNELS, NOW } from "../world.ts";
import { build, openSince, row, tableOf } from "./task-rows.ts";

const TAG: Lookups = {
  tagArches: { "f44-build": { arches: ["x86_64", "i686", "aarch64"], at: NOW }, 7: { arches: ["x86_64"], at: NOW } },
  packageSeconds: {},
};
const KNOWN: GraphMemory = { ...NO_GRAPH, tags: tableOf({ f44: "f44-build" }) };
const KEY = fanOutKey({
  method: "build",
  package: "bash",
  target: "f44",
  stage: "queued",
  since: null,
  buildTag: null,
});
const QUICK: GraphMemory = {
  ...KNOWN,
  byMethod: tableOf({ build: priorTimes(5, 6) }),
  ended: tableOf({ build: { count: 1e6, failed: 0 } }),
};

/** What one pass expects within 150 s, after the looks before it. */
function ahead(
  tasks: readonly Task[],
  memory: GraphMemory = KNOWN,
  within = 150,
  before: Task[] = [],
  work = NO_WORK,
): ComingTasks[] {
  const state = {
    now: NOW,
    options: DEFAULT_HUB_OPTIONS,
    channels: CHANNELS,
    hosts: [],
    tasks,
    refusals: [],
    runs: [],
  };
  const seen = noteFamilies(before.length === 0 ? memory : noteFamilies(memory, before, NOW - 10), tasks, NOW);
  return childrenAhead(state, seen, TAG, within, work);
}
const binsOf = (coming: ComingTasks | undefined) =>
  coming?.tasks.map(({ channelId, arch, method }) => `${method} ${channelId}:${arch}`).sort() ?? [];
const last = (coming: readonly ComingTasks[]) => coming.at(-1);
const running = (seconds: number, changes: Partial<Task> = {}) => [
  build.parent(changes),
  build.srpm(openSince(seconds)),
];

describe("a build whose SRPM is at work", () => {
  it("will bring its children with the chance that the SRPM ends and does not fail", () => {
    const [soon] = ahead(running(50), KNOWN, 10);
    const [later] = ahead(running(50), KNOWN, 150);
    expect(soon?.chance).toBeLessThan(later?.chance ?? 0);
    expect(later?.chance).toBeLessThan(1);
    expect(later?.after?.task.id).toBe(11);
  });

  it("brings fewer the more builds have failed", () => {
    const failing = { ...KNOWN, ended: tableOf({ build: { count: 100, failed: 60 } }) };
    const [often, seldom] = [ahead(running(50), failing)[0], ahead(running(50))[0]];
    expect(often?.chance).toBeLessThan(0.6 * (seldom?.chance ?? 0));
    // Its SRPM ends all the same.
    expect(often?.after?.ends).toBe(seldom?.after?.ends);
  });

  it("brings them later while the SRPM still waits", () => {
    const waiting = ahead([build.parent(), build.srpm()], KNOWN, 90)[0];
    expect(waiting?.chance).toBeLessThan(ahead(running(0), KNOWN, 90)[0]?.chance ?? 0);
  });

  it("is judged by its package's own times as well", () => {
    const slow = { ...KNOWN, byPackage: tableOf({ bash: { ...priorTimes(3000, 4000), count: 50 } }) };
    expect(ahead(running(10), slow, 60)[0]?.chance).toBeLessThan(0.1);
    expect(ahead(running(10), KNOWN, 60)[0]?.chance).toBeGreaterThan(0.3);
  });
});

describe("a build between its SRPM and its children", () => {
  it("brings them at the parent's next poll", () => {
    const [coming] = ahead([build.parent()], QUICK, 60, running(50));
    expect(coming?.chance).toBeCloseTo(1, 4);
    expect(coming?.after).toBeNull();
  });
});

describe("a build in the queue", () => {
  it("counts with its SRPM, which has mostly ended when its children are there", () => {
    const [children] = ahead([build.queued()], QUICK);
    expect(children?.after?.task).toMatchObject({ method: "buildSRPMFromSCM", arch: "noarch", state: TASK_STATE.FREE });
    expect(children?.after?.ends).toBeCloseTo(1, 6);
    expect(children?.chance).toBeCloseTo(1, 3);
  });

  it("brings no children before SRPM and hub have had their time", () => {
    const [children] = ahead([build.queued()], KNOWN, 30);
    expect(children?.after?.ends).toBe(0);
    expect(children?.chance).toBe(0);
  });

  it("brings its SRPM once it is open, which stays unless it ends by then", () => {
    const stayOf = (memory: GraphMemory, within?: number) => {
      const [srpm] = ahead([build.parent()], memory, within);
      expect(binsOf(srpm)).toEqual(["buildSRPMFromSCM 1:noarch"]);
      expect(srpm?.chance).toBe(1);
      return srpm?.tasks[0]?.stays;
    };
    expect(stayOf(QUICK)).toBeCloseTo(0, 6);
    expect(stayOf(KNOWN, 30)).toBeGreaterThan(0.98);
  });
});

describe("children that come", () => {
  const staysAmong = (median: number) => {
    const table = tableOf({ "buildArch x86_64": priorTimes(median, median * 1.5) });
    const [coming] = ahead(running(50), KNOWN, 150, [], { ...NO_WORK, byKind: table });
    return coming?.tasks.find(({ arch }) => arch === "x86_64")?.stays ?? Number.NaN;
  };

  it("may have ended by then, if they are short", () => {
    expect(staysAmong(3000)).toBeCloseTo(1, 3);
    expect(staysAmong(60)).toBeLessThan(staysAmong(120));
    expect(staysAmong(5)).toBeLessThan(0.5);
    expect(staysAmong(5)).toBeGreaterThan(0);
  });
});

describe("the bins", () => {
  it("are those of the last time, in the channels of that time", () => {
    const known = {
      ...KNOWN,
      fanOuts: tableOf({ [KEY]: { bins: ["3:aarch64", "3:x86_64"], at: NOW - 9000 } }),
    };
    expect(binsOf(last(ahead(running(50), known)))).toEqual(["buildArch 3:aarch64", "buildArch 3:x86_64"]);
  });

  it("of an unknown package are noarch or the tag's arches, as often as builds were noarch", () => {
    const shares = (memory: GraphMemory) =>
      last(ahead(running(50), memory))?.tasks.map(({ arch, share }) => [arch, share]);
    expect(shares(KNOWN)).toEqual([
      ["noarch", 0.5],
      ["x86_64", 0.5],
      ["i386", 0.5],
      ["aarch64", 0.5],
    ]);
    const mostly = shares({ ...KNOWN, noarch: { count: 96, of: 96 } });
    expect(mostly?.[0]?.[1]).toBeCloseTo(0.98, 12);
    expect(mostly?.[1]?.[1]).toBeCloseTo(0.02, 12);
  });

  it("of a package in the queue come from the target's tag, once any build has shown it", () => {
    expect(binsOf(last(ahead([build.queued()], KNOWN)))).toHaveLength(4);
    expect(binsOf(last(ahead([build.queued()], NO_GRAPH)))).toEqual(["buildArch 1:noarch"]);
  });

  it("of a build that asks for arches are those", () => {
    expect(binsOf(last(ahead(running(50, { arches: ["aarch64"] }))))).toEqual(["buildArch 1:aarch64"]);
  });

  it("of a build that asks for another arch than the last one are what it asks for", () => {
    const known = { ...KNOWN, fanOuts: tableOf({ [KEY]: { bins: ["1:x86_64"], at: NOW - 9000 } }) };
    expect(binsOf(last(ahead(running(50, { arches: ["aarch64"] }), known)))).toEqual(["buildArch 1:aarch64"]);
  });

  it("are inherited from the parent's channel where nothing is known", () => {
    expect(binsOf(last(ahead(running(50, { channel_id: 3 }))))).toContain("buildArch 3:x86_64");
  });

  it.each([
    ["image", "createImage"],
    ["livemedia", "createLiveMedia"],
    ["livecd", "createLiveCD"],
    ["appliance", "createAppliance"],
    ["kiwiBuild", "createKiwiImage"],
  ])("of %s are one %s for each arch of the request", (method, child) => {
    const image = row({ id: 40, method, channel_id: 3, arches: ["x86_64", "aarch64"], ...openSince(1) });
    expect(binsOf(last(ahead([image])))).toEqual([`${child} 3:aarch64`, `${child} 3:x86_64`]);
  });

  it("of a chainbuild are its next build", () => {
    const chain = row({ id: 50, method: "chainbuild", target: "f44", ...openSince(1) });
    expect(binsOf(last(ahead([chain])))).toEqual(["build 1:noarch"]);
  });

  it("of a repo are one createrepo for each arch of its tag", () => {
    const repo = row({ id: 60, method: "newRepo", channel_id: 2, build_tag: "f44-build", ...openSince(1) });
    expect(binsOf(last(ahead([repo])))).toEqual(new Array(3).fill("createrepo 2:noarch"));
  });

  it("of two repos differ where their tags do", () => {
    const repo = (id: number, tag: string | number) =>
      row({ id, method: "newRepo", channel_id: 2, build_tag: tag, ...openSince(1) });
    const done = [1, 2, 3].map((id) => row({ id: 60 + id, parent: 60, method: "createrepo", channel_id: 2 }));
    const learned = noteFamilies(KNOWN, [repo(60, "f44-build"), ...done], NOW - 900);
    expect(binsOf(last(ahead([repo(70, 7)], learned)))).toEqual(["createrepo 2:noarch"]);
  });

  it("need no word of the hub's that is also one of JavaScript's", () => {
    const odd = build.queued({ package: "constructor", target: "__proto__" });
    expect(() => ahead([odd], NO_GRAPH)).not.toThrow();
  });
});

describe("builds that have fanned out, and tasks that bring nothing", () => {
  it("are not waited for", () => {
    expect(ahead([build.parent(), build.arch("x86_64")])).toEqual([]);
    expect(ahead([row({ id: 1, method: "runroot" })])).toEqual([]);
  });
});
