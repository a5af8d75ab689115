// An invocation: one writer at a time, passes while something is going on, and a record of each.

import { beforeEach, describe, expect, it } from "vitest";
import { runInvocation } from "../../shared/fleet/pass.ts";
import { HubOffline } from "../../shared/hub/index.ts";
import { awsError } from "./fakes/ec2.ts";
import { FleetWorld } from "./fakes/fleet-world.ts";
import { unreachable } from "./fakes/hub.ts";
import { makeProfile, makeSite } from "./world.ts";

let world: FleetWorld;
beforeEach(() => {
  world = new FleetWorld(makeSite({ profiles: [makeProfile({ slots: { prefix: "b", count: 2 } })] }));
});
const invoke = (owner = "one", ports = world.ports) => runInvocation(ports, { channelIds: [] }, owner);
const stored = (key: string) => JSON.parse(world.store.objects.get(key)?.text ?? "null");

describe("an invocation", () => {
  it("makes one pass when there is nothing to do", async () => {
    const before = world.clock.now();
    expect(await invoke()).toMatchObject({ passes: 1, skipped: null, last: { changes: [] } });
    expect(world.clock.now()).toBe(before);
  });

  it("makes one every ten seconds also then, if the config wants the forecast to see all that comes", async () => {
    world = new FleetWorld(makeSite({ builders: { watchAtRest: true } }));
    expect(await invoke()).toMatchObject({ passes: 5, last: { changes: [] } });
  });

  it("makes one every ten seconds while tasks wait or builders are on their way, until the next tick", async () => {
    world.hub.addTask({ create_ts: world.clock.now() });
    const before = world.clock.now();
    expect((await invoke()).passes).toBe(5);
    expect(world.clock.now() - before).toBe(40);
  });

  it("ends when the last builder that was on its way serves", async () => {
    await invoke();
    world.hub.addTask({ create_ts: world.clock.now() });
    await invoke();
    world.clock.pass(60);
    const { passes, last } = await invoke();
    expect(last?.builders.map((each) => each.phase)).toEqual(["serving"]);
    expect(passes).toBeLessThan(5);
  });
});

describe("the one writer", () => {
  it("is the first invocation; a second makes no pass and says until when", async () => {
    world.hub.addTask({ create_ts: world.clock.now() });
    const others: object[] = [];
    // Between two passes of the first one.
    const sleep = async (seconds: number) => {
      others.push(await invoke("two"));
      world.clock.pass(seconds);
    };
    await invoke("one", { ...world.ports, clock: { now: () => world.clock.now(), sleep } });
    expect(others[0]).toEqual({
      passes: 0,
      skipped: "no pass: one is the one writer until 2026-11-18T12:55:20.000Z",
      last: null,
    });
  });

  it("gives its lease back, so that the next tick need not wait, also when a pass fails", async () => {
    await invoke("one");
    const failing = { ...world.ports, store: { ...storeOf(world), put: failOn("fleet/decisions/latest.json") } };
    await expect(invoke("two", failing)).rejects.toThrow("slow down");
    expect((await invoke("three")).passes).toBe(1);
    expect(stored("fleet/lease.json")).toMatchObject({ owner: "three", epoch: 3, until: 0 });
  });

  it("stops when another has taken over, and overwrites nothing of the other's", async () => {
    world.hub.addTask({ create_ts: world.clock.now() });
    let slept = false;
    const clock = {
      now: () => world.clock.now(),
      // It is stopped for three minutes, as a Lambda may be.
      sleep: async (seconds: number) => {
        world.clock.pass(seconds + (slept ? 0 : 180));
        if (!slept) {
          slept = true;
          await invoke("two");
        }
      },
    };
    await expect(runInvocation({ ...world.ports, clock }, { channelIds: [] }, "one")).rejects.toMatchObject({
      name: "LeaseLost",
    });
    expect(stored("fleet/memory.json").epoch).toBe(2);
  });
});

const storeOf = ({ store }: FleetWorld) => ({
  get: store.get.bind(store),
  put: store.put.bind(store),
  remove: store.remove.bind(store),
  presign: store.presign.bind(store),
});
const failOn = (key: string) => async (name: string, text: string, expect?: string) => {
  if (name === key) throw awsError("SlowDown", "slow down");
  return await world.store.put(name, text, expect);
};

describe("what a pass leaves behind", () => {
  it("is the decision, with what became of each change, under its epoch", async () => {
    world.hub.addTask({ create_ts: world.clock.now() });
    await invoke();
    const keys = world.store.keys("fleet/decisions/2026-11-18/");
    expect(keys[0]).toBe("fleet/decisions/2026-11-18/12-53-20.000-1.json");
    expect(stored(keys[0] ?? "")).toMatchObject({
      epoch: 1,
      changes: [{ kind: "launch", slot: "b-01" }],
      outcomes: [{ kind: "launch", slot: "b-01", done: true, sentence: "launched i-1; its host is enabled" }],
    });
  });

  it("is only the newest decision, when it changed nothing and had nothing to note", async () => {
    await invoke();
    expect(world.store.keys("fleet/")).toEqual(["fleet/decisions/latest.json", "fleet/lease.json"]);
    expect(stored("fleet/decisions/latest.json")).not.toHaveProperty("memory");
  });

  it("is memory, written only when it changed", async () => {
    world.addServing("b-01");
    await invoke("one");
    const before = world.store.objects.get("fleet/memory.json");
    expect(stored("fleet/memory.json").idleSince).toEqual({ "b-01": world.clock.now() });
    await invoke("two");
    expect(world.store.objects.get("fleet/memory.json")).toBe(before);
  });

  it("survives unreadable memory: it is set aside with a sentence", async () => {
    await world.store.put("fleet/memory.json", "{");
    world.addServing("b-01");
    expect((await invoke()).passes).toBe(1);
    expect(world.said[0]).toMatch(/^the stored memory is unreadable and set aside: /);
    expect(stored("fleet/memory.json").idleSince).toHaveProperty("b-01");
  });

  it("is lost, but not what the template tells: a launch that is under way counts until EC2 shows it", async () => {
    world.ec2.addVersion("toji launch 0a of b-02");
    world.clock.pass(100);
    world.hub.addTask({ create_ts: world.clock.now() });
    const { last } = await invoke("one");
    expect(last?.changes).toMatchObject([{ kind: "launch", slot: "b-02" }]);
    expect(world.said.join()).toMatch(/a launch of b-02 was begun 1\d\d s ago, and it may yet show/);
    expect(world.ec2.instances).toEqual([]);
    expect(stored("fleet/memory.json").uncertain).toHaveProperty("b-02");
  });

  it("names each task that nothing serves", async () => {
    world.hub.addTask({ create_ts: world.clock.now(), arch: "s390x" });
    await invoke();
    expect(stored("fleet/decisions/latest.json").unserved).toMatchObject([
      { taskId: 1001, reason: "no profile of channel default has arch s390x" },
    ]);
  });
});

describe("a pass that cannot see the whole world changes nothing, and says why", () => {
  it.each([
    [
      "the hub is offline",
      () => new HubOffline("back soon"),
      'no change: the hub answered "back soon" (fault 1014) since 2026-11-18T12:53Z',
    ],
    [
      "nobody answers",
      unreachable,
      /^no change: The hub at https:\/\/hub\.test\/kojihub cannot be reached: it did not answer in time/,
    ],
  ])("when %s", async (_, away, note) => {
    world.hub.addTask({ create_ts: world.clock.now() });
    world.hub.away = away();
    const { last, passes } = await invoke();
    expect(passes).toBe(1);
    expect(last?.changes).toEqual([]);
    expect(last?.notes).toEqual([typeof note === "string" ? note : expect.stringMatching(note)]);
    expect(stored("fleet/decisions/latest.json").notes).toHaveLength(1);
  });

  it("when EC2 does not answer", async () => {
    world.hub.addTask({ create_ts: world.clock.now() });
    const ec2 = {
      send: async () => {
        throw awsError("UnauthorizedOperation", "not you");
      },
    } as unknown as typeof world.ports.ec2;
    const { last } = await invoke("one", { ...world.ports, ec2 });
    expect(last?.notes).toEqual(["no change: DescribeInstances failed (UnauthorizedOperation): not you"]);
    expect(world.ec2.instances).toEqual([]);
  });
});
