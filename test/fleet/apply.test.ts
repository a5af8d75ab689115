// The steps of a decision against EC2, hub and bucket: what each leaves behind, and when it rather does nothing.

import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { apply } from "../../shared/fleet/apply.ts";
import { decide } from "../../shared/fleet/decide.ts";
import { observe } from "../../shared/fleet/observe.ts";
import type { FleetPorts } from "../../shared/fleet/ports.ts";
import { type Change, EMPTY_MEMORY, type Memory } from "../../shared/fleet/types.ts";
import { parseUserData } from "../../shared/fleet/user-data.ts";
import { HubOffline } from "../../shared/hub/index.ts";
import { awsError, type FakeInstance } from "./fakes/ec2.ts";
import { FleetWorld } from "./fakes/fleet-world.ts";
import { unreachable } from "./fakes/hub.ts";
import { makeProfile, makeSite } from "./world.ts";

const SITE = makeSite({ profiles: [makeProfile({ channels: ["createrepo"], capacity: 3.5 })] });
let world: FleetWorld;
beforeEach(() => {
  world = new FleetWorld(SITE);
});

/** Applies these changes as a decision made on the world as it is. */
async function applyChanges(changes: readonly Change[], ports: FleetPorts = world.ports, mayGoOn = () => true) {
  const snapshot = await observe(ports, { channelIds: [] }, EMPTY_MEMORY.lookups);
  const decision = { ...decide(snapshot, ports.site, EMPTY_MEMORY, world.clock.now()), changes };
  return await apply(decision, snapshot.ec2.kind === "seen" ? snapshot.ec2.instances : [], ports, mayGoOn);
}

async function decideNow(memory: Memory = EMPTY_MEMORY) {
  const snapshot = await observe(world.ports, { channelIds: [] }, memory.lookups);
  return decide(snapshot, world.site, memory, world.clock.now());
}

const offer = (market: "spot" | "on-demand", subnet: "a" | "b" = "a") => ({
  instanceType: "m7a.xlarge",
  market,
  subnetId: `subnet-0${subnet}`,
  zone: `us-east-1${subnet}`,
  pricePerHour: 0.1,
});
const launchOf = (slot = "b-01", offerings = [offer("spot"), offer("on-demand")]): Change => ({
  kind: "launch",
  slot,
  profile: "x86",
  token: `token-of-${slot}`,
  checkInAfter: null,
  intoLost: false,
  enablesHost: false,
  offerings,
  reason: "a test",
});
const about = { slot: "b-01", instanceId: "i-old-b-01", reason: "a test" } as const;
const theOne = (): FakeInstance => {
  const [instance] = world.ec2.instances;
  if (instance === undefined) throw new Error("no instance");
  return instance;
};
const refuse = (market: string, code: string, ...subnets: string[]) => {
  for (const subnet of subnets) world.ec2.refused.set(`m7a.xlarge ${subnet} ${market}`, code);
};

describe("a launch", () => {
  it("sets the host up whole before EC2 is asked: arches, capacity, channels, and disabled", async () => {
    const { outcomes } = await applyChanges([launchOf()]);
    expect(outcomes).toEqual([{ kind: "launch", slot: "b-01", done: true, sentence: "launched i-1" }]);
    expect(world.hub.host("b-01")).toMatchObject({
      arches: "x86_64",
      capacity: 3.5,
      channels: [2],
      enabled: false,
    });
    expect(world.scalpel.effects).toEqual([
      "addHost b-01 + disableHost b-01",
      "editHost b-01 + addHostToChannel b-01 + removeHostFromChannel b-01",
      "put identities/b-01/token-of-b-01.pem",
      "create template version 1",
      "create fleet token-of-b-01-1",
    ]);
  });

  it("writes nothing to a host that is as its profile says, and mends one that is not", async () => {
    world.hub.addHost({ name: "b-01", arches: "x86_64", capacity: 3.5, channels: [2], enabled: false });
    world.hub.addHost({ name: "b-02", arches: "i386 x86_64", capacity: 9, channels: [1, 2], enabled: false });
    await applyChanges([launchOf("b-01"), launchOf("b-02")]);
    const hubWrites = world.scalpel.effects.filter((effect) => /Host/.test(effect));
    expect(hubWrites).toEqual(["editHost b-02 + removeHostFromChannel b-02"]);
    expect(world.hub.host("b-02")).toMatchObject({ arches: "x86_64", capacity: 3.5, channels: [2] });
  });

  it("tags the instance as it is made with all that any later pass needs", async () => {
    await applyChanges([{ ...launchOf(), checkInAfter: 1_795_000_123.25 } as Change]);
    expect(Object.fromEntries(theOne().tags)).toEqual({
      Name: "b-01",
      "toji:fleet": "toji",
      "toji:slot": "b-01",
      "toji:profile": "x86",
      "toji:launch": "token-of-b-01",
      "toji:template-version": "1",
      "toji:check-in-after": "1795000123.25",
    });
    const [seen] = (await decideNow()).builders;
    expect(seen).toMatchObject({ slot: "b-01", phase: "launching", instanceId: "i-1", market: "spot" });
  });

  it("gives the builder an address of its identity, which is in no user data", async () => {
    await applyChanges([launchOf()]);
    const version = world.ec2.versions.get(1);
    const variables = parseUserData(version?.userData ?? "");
    expect(variables).toMatchObject({
      TOJI_SLOT: "b-01",
      TOJI_IDENTITY_URL: "https://bucket.test/identities/b-01/token-of-b-01.pem?expires=1200",
      TOJI_SLEEP_TIME: "15",
    });
    const identity = world.store.objects.get("identities/b-01/token-of-b-01.pem")?.text ?? "";
    expect(new X509Certificate(identity.slice(identity.indexOf("-----BEGIN CERT"))).subject).toBe("CN=b-01");
    expect(JSON.stringify(variables)).not.toContain("PRIVATE KEY");
    expect(world.said.join("\n")).not.toContain("PRIVATE KEY");
  });

  it("into a slot that somebody has enabled meanwhile is not made", async () => {
    world.hub.addHost({ name: "b-01" });
    const { outcomes } = await applyChanges([launchOf()]);
    expect(outcomes[0]?.sentence).toBe("host b-01 is enabled though its slot is empty: no launch into it now");
    expect(world.ec2.instances).toEqual([]);
  });

  it("for a channel that the hub does not have is not made, and the hub's words are told", async () => {
    const site = makeSite({ profiles: [makeProfile({ channels: ["default", "sake"] })] });
    const { outcomes } = await applyChanges([launchOf()], { ...world.ports, site });
    expect(outcomes[0]).toMatchObject({
      done: false,
      sentence: expect.stringContaining("channel does not exist: sake"),
    });
    expect(world.ec2.instances).toEqual([]);
  });

  it("without a usable CA is not made, and no key is told", async () => {
    const ports = { ...world.ports, identityCa: async () => "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n" };
    const { outcomes } = await applyChanges([launchOf()], ports);
    expect(outcomes[0]?.sentence).toMatch(/^the builder CA parameter must hold /);
    expect(JSON.stringify([outcomes, world.said])).not.toContain("c2VjcmV0");
    expect(world.ec2.instances).toEqual([]);
  });
});

describe("a launch that EC2 refuses", () => {
  it("on the spot market is made on demand, and the offering is remembered", async () => {
    refuse("spot", "InsufficientInstanceCapacity", "subnet-0a");
    const { outcomes, memory } = await applyChanges([launchOf()]);
    expect(outcomes[0]?.done).toBe(true);
    expect(theOne().market).toBe("on-demand");
    expect(memory.failedOfferings).toEqual([
      {
        instanceType: "m7a.xlarge",
        zone: "us-east-1a",
        market: "spot",
        code: "InsufficientInstanceCapacity",
        until: world.clock.now() + 180,
      },
    ]);
  });

  it("in one zone is made in the other, and that zone alone is remembered", async () => {
    refuse("spot", "InsufficientInstanceCapacity", "subnet-0a");
    const { memory } = await applyChanges([launchOf("b-01", [offer("spot", "a"), offer("spot", "b")])]);
    expect(theOne().subnet).toBe("subnet-0b");
    expect(memory.failedOfferings.map((each) => each.zone)).toEqual(["us-east-1a"]);
  });

  it("for the quota of a market leaves that market alone in every zone", async () => {
    refuse("spot", "MaxSpotInstanceCountExceeded", "subnet-0a");
    const { memory } = await applyChanges([launchOf("b-01", [offer("spot", "a"), offer("spot", "b")])]);
    expect(memory.failedOfferings.map((each) => each.zone)).toEqual(["us-east-1a", "us-east-1b"]);
  });

  it("everywhere leaves nothing behind, says the codes, and has another token the next time", async () => {
    refuse("spot", "InsufficientInstanceCapacity", "subnet-0a");
    refuse("on-demand", "VcpuLimitExceeded", "subnet-0a");
    const { outcomes, memory } = await applyChanges([launchOf()]);
    expect(outcomes[0]).toMatchObject({
      done: false,
      sentence: "EC2 gave no instance (InsufficientInstanceCapacity, VcpuLimitExceeded)",
    });
    expect(memory.launchFailures).toEqual({ "b-01": 1 });
    expect(memory.launched).toEqual({});
    expect(world.store.keys("identities/")).toEqual([]);
    expect(world.ec2.versions.size).toBe(0);
  });

  it("to go easy makes the other launches wait, holds nothing against the offerings, and lets builders go on", async () => {
    refuse("spot", "RequestLimitExceeded", "subnet-0a");
    world.addServing("b-03");
    const drain: Change = { kind: "drain", slot: "b-03", instanceId: "i-old-b-03", forGood: false, reason: "a test" };
    const { outcomes, memory } = await applyChanges([launchOf("b-01"), launchOf("b-02"), drain]);
    expect(outcomes.map(({ done, sentence }) => `${done} ${sentence}`)).toEqual([
      "false EC2 gave no instance (RequestLimitExceeded)",
      "false EC2 asked for fewer calls: it waits for the next pass",
      "true disabled",
    ]);
    expect(memory.failedOfferings).toEqual([]);
  });
});

describe("a launch that is repeated", () => {
  it("after its answer was lost gets the instance that EC2 has made", async () => {
    world.scalpel.cutAfter(5);
    const { outcomes } = await applyChanges([launchOf()]);
    expect(outcomes[0]?.done).toBe(false);
    world.scalpel.revive();
    const again = await applyChanges([launchOf()]);
    expect(again.outcomes[0]?.sentence).toBe("launched i-1");
    expect(world.ec2.instances).toHaveLength(1);
  });

  it("with other offerings, as its answer was lost, is no second launch: the slot is taken until EC2 has shown what it made", async () => {
    world.ec2.listedAfterSeconds = 60;
    world.scalpel.cutAfter(5);
    await applyChanges([launchOf()]);
    world.scalpel.revive();
    const { outcomes, memory } = await applyChanges([launchOf("b-01", [offer("spot", "b")])]);
    expect(outcomes[0]?.sentence).toBe("CreateFleet failed (IdempotentParameterMismatch): IdempotentParameterMismatch");
    world.hub.addTask({ create_ts: world.clock.now(), channel_id: 2 });
    expect((await decideNow(memory)).changes).toEqual([]);
    world.clock.pass(70);
    expect((await decideNow(memory)).builders).toMatchObject([{ slot: "b-01", instanceId: "i-1" }]);
  });

  it("finds its identity again, also when the first attempt had put that away already", async () => {
    refuse("spot", "InsufficientInstanceCapacity", "subnet-0a");
    world.scalpel.cutAfter(6);
    await applyChanges([launchOf("b-01", [offer("spot")])]);
    expect(world.scalpel.effects.at(-1)).toBe("remove identities/b-01/token-of-b-01.pem");
    world.scalpel.revive();
    await applyChanges([launchOf("b-01", [offer("spot"), offer("on-demand")])]);
    expect(theOne()).toMatchObject({ market: "on-demand", version: "1" });
    world.clock.pass(90);
    expect((await decideNow()).changes).toMatchObject([{ kind: "enable", slot: "b-01" }]);
  });

  it("after the first attempt was put away is over, and the next one has another token", async () => {
    refuse("spot", "InsufficientInstanceCapacity", "subnet-0a");
    world.scalpel.cutAfter(7);
    await applyChanges([launchOf("b-01", [offer("spot")])]);
    expect(world.scalpel.effects.at(-1)).toBe("delete template version 1");
    world.scalpel.revive();
    const { outcomes, memory } = await applyChanges([launchOf("b-01", [offer("spot")])]);
    expect(outcomes[0]?.sentence).toMatch(/IdempotentParameterMismatch/);
    expect(memory).toMatchObject({ launchFailures: { "b-01": 1 }, launched: {}, failedOfferings: [] });
    expect([[...world.ec2.versions.keys()], world.store.keys("identities/")]).toEqual([[], []]);
  });

  it("with other parameters holds the slot while the version of the first attempt is there: its answer is unknown", async () => {
    world.scalpel.cutAfter(5);
    await applyChanges([launchOf("b-01", [offer("spot")])]);
    world.scalpel.revive();
    const { outcomes, memory } = await applyChanges([launchOf("b-01", [offer("on-demand")])]);
    expect(outcomes[0]?.sentence).toMatch(/IdempotentParameterMismatch/);
    expect(memory).toMatchObject({ launchFailures: {}, launched: { "b-01": { instanceId: "launch token-of-b-01" } } });
    expect((await decideNow(memory)).builders).toMatchObject([{ slot: "b-01", phase: "launching" }]);
  });

  it("within minutes uses what the first attempt prepared; later it prepares anew, for the address has an end", async () => {
    world.scalpel.cutAfter(4);
    await applyChanges([launchOf()]);
    world.scalpel.revive();
    expect([...world.ec2.versions.keys()]).toEqual([1]);
    world.clock.pass(250);
    const soon = await applyChanges([launchOf()]);
    expect(soon.outcomes[0]?.done).toBe(true);
    expect(theOne().version).toBe("1");

    world = new FleetWorld(SITE);
    world.scalpel.cutAfter(4);
    await applyChanges([launchOf()]);
    world.scalpel.revive();
    world.clock.pass(24 * 3600);
    await applyChanges([launchOf()]);
    expect([...world.ec2.versions.keys()]).toEqual([Number(theOne().version)]);
    expect(world.ec2.versions.get(Number(theOne().version))?.madeAt).toBe(world.clock.now());
  });
});

describe("a launch of the slot that the memory knows nothing of", () => {
  it("may be under way for minutes, so none is made beside it", async () => {
    world.ec2.addVersion("toji launch another of b-01");
    world.clock.pass(200);
    const { outcomes } = await applyChanges([launchOf()]);
    expect(outcomes[0]).toMatchObject({
      done: false,
      sentence: "a launch of b-01 was begun 200 s ago, and it may yet show: not launched again",
    });
    expect([world.ec2.instances, world.store.keys("identities/")]).toEqual([[], []]);
    expect((await applyChanges([launchOf("b-02")])).outcomes[0]?.done).toBe(true);
    world.clock.pass(420);
    expect((await applyChanges([launchOf()])).outcomes[0]?.done).toBe(true);
  });

  it("is over when EC2 has shown its instance, though it has ended since", async () => {
    await applyChanges([launchOf()]);
    world.ec2.become(theOne(), "terminated");
    const again = { ...launchOf(), token: "another-token-of-b-01" };
    expect((await applyChanges([again])).outcomes[0]?.done).toBe(true);
    expect(world.ec2.live("b-01")).toHaveLength(1);
  });
});

describe("a version that an earlier attempt left behind", () => {
  it("goes when the launch is tried once more after its address may have ended, and no other one does", async () => {
    world.ec2.addVersion("made by hand");
    world.ec2.addVersion("toji launch token-of-b-02");
    world.scalpel.cutAfter(world.scalpel.effects.length + 4);
    await applyChanges([launchOf()]);
    world.scalpel.revive();
    world.clock.pass(1150);
    await applyChanges([launchOf()]);
    expect([...world.ec2.versions.values()].map(({ number, description }) => `${number} ${description}`)).toEqual([
      "1 made by hand",
      "2 toji launch token-of-b-02",
      "4 toji launch token-of-b-01 of b-01",
    ]);
  });
});

describe("enabling", () => {
  beforeEach(async () => {
    await applyChanges([launchOf()]);
    world.clock.pass(90);
  });

  it("enables the host, puts the launch away, and marks the instance last", async () => {
    const before = world.scalpel.effects.length;
    const { outcomes } = await applyChanges((await decideNow()).changes);
    expect(outcomes).toEqual([{ kind: "enable", slot: "b-01", done: true, sentence: "enabled" }]);
    expect(world.scalpel.effects.slice(before)).toEqual([
      "enableHost b-01",
      "remove identities/b-01/token-of-b-01.pem",
      "delete template version 1",
      "tag i-1 toji:enabled-at",
    ]);
  });

  it("an instance that is not among those of the pass is refused", async () => {
    const { outcomes } = await applyChanges([{ kind: "enable", slot: "b-01", instanceId: "i-9", reason: "a test" }]);
    expect(outcomes[0]?.sentence).toBe("i-9 is not among the instances of this pass");
    expect(world.hub.host("b-01").enabled).toBe(false);
  });
});

describe("draining", () => {
  const drain = (forGood: boolean): Change => ({ kind: "drain", ...about, forGood });
  beforeEach(() => void world.addServing("b-01"));

  it("marks the instance before it disables the host: nobody then takes it for a person's doing", async () => {
    await applyChanges([drain(false)]);
    expect(world.scalpel.effects).toEqual(["tag i-old-b-01 toji:draining-at", "disableHost b-01"]);
    expect(theOne().tags.has("toji:enabled-at")).toBe(true);
  });

  it("for good takes away the mark that would let it come back", async () => {
    await applyChanges([drain(true)]);
    expect(theOne().tags.has("toji:enabled-at")).toBe(false);
    world.hub.addTask({ create_ts: world.clock.now(), channel_id: 2 });
    expect((await decideNow()).changes.map((change) => change.kind)).not.toContain("cancel-drain");
  });

  it("is called off by enabling the host first", async () => {
    await applyChanges([drain(false)]);
    await applyChanges([{ kind: "cancel-drain", ...about }]);
    expect(world.scalpel.effects.slice(2)).toEqual(["enableHost b-01", "untag i-old-b-01 toji:draining-at"]);
  });
});

describe("terminating", () => {
  const terminate: Change = { kind: "terminate", neverCheckedIn: false, ...about };
  beforeEach(() => {
    world.addServing("b-01").tags.set("toji:draining-at", String(world.clock.now() - 200));
    world.hub.host("b-01").enabled = false;
  });

  it("looks once more, then ends the instance", async () => {
    const { outcomes } = await applyChanges([terminate]);
    expect(outcomes[0]).toMatchObject({ done: true, sentence: "terminated" });
    expect(theOne().state).toBe("shutting-down");
  });

  it.each([1, 4])("is not done when the hub holds a task for it now (state %i)", async (state) => {
    const task = world.hub.addTask({ create_ts: world.clock.now(), host_id: 1, state: state as 1 | 4 });
    const { outcomes } = await applyChanges([terminate]);
    expect(outcomes[0]?.sentence).toBe(`the hub holds task ${task.id} for it now: not terminated`);
    expect(theOne().state).toBe("running");
  });

  it("is not done when somebody has enabled the host", async () => {
    world.hub.host("b-01").enabled = true;
    const { outcomes } = await applyChanges([terminate]);
    expect(outcomes[0]?.sentence).toBe("somebody enabled it meanwhile: not terminated");
    expect(theOne().state).toBe("running");
  });

  it("that EC2 refuses lets the builder serve again", async () => {
    world.ec2.onTerminate = () => {
      throw awsError("OperationNotPermitted", "termination protection");
    };
    const { outcomes } = await applyChanges([terminate]);
    expect(outcomes[0]?.sentence).toBe("TerminateInstances failed (OperationNotPermitted): termination protection");
    expect(world.hub.host("b-01").enabled).toBe(true);
    expect(theOne().tags.has("toji:draining-at")).toBe(false);
    expect(world.said).toContain("terminating b-01 failed: enabled again");
  });

  it("that EC2 refuses enables no builder that never served", async () => {
    theOne().tags.delete("toji:enabled-at");
    world.ec2.onTerminate = () => {
      throw awsError("OperationNotPermitted");
    };
    await applyChanges([terminate]);
    expect(world.hub.host("b-01").enabled).toBe(false);
  });

  it("what EC2 does not know right now is neither done nor undone: the next pass looks again", async () => {
    world.ec2.onTerminate = () => {
      throw awsError("InvalidInstanceID.NotFound");
    };
    const { outcomes } = await applyChanges([terminate]);
    expect(outcomes[0]).toMatchObject({
      done: false,
      sentence: "EC2 does not know the instance right now: the next pass looks again",
    });
    expect(world.hub.host("b-01").enabled).toBe(false);
  });

  it("a boot that failed puts its launch away first, for nothing leads back to it afterwards", async () => {
    world = new FleetWorld(SITE);
    world.deaf.add("i-1");
    await applyChanges([launchOf()]);
    world.clock.pass(1000);
    const before = world.scalpel.effects.length;
    await applyChanges((await decideNow()).changes);
    expect(world.scalpel.effects.slice(before)).toEqual([
      "remove identities/b-01/token-of-b-01.pem",
      "delete template version 1",
      "terminate i-1",
    ]);
  });
});

describe("a lost builder", () => {
  it("has its tasks freed in one call, and a task that is gone meanwhile stops none of the others", async () => {
    world.addServing("b-01");
    const tasks = [1, 2, 3].map(() => world.hub.addTask({ create_ts: world.clock.now(), host_id: 1, state: 1 }));
    const [first] = tasks;
    if (first !== undefined) world.hub.free(first);
    const taskIds = tasks.map((task) => task.id);
    await applyChanges([{ kind: "free-tasks", slot: "b-01", instanceId: null, taskIds, reason: "a test" }]);
    expect(world.hub.tasks.map((task) => task.state)).toEqual([0, 0, 0]);
    expect(world.scalpel.effects).toEqual(["disableHost b-01 + freeTask 1001 + freeTask 1002 + freeTask 1003"]);
  });

  it("whose instance is only stopped loses its marks before its host is disabled", async () => {
    world.addServing("b-01");
    await applyChanges([{ kind: "disable-lost", ...about }]);
    expect(world.scalpel.effects).toEqual(["untag i-old-b-01 toji:enabled-at", "disableHost b-01"]);
  });
});

describe("a pass's changes", () => {
  const two = (): Change[] => [launchOf("b-01"), launchOf("b-02")];

  it("are begun only while this is the one writer", async () => {
    let allowed = 1;
    const { outcomes } = await applyChanges(two(), world.ports, () => allowed-- > 0);
    expect(outcomes.map((each) => each.slot)).toEqual(["b-01"]);
    expect(world.said).toContain("the lease is about to end: the remaining changes wait for the next pass");
  });

  it.each([
    ["goes offline", () => new HubOffline("back soon")],
    ["cannot be reached", unreachable],
  ])("end when the hub %s: nothing more can be done safely", async (_, away) => {
    const snapshot = await observe(world.ports, { channelIds: [] }, EMPTY_MEMORY.lookups);
    const decision = { ...decide(snapshot, world.site, EMPTY_MEMORY, world.clock.now()), changes: two() };
    world.hub.away = away();
    const { outcomes } = await apply(decision, [], world.ports, () => true);
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]?.done).toBe(false);
    expect(world.ec2.instances).toEqual([]);
  });

  it("that fail one by one do not keep the others from being made", async () => {
    world.hub.addHost({ name: "b-01" });
    const { outcomes } = await applyChanges(two());
    expect(outcomes.map((each) => each.done)).toEqual([false, true]);
  });
});
