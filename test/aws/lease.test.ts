// One writer at a time: the lease passes on when it ends, its epoch only grows, and who has lost it learns so.

import { describe, expect, it } from "vitest";
import { acquireLease, type Lease, type LeaseHeld, LeaseLost } from "../../shared/aws/lease.ts";
import { openStore } from "../../shared/aws/store.ts";
import { awsError, Bucket } from "./bucket.ts";

const KEY = "fleet/lease.json";

class World {
  time = 1_795_000_000;
  readonly bucket = new Bucket();
  readonly store = openStore(this.bucket.clients, "toji-test");
  readonly clock = { now: () => this.time, sleep: async () => {} };

  take(owner: string): Promise<Lease | LeaseHeld> {
    return acquireLease(this.store, this.clock, KEY, owner, 120);
  }

  async hold(owner: string): Promise<Lease> {
    const lease = await this.take(owner);
    if ("heldBy" in lease) throw new Error(`held by ${lease.heldBy}`);
    return lease;
  }
}

describe("a lease", () => {
  it("is given to the first who asks, and told to the second", async () => {
    const world = new World();
    const lease = await world.hold("one");
    expect(lease.epoch).toBe(1);
    expect(lease.remaining()).toBe(120);
    expect(await world.take("two")).toEqual({ heldBy: "one", until: world.time + 120 });
  });

  it("runs out, and passes on with a larger epoch", async () => {
    const world = new World();
    const lease = await world.hold("one");
    world.time += 119;
    expect(await world.take("two")).toMatchObject({ heldBy: "one" });
    world.time += 1;
    expect(lease.remaining()).toBe(0);
    expect((await world.hold("two")).epoch).toBe(2);
  });

  it("lasts longer when it is renewed, with the same epoch", async () => {
    const world = new World();
    const lease = await world.hold("one");
    world.time += 100;
    await lease.renew();
    expect(lease.remaining()).toBe(120);
    world.time += 100;
    expect(await world.take("two")).toMatchObject({ heldBy: "one" });
    expect(lease.epoch).toBe(1);
  });

  it("is free at once when it is given back, and its epoch goes on growing", async () => {
    const world = new World();
    await (await world.hold("one")).release();
    expect((await world.hold("two")).epoch).toBe(2);
  });

  it("goes to one of two who ask at the same moment", async () => {
    const world = new World();
    const answers = await Promise.all([world.take("one"), world.take("two")]);
    expect(answers.filter((each) => "epoch" in each)).toHaveLength(1);
    expect(answers.find((each) => "heldBy" in each)).toEqual({ heldBy: "another invocation", until: world.time + 120 });
  });
});

describe("a holder that was too slow", () => {
  it("learns at its next renewal that another has taken over, and has nothing left", async () => {
    const world = new World();
    const slow = await world.hold("one");
    world.time += 130;
    const next = await world.hold("two");
    await expect(slow.renew()).rejects.toBeInstanceOf(LeaseLost);
    expect(slow.remaining()).toBeLessThanOrEqual(0);
    await next.renew();
  });

  it("cannot end the lease of its successor by giving back its own", async () => {
    const world = new World();
    const slow = await world.hold("one");
    world.time += 130;
    await world.hold("two");
    await expect(slow.release()).rejects.toBeInstanceOf(LeaseLost);
    expect(await world.take("three")).toMatchObject({ heldBy: "two" });
  });
});

describe("a stored lease", () => {
  it.each(["", "{", "[]", '{"owner":"one"}'])("that reads %j counts as run out", async (text) => {
    const world = new World();
    await world.store.put(KEY, text);
    expect((await world.hold("two")).epoch).toBe(1);
  });

  it("that cannot be read or written is an error, not a lease", async () => {
    const world = new World();
    world.bucket.failNext = awsError("AccessDenied");
    await expect(world.take("one")).rejects.toMatchObject({ code: "AccessDenied" });
    const lease = await world.hold("one");
    world.bucket.failNext = awsError("SlowDown");
    await expect(lease.renew()).rejects.toMatchObject({ code: "SlowDown", retryable: true });
    // Nobody else has it: what was left goes on.
    expect(lease.remaining()).toBe(120);
  });
});
