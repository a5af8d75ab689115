// A host that the hub takes for dead is enabled as its builder is launched: what that may not break, and what it is for.

import { beforeEach, describe, expect, it } from "vitest";
import { apply } from "../../shared/fleet/apply.ts";
import { decide } from "../../shared/fleet/decide.ts";
import { observe } from "../../shared/fleet/observe.ts";
import type { FleetPorts } from "../../shared/fleet/ports.ts";
import { EMPTY_MEMORY, type Launch } from "../../shared/fleet/types.ts";
import { HubFault, HubOffline, type HubWriter } from "../../shared/hub/index.ts";
import { FleetWorld } from "./fakes/fleet-world.ts";
import { unreachable } from "./fakes/hub.ts";
import { builder, decideOn, free, launchesOf, makeProfile, makeSite, NOW } from "./world.ts";

const ONE_SLOT = makeSite({
  builders: { forecast: false },
  profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })],
});
let world: FleetWorld;
beforeEach(() => {
  world = new FleetWorld(ONE_SLOT);
  world.taskSeconds = 1e6;
});

const LAUNCH: Launch = {
  kind: "launch",
  slot: "b-01",
  profile: "x86",
  token: "token-of-b-01",
  checkInAfter: null,
  intoLost: false,
  enablesHost: true,
  offerings: [
    { instanceType: "m7a.xlarge", market: "spot", subnetId: "subnet-0a", zone: "us-east-1a", pricePerHour: 0.1 },
  ],
  reason: "a test",
};

async function launchNow(launch: Launch = LAUNCH, ports: FleetPorts = world.ports) {
  const snapshot = await observe(world.ports, { channelIds: [] }, EMPTY_MEMORY.lookups);
  const decision = { ...decide(snapshot, world.site, EMPTY_MEMORY, world.clock.now()), changes: [launch] };
  return await apply(decision, [], ports, () => true);
}

const isEnabled = () => world.hub.host("b-01").enabled;
const resting = (update_ts: number | null) => world.hub.addHost({ name: "b-01", enabled: false, update_ts });

describe("the decision to enable a host at its launch", () => {
  const enables = (host: Parameters<typeof builder.resting>[0]) =>
    launchesOf(decideOn({ site: ONE_SLOT, builders: { "b-01": builder.resting(host) }, tasks: [free()] })).map(
      (each) => each.enablesHost,
    );

  it("is made for a slot that the hub has not heard of for longer than its ReadyTimeout, or never", () => {
    expect(enables({ update_ts: NOW - 181 })).toEqual([true]);
    expect(enables({ update_ts: null })).toEqual([true]);
    expect(launchesOf(decideOn({ site: ONE_SLOT, tasks: [free()] }))).toMatchObject([{ enablesHost: true }]);
  });

  it("is not made for one that has just been used: the hub may still take it for ready", () => {
    const ended = { ...builder.gone({ enabled: false, update_ts: NOW - 100 }) };
    const decision = decideOn({ site: ONE_SLOT, builders: { "b-01": ended }, tasks: [free()] });
    expect(launchesOf(decision)).toMatchObject([{ slot: "b-01", enablesHost: false }]);
  });

  it("is not made for a lost one: its host is enabled anyway", () => {
    const lost = builder.gone({ update_ts: NOW - 300 });
    const tasks = [{ ...free(), state: 1 as const, on: "b-01" }];
    const decision = decideOn({ site: ONE_SLOT, builders: { "b-01": lost }, tasks });
    expect(launchesOf(decision)).toMatchObject([{ intoLost: true, enablesHost: false }]);
  });
});

describe("a launch that enables its host", () => {
  it("does so last of all, once there is an instance", async () => {
    const { outcomes, memory } = await launchNow();
    expect(outcomes).toEqual([
      { kind: "launch", slot: "b-01", done: true, sentence: "launched i-1; its host is enabled" },
    ]);
    expect(world.scalpel.effects.slice(-2)).toEqual(["create fleet token-of-b-01-1", "enableHost b-01"]);
    expect(memory.launched).toMatchObject({ "b-01": { instanceId: "i-1" } });
  });

  it("leaves it disabled when EC2 has nothing", async () => {
    world.ec2.refused.set("m7a.xlarge subnet-0a spot", "InsufficientInstanceCapacity");
    await launchNow();
    expect(isEnabled()).toBe(false);
  });

  it.each([
    ["a host that a pass does not mean to enable", { enablesHost: false }],
    ["a lost slot, whatever the launch says", { intoLost: true }],
  ])("is another one than that into %s", async (_, change) => {
    resting(null);
    const { outcomes } = await launchNow({ ...LAUNCH, ...change });
    expect([outcomes[0]?.sentence, isEnabled()]).toEqual(["launched i-1", false]);
  });

  it.each([
    [180, 0, false],
    [181, 0, true],
    [181, -600, false],
    [181, 600, true],
  ])(
    "looks once more: a check-in %i s ago, by a hub whose clock is %i s ahead",
    async (seconds, clockAhead, enabled) => {
      resting(world.clock.now() - seconds);
      const hubReader = { ...world.ports.hubReader, clockAhead };
      const { outcomes } = await launchNow(LAUNCH, { ...world.ports, hubReader });
      expect(outcomes[0]).toMatchObject({
        done: true,
        sentence: expect.stringMatching(enabled ? /is enabled$/ : /polls/),
      });
      expect(isEnabled()).toBe(enabled);
    },
  );

  it.each([
    ["refuses it", () => new HubFault(1000, "no permission")],
    ["goes offline", () => new HubOffline("back soon")],
    ["does not answer", unreachable],
  ])("is done all the same when the hub %s, and its host is enabled once its kojid is up", async (_, error) => {
    const refusing = async (): Promise<HubWriter> => ({
      ...world.hub.connection,
      call: async (method, params) => {
        if (method === "enableHost") throw error();
        return await world.hub.connection.call(method, params);
      },
    });
    const { outcomes, memory } = await launchNow(LAUNCH, { ...world.ports, hubWriter: refusing });
    expect(outcomes[0]).toMatchObject({
      done: true,
      sentence: "launched i-1; its host is enabled once its kojid has checked in",
    });
    expect(memory.launched).toMatchObject({ "b-01": { instanceId: "i-1" } });
    expect(isEnabled()).toBe(false);
    await world.ticks(3);
    expect(isEnabled()).toBe(true);
  });
});

describe("a builder whose host is enabled while it boots", () => {
  const submit = () => world.hub.addTask({ create_ts: world.clock.now() });
  const states = () => world.hub.tasks.map((task) => task.state);

  it("gets work at its very first poll, before a pass has seen it", async () => {
    submit();
    await world.tick();
    expect([isEnabled(), states()]).toEqual([true, [0]]);
    world.clock.pass(60);
    expect(states()).toEqual([1]);
    expect([...world.broken]).toEqual([]);
    await world.tick();
    expect(world.ec2.live("b-01")[0]?.tags.has("toji:enabled-at")).toBe(true);
  });

  it.each([1, 2, 3, 4, 5, 6])("serves in the end wherever the launch is cut off: after effect %i", async (cut) => {
    submit();
    await world.tick();
    const effects = [...world.scalpel.effects];
    const first = effects.findIndex((effect) => effect.startsWith("addHost"));
    expect(effects.slice(first, first + 6).at(-1)).toBe("enableHost b-01");
    world = new FleetWorld(ONE_SLOT);
    world.taskSeconds = 1e6;
    submit();
    world.scalpel.cutAfter(first + cut);
    await world.ticks(6);
    expect([world.ec2.instances.length, states(), isEnabled()]).toEqual([1, [1], true]);
    expect([...world.broken]).toEqual([]);
  });

  it("counts as coming, neither as capacity nor as disabled by a person", () => {
    const enabled = { enabled: true, ready: true, update_ts: NOW - 7200 };
    const decision = decideOn({
      site: ONE_SLOT,
      builders: { "b-01": builder.booting(60, enabled) },
      tasks: [free()],
    });
    expect(decision.builders).toMatchObject([{ slot: "b-01", phase: "booting" }]);
    expect(decision.changes).toEqual([]);
    expect(decision.keep).toMatchObject([{ reason: "its kojid has not checked in yet, 60 s after launch" }]);
    const late = decideOn({ builders: { "b-01": builder.booting(400, enabled) }, tasks: [free()] });
    expect(launchesOf(late).map((each) => each.slot)).toEqual(["b-02"]);
  });

  it("that never comes up is disabled first, then terminated, and another one is launched", async () => {
    world.deaf.add("i-1");
    submit();
    await world.ticks(30);
    expect(world.ec2.live().map((each) => each.id)).toEqual(["i-2"]);
    const { effects } = world.scalpel;
    expect(effects.indexOf("disableHost b-01")).toBeLessThan(effects.indexOf("terminate i-1"));
    expect([states(), [...world.broken]]).toEqual([[1], []]);
  });

  it("is no disagreement of hub and EC2 when it never comes up, however many do not", async () => {
    const profiles = [makeProfile({ capacity: 2, slots: { prefix: "b", count: 4 } })];
    world = new FleetWorld(makeSite({ builders: { forecast: false }, profiles }));
    for (let index = 0; index < 8; index++) submit();
    for (let index = 1; index <= 4; index++) world.deaf.add(`i-${index}`);
    await world.ticks(25);
    expect(world.ec2.live().filter((each) => world.deaf.has(each.id))).toEqual([]);
    expect(world.said.filter((sentence) => /disagree/.test(sentence))).toEqual([]);
  });

  it("and that EC2 does not list while the memory is lost is disabled, and enabled again once it is up", async () => {
    world.ec2.listedAfterSeconds = 100;
    submit();
    await world.tick();
    expect(isEnabled()).toBe(true);
    world.store.objects.delete("fleet/memory.json");
    await world.tick();
    expect(world.scalpel.effects).toContain("disableHost b-01");
    await world.ticks(5);
    expect([world.ec2.instances.length, isEnabled(), states()]).toEqual([1, true, [1]]);
    expect([...world.broken]).toEqual([]);
  });

  it("and that loses its tags is not taken for one that is up", () => {
    const scene = { site: ONE_SLOT, builders: { "b-01": builder.booting(60, { enabled: true }) } };
    const [spec] = Object.values(scene.builders);
    const untagged = { ...spec, instance: { ...spec?.instance, untagged: true }, host: spec?.host ?? null };
    const [change] = decideOn({ ...scene, builders: { "b-01": untagged } }).changes;
    const tags = change?.kind === "adopt" ? change.tags : {};
    expect(change?.kind).toBe("adopt");
    expect(Object.keys(tags)).not.toContain("toji:enabled-at");
    expect(tags["toji:check-in-after"]).toBe(String(NOW - 7200));
  });
});
