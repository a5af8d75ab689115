// One look at the world: the hub in one question, EC2 by tag, and what tags and packages say from a cache.

import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { beforeEach, describe, expect, it } from "vitest";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { decide } from "../../shared/fleet/decide.ts";
import { noteSpotWarning } from "../../shared/fleet/notice.ts";
import { observe } from "../../shared/fleet/observe.ts";
import { EMPTY_MEMORY, type Snapshot } from "../../shared/fleet/types.ts";
import { HubFault, type HubOutcome, type HubReader, type HubState } from "../../shared/hub/index.ts";
import { FleetWorld } from "./fakes/fleet-world.ts";
import { makeProfile, makeSite } from "./world.ts";

let world: FleetWorld;
beforeEach(() => {
  world = new FleetWorld(makeSite({ profiles: [makeProfile({ slots: { prefix: "b", count: 2 } })] }));
});
const NOTHING_KNOWN = EMPTY_MEMORY.lookups;

function stateOf(snapshot: Snapshot): HubState {
  if (!snapshot.hub.seen) throw new Error(snapshot.hub.reason);
  return snapshot.hub.state;
}

/** The hub with some of its answers replaced. */
function hubWith(answer: (method: string, param: unknown) => HubOutcome | undefined): HubReader {
  const real = world.hub.connection;
  return {
    ...real,
    multiCall: async (calls) => {
      const outcomes = await real.multiCall(calls);
      return calls.map(({ method, params }, index) => answer(method, params?.[0]) ?? (outcomes[index] as HubOutcome));
    },
  };
}
const fault = (text: string): HubOutcome => ({ ok: false, fault: new HubFault(1000, text) });

describe("the hub's state", () => {
  it("has every host with its channels and what kojid reported, in the order of their ids", async () => {
    world.hub.addHost({ name: "z-static", channels: [2, 1] });
    world.hub.addHost({ name: "a-static", channels: [], data: { maxjobs: 4 } });
    const { hosts } = stateOf(await observe(world.ports, { channelIds: [] }, NOTHING_KNOWN));
    expect(hosts.map(({ name, channels, data }) => ({ name, channels, data }))).toEqual([
      { name: "z-static", channels: [1, 2], data: null },
      { name: "a-static", channels: [], data: { maxjobs: 4, methods: [] } },
    ]);
  });

  it("is the same with and without the channels of the last look", async () => {
    world.hub.addHost({ name: "static", channels: [2] });
    const cache = { channelIds: [] };
    const first = stateOf(await observe(world.ports, cache, NOTHING_KNOWN));
    expect(cache.channelIds).toEqual([1, 2]);
    expect(stateOf(await observe(world.ports, cache, NOTHING_KNOWN))).toEqual(first);
    world.hub.channels.push({ id: 7, name: "image", enabled: true });
    world.hub.host("static").channels.push(7);
    expect(stateOf(await observe(world.ports, cache, NOTHING_KNOWN)).hosts[0]?.channels).toEqual([2, 7]);
    world.hub.channels.pop();
    expect(stateOf(await observe(world.ports, cache, NOTHING_KNOWN)).hosts[0]?.channels).toEqual([2]);
  });

  it("goes without what a hub before 1.34 cannot say, and says so", async () => {
    const hubReader = hubWith((method) => (method.startsWith("scheduler.") ? fault("Invalid method") : undefined));
    const { hub } = await observe({ ...world.ports, hubReader }, { channelIds: [] }, NOTHING_KNOWN);
    expect(hub.seen && hub.notes).toEqual([
      "the hub gave no host data (Invalid method): decided without; Toji is made for Koji 1.34 and later",
      "the hub gave no refusals (Invalid method): decided without; Toji is made for Koji 1.34 and later",
      "the hub gave no task runs (Invalid method): decided without; Toji is made for Koji 1.34 and later",
    ]);
  });

  it("has the repos that are asked for; a hub before 1.35 has no such queue, and needs no note", async () => {
    const asked = { id: 5, tag_id: 7, create_ts: 1_795_006_000.5, task_id: null };
    const queue = hubWith((method) => (method === "repo.queryQueue" ? { ok: true, value: [asked] } : undefined));
    const known = await observe({ ...world.ports, hubReader: queue }, { channelIds: [] }, NOTHING_KNOWN);
    expect(stateOf(known).repoRequests).toEqual([{ id: 5, tag: 7, create_ts: 1_795_006_000.5, task_id: null }]);
    expect(Object.keys(known.lookups.tagArches)).toEqual(["7"]);
    const old = hubWith((method) => (method === "repo.queryQueue" ? fault("Invalid method") : undefined));
    const { hub } = await observe({ ...world.ports, hubReader: old }, { channelIds: [] }, NOTHING_KNOWN);
    expect(hub).toMatchObject({ seen: true, notes: [] });
    expect(hub.seen && Object.keys(hub.state)).not.toContain("repoRequests");
  });

  it("is not seen at all when what it cannot do without is missing", async () => {
    const hubReader = hubWith((method) => (method === "listTasks" ? fault("no such table") : undefined));
    const { hub } = await observe({ ...world.ports, hubReader }, { channelIds: [] }, NOTHING_KNOWN);
    expect(hub).toMatchObject({ seen: false, offline: false, reason: expect.stringContaining("no such table") });
  });
});

describe("EC2 is looked at before the hub", () => {
  it("so that a builder's goodbye is never taken for the check-in of the next one in its slot", async () => {
    const old = world.addServing("b-01");
    world.hub.host("b-01").enabled = false;
    world.hub.addTask({ create_ts: world.clock.now() });
    // While EC2 answers, kojid says goodbye and the instance ends.
    const goodbye = world.clock.now() + 20;
    const ec2 = {
      send: async (command: object) => {
        if (command instanceof DescribeInstancesCommand) {
          world.hub.host("b-01").update_ts = goodbye;
          world.ec2.become(old, "terminated");
        }
        return await (world.ec2.client as unknown as { send(command: object): Promise<object> }).send(command);
      },
    } as unknown as AwsClients["ec2"];
    const snapshot = await observe({ ...world.ports, ec2 }, { channelIds: [] }, NOTHING_KNOWN);
    const memory = { ...EMPTY_MEMORY, lastInstance: { "b-01": old.id } };
    const [launch] = decide(snapshot, world.site, memory, world.clock.now()).changes;
    expect(launch).toMatchObject({ kind: "launch", slot: "b-01", checkInAfter: goodbye });
  });
});

describe("instances", () => {
  const seen = async () => {
    const { ec2 } = await observe(world.ports, { channelIds: [] }, NOTHING_KNOWN);
    return ec2.kind === "seen" ? ec2.instances[0] : undefined;
  };

  it("are read from their tags", async () => {
    world.addServing("b-01");
    expect(await seen()).toMatchObject({ slot: "b-01", profile: "x86", checkInAfter: null, drainingAt: null });
  });

  it("that lost the tag of the check-in before their launch are held to the launch itself", async () => {
    const instance = world.addServing("b-01");
    for (const spoilt of [undefined, "", "  ", "soon"]) {
      if (spoilt === undefined) instance.tags.delete("toji:check-in-after");
      else instance.tags.set("toji:check-in-after", spoilt);
      expect((await seen())?.checkInAfter).toBe(instance.launchedAt);
    }
  });

  it("whose marks are no times have none", async () => {
    const instance = world.addServing("b-01");
    for (const key of ["toji:enabled-at", "toji:draining-at", "toji:spot-notice-at"]) instance.tags.set(key, "yes");
    expect(await seen()).toMatchObject({ enabledAt: null, drainingAt: null, spotNoticeAt: null });
  });
});

describe("tags and packages", () => {
  const requests = { request: null, method: "buildArch" };
  const now = () => world.clock.now();

  it("are asked for once, and again when what is known is old", async () => {
    const asked: string[] = [];
    const hubReader = hubWith((method, param) => {
      if (method === "listTasks") return { ok: true, value: [row("buildSRPMFromSCM", "noarch", 11)] };
      if (method === "getBuildConfig") asked.push(String(param));
      return undefined;
    });
    const ports = { ...world.ports, hubReader };
    const first = await observe(ports, { channelIds: [] }, NOTHING_KNOWN);
    expect(first.lookups.tagArches).toEqual({ 11: { arches: ["x86_64"], at: now() } });
    await observe(ports, { channelIds: [] }, first.lookups);
    world.clock.pass(700);
    await observe(ports, { channelIds: [] }, first.lookups);
    expect(asked).toEqual(["11", "11"]);
  });

  it("are asked for what is under way too, where they say what comes next", async () => {
    const open = { state: 1, host_id: 4 };
    const rows = [
      { ...row("newRepo", "noarch", 0), ...open, id: 2, request: [{ id: 14, name: "f42-build" }, {}] },
      { ...row("rebuildSRPM", "x86_64", 13), ...open, id: 3 },
      { ...row("buildArch", "x86_64", 12), ...open, id: 4 },
      row("buildSRPMFromSCM", "noarch", 11),
    ];
    const asked: string[] = [];
    const hubReader = hubWith((method, param) => {
      if (method === "getBuildConfig") asked.push(String(param));
      return method === "listTasks" ? { ok: true, value: rows } : undefined;
    });
    await observe({ ...world.ports, hubReader }, { channelIds: [] }, NOTHING_KNOWN);
    expect(asked.toSorted()).toEqual(["11", "13", "14"]);
  });

  it("that the hub does not know limit nothing", async () => {
    const hubReader = hubWith((method) => {
      if (method === "listTasks") return { ok: true, value: [row("buildSRPMFromSCM", "noarch", 11)] };
      return method === "getBuildConfig" ? fault("No such entry in table tag: 11") : undefined;
    });
    const { lookups } = await observe({ ...world.ports, hubReader }, { channelIds: [] }, NOTHING_KNOWN);
    expect(lookups.tagArches).toEqual({ 11: { arches: [], at: now() } });
  });

  it("that cannot be asked for cost the estimate only: the decision is made, and says so", async () => {
    const real = hubWith((method) =>
      method === "listTasks" ? { ok: true, value: [row("buildSRPMFromSCM", "noarch", 11)] } : undefined,
    );
    const hubReader: HubReader = {
      ...real,
      multiCall: async (calls) => {
        if (calls.some(({ method }) => method === "getBuildConfig")) throw new Error("the line went dead");
        return await real.multiCall(calls);
      },
    };
    const { hub } = await observe({ ...world.ports, hubReader }, { channelIds: [] }, NOTHING_KNOWN);
    expect(hub.seen && hub.notes).toEqual(["tags and packages were not looked up: the line went dead"]);
  });

  const row = (method: string, arch: string, tag: number) => ({
    ...requests,
    id: 1,
    state: 0,
    waiting: false,
    weight: 1,
    channel_id: 1,
    host_id: null,
    arch,
    method,
    priority: 20,
    create_ts: now(),
    parent: null,
    label: null,
    start_ts: null,
    request: ["git+https://forge.test/bash.git#main", tag],
  });
});

describe("a spot warning", () => {
  it("becomes a tag of the instance, once, so that every pass sees it", async () => {
    const { tags, id } = world.addServing("b-01");
    await noteSpotWarning(world.ports, id);
    const at = tags.get("toji:spot-notice-at");
    expect(at).toBe(String(world.clock.now()));
    world.clock.pass(60);
    await noteSpotWarning(world.ports, id);
    expect(tags.get("toji:spot-notice-at")).toBe(at);
  });

  it("for an instance that is not of our fleet is left alone", async () => {
    const instance = world.addServing("b-01");
    instance.tags.delete("toji:fleet");
    await noteSpotWarning(world.ports, instance.id);
    await noteSpotWarning(world.ports, "i-unheard-of");
    expect(instance.tags.has("toji:spot-notice-at")).toBe(false);
  });
});

describe("an instance that lost its tags", () => {
  const seen = async () => {
    const { ec2 } = await observe(world.ports, { channelIds: [] }, NOTHING_KNOWN);
    return ec2.kind === "seen" ? ec2.instances : [];
  };

  it("is found by the template's own tag, and known by its user data", async () => {
    const instance = world.addServing("b-01");
    instance.tags.clear();
    expect(await seen()).toMatchObject([
      { instanceId: instance.id, slot: "b-01", profile: null, launch: "0a", templateVersion: "1", untagged: true },
    ]);
  });

  it("of its slot only is known the same way", async () => {
    world.addServing("b-01").tags.delete("toji:slot");
    expect(await seen()).toMatchObject([{ slot: "b-01", profile: "x86", untagged: true }]);
  });

  it("and that no launch of ours made stays without a slot", async () => {
    const instance = world.addServing("b-01");
    instance.tags.delete("toji:slot");
    instance.userData = Buffer.from("#!/bin/sh").toString("base64");
    expect(await seen()).toMatchObject([{ instanceId: instance.id, slot: null, untagged: false }]);
  });

  it("and is over is not looked into", async () => {
    const instance = world.addServing("b-01");
    instance.tags.clear();
    world.ec2.become(instance, "terminated");
    expect(await seen()).toMatchObject([{ slot: null, state: "terminated", untagged: false }]);
  });
});
