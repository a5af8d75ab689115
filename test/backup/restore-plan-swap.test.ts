// The swap of volumes reaches its end from wherever it was cut off, in both directions, and touches nothing else.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BlockVolume } from "../../shared/aws/volumes.ts";
import { BACKUP_TAG } from "../../shared/backup/index.ts";
import {
  planSwap,
  type SwapAction,
  type SwapDirection,
  type SwapPlace,
} from "../../shared/backup/restore/plan-swap.ts";

const RESTORE = "rs-20261123T020000Z-1a2b3c4d";
const HUB = "i-hub";
const PLACES: readonly SwapPlace[] = [
  { device: "/dev/sdf", before: "vol-tree", after: "vol-tree-new" },
  { device: "/dev/sdg", before: "vol-database", after: "vol-database-new" },
];

/** Where a volume is: on the hub in one of EC2's states, or on nothing. */
type Where = "attached" | "attaching" | "detaching" | "available" | "creating";

function volumeOf(volume: string, device: string, where: Where, tags: BlockVolume["tags"] = {}): BlockVolume {
  const isFree = where === "available" || where === "creating";
  const attachments = isFree ? [] : [{ instanceId: HUB, device, state: where, deleteOnTermination: false }];
  return {
    volume,
    state: isFree ? where : "in-use",
    sizeGiB: 1,
    snapshot: null,
    zone: "eu-west-1a",
    attachments,
    tags,
  };
}

const BYSTANDERS = [volumeOf("vol-boot", "/dev/xvda", "attached"), volumeOf("vol-other", "/dev/sdh", "attached")];

/** All that a place can look like when a restore was cut off: at most one of the two holds the device. */
const anyPlace = fc.constantFrom<readonly [Where, Where, boolean]>(
  ["attached", "available", false],
  ["attached", "creating", false],
  ["attached", "available", true],
  ["detaching", "available", true],
  ["available", "available", true],
  ["available", "creating", true],
  ["available", "attaching", true],
  ["available", "attached", true],
  ["available", "detaching", true],
  ["attaching", "available", true],
);

const anyWorld = fc.tuple(...PLACES.map(() => anyPlace)).map((states) =>
  PLACES.flatMap(({ device, before, after }, index) => {
    const [old, made, marked] = states[index] ?? (["attached", "available", false] as const);
    const tags = marked ? { [BACKUP_TAG.replaced]: RESTORE } : {};
    return [volumeOf(before, device, old, tags), volumeOf(after, device, made)];
  }),
);

const deviceOf = (id: string) => PLACES.find(({ before, after }) => before === id || after === id)?.device ?? "";

/** EC2 takes the action, or refuses it as it would. */
function apply(world: readonly BlockVolume[], action: SwapAction): BlockVolume[] {
  return world.map((each) => {
    if (each.volume !== action.volume) return each;
    switch (action.do) {
      case "mark":
        return { ...each, tags: { ...each.tags, [BACKUP_TAG.replaced]: RESTORE } };
      case "detach":
        expect(each.attachments[0]?.state).toBe("attached");
        return volumeOf(each.volume, action.device, "detaching", each.tags);
      case "attach": {
        const holder = world.find(({ attachments }) => attachments.some(({ device }) => device === action.device));
        expect(holder, `${action.device} is taken`).toBeUndefined();
        return volumeOf(each.volume, action.device, "attaching", each.tags);
      }
      default:
        return action satisfies never;
    }
  });
}

/** What was on its way arrives. */
function settle(each: BlockVolume): BlockVolume {
  const [on] = each.attachments;
  if (each.state === "creating" || on?.state === "detaching") return volumeOf(each.volume, "", "available", each.tags);
  return on?.state === "attaching" ? volumeOf(each.volume, on.device, "attached", each.tags) : each;
}

/** Looks and acts until it is done; `arrives` says which volumes EC2 is done with before each look. */
function run(
  start: readonly BlockVolume[],
  direction: SwapDirection,
  arrives: (look: number, index: number) => boolean,
) {
  let world: readonly BlockVolume[] = start;
  const actions: SwapAction[] = [];
  for (let look = 0; look < 100; look += 1) {
    const volumes = [...world, ...BYSTANDERS];
    const step = planSwap({ restore: RESTORE, instanceId: HUB, direction, places: PLACES, volumes });
    if (step.kind === "refused") throw new Error(step.why);
    if (step.kind === "done") return { world, actions };
    for (const action of step.actions) {
      actions.push(action);
      world = apply(world, action);
    }
    world = world.map((each, index) => (arrives(look, index) ? settle(each) : each));
  }
  throw new Error(`not ${direction} after 100 looks`);
}

const holders = (world: readonly BlockVolume[]) =>
  world.flatMap(({ volume, attachments }) => attachments.map(({ device, state }) => ({ volume, device, state })));
const attachedAs = (wanted: "before" | "after") =>
  PLACES.map((place) => ({ volume: place[wanted], device: place.device, state: "attached" }));

describe("a swap", () => {
  const arrivals = fc.infiniteStream(fc.boolean()).map((stream) => () => stream.next().value === true);

  it("ends with the restored volumes on the hub, from any state in between", () => {
    fc.assert(
      fc.property(anyWorld, arrivals, (start, arrives) => {
        const { world } = run(start, "forward", arrives);
        expect(holders(world)).toEqual(attachedAs("after"));
      }),
    );
  });

  it("ends with the hub's own volumes on it on the way back, from any state in between", () => {
    fc.assert(
      fc.property(anyWorld, arrivals, (start, arrives) => {
        const { world } = run(start, "back", arrives);
        expect(holders(world)).toEqual(attachedAs("before"));
      }),
    );
  });

  it("touches only the volumes of its places, each under its own device, and marks before it takes off", () => {
    fc.assert(
      fc.property(anyWorld, arrivals, fc.constantFrom("forward", "back"), (start, arrives, direction) => {
        const { actions, world } = run(start, direction, arrives);
        for (const action of actions) {
          expect(deviceOf(action.volume)).not.toBe("");
          if (action.do !== "mark") expect(action.device).toBe(deviceOf(action.volume));
        }
        for (const { before } of PLACES) {
          const isOff = !holders(world).some(({ volume }) => volume === before);
          const marked = world.find(({ volume }) => volume === before)?.tags[BACKUP_TAG.replaced] === RESTORE;
          expect(marked || !isOff).toBe(true);
          const own = actions.filter(({ volume }) => volume === before).map((action) => action.do);
          if (own.includes("mark")) expect(own.indexOf("mark")).toBeLessThan(own.indexOf("detach"));
        }
      }),
    );
  });

  it("does nothing once it is done", () => {
    const { world } = run(
      PLACES.flatMap(({ device, before, after }) => [
        volumeOf(before, device, "attached"),
        volumeOf(after, device, "available"),
      ]),
      "forward",
      () => true,
    );
    expect(run(world, "forward", () => true).actions).toEqual([]);
  });
});

describe("a swap is refused", () => {
  const [place] = PLACES;
  const plan = (direction: SwapDirection, volumes: readonly BlockVolume[]) =>
    planSwap({ restore: RESTORE, instanceId: HUB, direction, places: place === undefined ? [] : [place], volumes });

  it("when another volume holds the device: it is neither the hub's nor the restore's", () => {
    for (const direction of ["forward", "back"] as const) {
      for (const state of ["attached", "attaching", "detaching"] as const) {
        const step = plan(direction, [
          volumeOf("vol-stranger", "/dev/sdf", state),
          volumeOf("vol-tree-new", "", "available"),
        ]);
        expect(step).toMatchObject({
          kind: "refused",
          why: expect.stringContaining("vol-stranger is attached as /dev/sdf"),
        });
      }
    }
  });

  it("when the volume that should come is on another instance, or broken", () => {
    const old = volumeOf("vol-tree", "/dev/sdf", "available");
    const there = { ...volumeOf("vol-tree-new", "/dev/sdf", "attached") };
    const elsewhere = { ...there, attachments: there.attachments.map((each) => ({ ...each, instanceId: "i-other" })) };
    expect(plan("forward", [old, elsewhere])).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("i-other"),
    });
    const broken = { ...volumeOf("vol-tree-new", "", "available"), state: "error" };
    expect(plan("forward", [old, broken])).toMatchObject({ kind: "refused", why: expect.stringContaining("error") });
  });

  it("never for a volume that EC2 does not list yet: it waits", () => {
    expect(plan("forward", [])).toEqual({ kind: "pending", actions: [] });
  });
});
