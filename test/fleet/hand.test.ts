// Holds: what adding, releasing and time do to them, and that no writer's hold is lost to another's.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StoreConflict } from "../../shared/aws/store.ts";
import { activeHolds, addHold, changeHand, HAND_KEY, readHand, releaseHold } from "../../shared/fleet/hand.ts";
import { type Hand, type Hold, NO_HAND } from "../../shared/fleet/types.ts";
import { FakeStore } from "./fakes/store.ts";
import { holds } from "./seed.ts";

const NOW = 1_795_006_400;
const makeHold = (changes: Partial<Hold> = {}): Hold => ({
  profile: null,
  since: NOW,
  by: "ann",
  reason: "hub upgrade",
  until: null,
  ...changes,
});

const profile = fc.constantFrom(null, "x86", "arm", "image");
const hold: fc.Arbitrary<Hold> = fc.record({
  profile,
  since: fc.integer({ min: NOW - 1000, max: NOW }),
  by: fc.constantFrom("ann", "bob"),
  reason: fc.string(),
  until: fc.option(fc.integer({ min: NOW - 1000, max: NOW + 1000 })),
});
type Step = { readonly add: Hold } | { readonly release: string | null };
const step: fc.Arbitrary<Step> = fc.oneof(fc.record({ add: hold }), fc.record({ release: profile }));
const take = (hand: Hand, each: Step) => ("add" in each ? addHold(hand, each.add) : releaseHold(hand, each.release));
/** Whatever persons can have made of it. */
const hand = fc.array(step, { maxLength: 12 }).map((steps) => steps.reduce(take, NO_HAND));

const without = (from: Hand, scope: string | null) => from.holds.filter((each) => each.profile !== scope);

describe("a hand", () => {
  it("is what it was when a hold is added and released, save for one that was there", () => {
    holds(fc.tuple(hand, hold), ([before, made]) => {
      const after = releaseHold(addHold(before, made), made.profile);
      expect(after.holds).toEqual(without(before, made.profile));
      if (without(before, made.profile).length === before.holds.length) expect(after).toEqual(before);
    });
  });

  it("has at most one hold for each profile and one for the fleet, whatever was done to it", () => {
    holds(hand, ({ holds: all }) => {
      expect(new Set(all.map((each) => each.profile)).size).toBe(all.length);
    });
  });

  it("keeps every other profile's hold, and has the newest of its own", () => {
    holds(fc.tuple(hand, hold), ([before, made]) => {
      const after = addHold(before, made);
      expect(without(after, made.profile)).toEqual(without(before, made.profile));
      expect(after.holds.filter((each) => each.profile === made.profile)).toEqual([made]);
      expect(without(releaseHold(before, made.profile), made.profile)).toEqual(without(before, made.profile));
    });
  });

  it("has no hold in force whose time is over, and every other one", () => {
    holds(fc.tuple(hand, fc.integer({ min: NOW - 1100, max: NOW + 1100 })), ([before, now]) => {
      const active = activeHolds(before, now);
      for (const { until } of active) expect(until === null || until > now).toBe(true);
      for (const { until } of before.holds.filter((each) => !active.includes(each))) {
        expect(until !== null && until <= now).toBe(true);
      }
    });
  });
});

describe("the stored hand", () => {
  const stored = async (store: FakeStore) => (await readHand(store, NOW)).hand.holds;

  it("drops what has expired when it is written", async () => {
    const store = new FakeStore();
    const over = makeHold({ profile: "arm", until: NOW - 1 });
    const other = makeHold({ profile: "image", until: NOW + 1 });
    await store.put(HAND_KEY, JSON.stringify({ holds: [over, other] }));
    const { before, after } = await changeHand(store, NOW, (hand) => addHold(hand, makeHold()));
    expect(before.holds).toEqual([other]);
    expect(after.holds).toEqual([other, makeHold()]);
    expect(await stored(store)).toEqual(after.holds);
  });

  it("keeps both holds of two writers who meet", async () => {
    const store = new FakeStore();
    const theirs = makeHold({ profile: "arm", by: "bob" });
    let meets = 2;
    const meeting = {
      get: (key: string) => store.get(key),
      async put(key: string, text: string, expect?: string) {
        // Somebody else writes between our read and our write.
        if (meets-- > 0) await changeHand(store, NOW, (hand) => addHold(hand, { ...theirs, since: NOW + meets }));
        return await store.put(key, text, expect);
      },
    };
    await changeHand(meeting, NOW, (hand) => addHold(hand, makeHold()));
    expect(await stored(store)).toEqual([{ ...theirs, since: NOW }, makeHold()]);
  });

  it("is given up with the conflict when others never stop", async () => {
    let puts = 0;
    const busy = {
      get: async () => ({ text: '{"holds":[]}', etag: '"1"' }),
      async put(key: string): Promise<never> {
        puts += 1;
        throw new StoreConflict(key);
      },
    };
    await expect(changeHand(busy, NOW, (hand) => addHold(hand, makeHold()))).rejects.toThrow(StoreConflict);
    expect(puts).toBeLessThanOrEqual(5);
  });

  it("that cannot be read holds the fleet until the fleet is released", async () => {
    const store = new FakeStore();
    await store.put(HAND_KEY, "{oops");
    expect(await stored(store)).toMatchObject([
      { profile: null, reason: expect.stringContaining("toji fleet release") },
    ]);
    await changeHand(store, NOW, (hand) => addHold(hand, makeHold({ profile: "arm" })));
    expect((await stored(store)).map((each) => each.profile)).toEqual([null, "arm"]);
    await changeHand(store, NOW, (hand) => releaseHold(hand, null));
    expect((await stored(store)).map((each) => each.profile)).toEqual(["arm"]);
  });

  it("is not written by releasing what nobody held", async () => {
    const store = new FakeStore();
    await changeHand(store, NOW, (hand) => releaseHold(hand, null));
    expect(store.objects.size).toBe(0);
    await changeHand(store, NOW, (hand) => addHold(hand, makeHold()));
    const written = store.objects.get(HAND_KEY);
    await changeHand(store, NOW, (hand) => releaseHold(hand, "arm"));
    expect(store.objects.get(HAND_KEY)).toEqual(written);
  });
});
