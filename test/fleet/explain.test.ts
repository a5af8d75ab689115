// What a decision says: sentences with the numbers they rest on, the queue by bin, the builders, the notes.

import { describe, expect, it } from "vitest";
import { changeSentence } from "../../shared/fleet/explain.ts";
import {
  assigned,
  builder,
  decideOn,
  free,
  launchesOf,
  makeProfile,
  makeSite,
  NOW,
  open,
  type Scene,
  times,
} from "./world.ts";

const reasons = (scene: Scene) => launchesOf(decideOn(scene)).map((launch) => launch.reason);

describe("a launch says", () => {
  it("what waits, how heavy, where, how long, and how soon help comes", () => {
    const tasks = [free({ create_ts: NOW - 125 }), free(), free({ method: "tagBuild", arch: "noarch" })];
    expect(reasons({ tasks })).toEqual([
      "2 buildArch, 1 tagBuild tasks (weight 4) in default:x86_64, default:noarch, oldest 125 s, find no room; a builder boots in about 150 s",
    ]);
  });

  it("so in the singular too", () => {
    expect(reasons({ tasks: [free()] })).toEqual([
      "1 buildArch task (weight 1.5) in default:x86_64, oldest 40 s, finds no room; a builder boots in about 150 s",
    ]);
  });

  it("one thing for all launches of a profile together", () => {
    const [first, second] = reasons({ tasks: times(5, () => free()) });
    expect(first).toMatch(/^5 buildArch tasks \(weight 7.5\)/);
    expect(second).toBe(first);
  });

  it("no more than three bins by name", () => {
    const site = makeSite({
      profiles: [makeProfile({ channels: ["default", "createrepo"], arches: ["x86_64", "i386"] })],
    });
    const tasks = [1, 2].flatMap((channel_id) => [free({ channel_id }), free({ channel_id, arch: "i386" })]);
    expect(reasons({ site, tasks })[0]).toContain(
      "in default:x86_64, default:i386, createrepo:x86_64 and 1 more, oldest",
    );
  });

  it("never a negative age, for the hub's clock may be ahead", () => {
    expect(reasons({ tasks: [free({ create_ts: NOW + 30 })] })[0]).toContain("oldest 0 s");
  });

  it("what is tried first, in the line for a person", () => {
    const [launch] = launchesOf(decideOn({ tasks: [free()] }));
    expect(launch && changeSentence(launch)).toBe(
      "launch b-01 (x86, m7a.xlarge spot, us-east-1a): 1 buildArch task (weight 1.5) in default:x86_64, oldest 40 s, finds no room; a builder boots in about 150 s",
    );
  });

  it("the kind and the slot of every other change", () => {
    const [enable] = decideOn({ builders: { "b-01": builder.checkedIn() } }).changes;
    expect(enable && changeSentence(enable)).toBe("enable b-01: its kojid has checked in");
  });
});

describe("the queue", () => {
  it("is told by bin: tasks, weight as builders will set it, oldest", () => {
    const tasks = [
      free({ create_ts: NOW - 300, package: "kernel" }),
      free(),
      free({ arch: "noarch", method: "build" }),
      open("b-01"),
      assigned("b-01"),
    ];
    const lookups = { packageSeconds: { kernel: { seconds: 2400, at: NOW } } };
    expect(decideOn({ builders: { "b-01": builder.serving() }, tasks, lookups }).queue).toEqual([
      { channel: "default", arch: "noarch", free: 1, oldestSeconds: 40, weight: 0.2 },
      { channel: "default", arch: "x86_64", free: 2, oldestSeconds: 300, weight: 3.5 },
    ]);
  });
});

describe("the builders", () => {
  it("are those slots that hold something, with price, tasks and load", () => {
    const builders = { "b-01": builder.serving({ market: "on-demand" }), "b-02": builder.resting() };
    const tasks = [open("b-01", { weight: 1.5 }), open("b-01", { weight: 0.2, waiting: true })];
    expect(decideOn({ builders, tasks }).builders).toEqual([
      {
        slot: "b-01",
        profile: "x86",
        phase: "serving",
        instanceId: "i-b-01",
        instanceType: "m7a.xlarge",
        market: "on-demand",
        pricePerHour: 0.23184,
        tasks: 2,
        load: 1.5,
      },
    ]);
  });

  it("cost together what all instances cost that have not ended", () => {
    const builders = {
      "b-01": builder.serving({ market: "on-demand" }),
      "b-02": builder.shuttingDown(),
      "b-03": builder.gone(),
    };
    expect(decideOn({ builders }).pricePerHour).toBeCloseTo(0.23184 * 1.4, 6);
  });
});

describe("the same world", () => {
  it("is described in the same words twice, and nothing to do is said by silence about empty slots", () => {
    expect(decideOn({ builders: { "b-01": builder.resting() } })).toMatchObject({
      changes: [],
      keep: [],
      unserved: [],
      notes: [],
    });
  });
});
