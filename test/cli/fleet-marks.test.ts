// `toji fleet pin`, `unpin`, `drain` and `undrain` on the instances of an account.

import { beforeEach, describe, expect, it } from "vitest";
import { TAG } from "../../shared/fleet/index.ts";
import { EXAMPLE, type FleetTestWorld, openFleetWorld } from "./fleet-world.ts";

const SLOT = "builder-x86-01.example.org";
const OTHER = "builder-x86-02.example.org";

let world: FleetTestWorld;
let id: string;
beforeEach(async () => {
  world = openFleetWorld();
  id = await world.launch(SLOT);
  await world.launch(OTHER);
});

describe("toji fleet pin", () => {
  it("sets the tag with who, when and why, and says what that does", async () => {
    const { code, stdout } = await world.toji("pin", SLOT, "--reason", "looking at its mock");
    expect(code).toBe(0);
    expect(stdout).toBe(
      `from the next pass on Toji neither drains nor terminates ${SLOT} (${id}), until \`toji fleet unpin ${SLOT}\``,
    );
    expect(world.tagsOf(id)[TAG.pin]).toBe("by ann, 2026-11-18 12:54:40 UTC: looking at its mock");
  });

  it("finds it by its id, needs no bucket, and no reason", async () => {
    const { code, stdout } = await world.bare("pin", id);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`toji fleet unpin ${id}`) });
    expect(world.tagsOf(id)[TAG.pin]).toBe("by ann, 2026-11-18 12:54:40 UTC");
  });

  it.each(["x".repeat(400), "\u{1f9ea}".repeat(200), "é".repeat(400)])(
    "fits the reason %# into the tag",
    async (reason) => {
      expect(await world.json("pin", SLOT, "--reason", reason)).toMatchObject({ ok: true, slot: SLOT, instanceId: id });
      const value = world.tagsOf(id)[TAG.pin] ?? "";
      expect(value.length).toBeLessThanOrEqual(256);
      expect(value.isWellFormed()).toBe(true);
      expect(value).toMatch(/^by ann, .*…$/);
    },
  );

  it("replaces the mark that was there, and says so", async () => {
    await world.tag(id, TAG.pin, "please");
    expect((await world.toji("pin", SLOT)).stdout).toContain("replaced the mark that was there (please)");
    expect(await world.json("pin", SLOT)).toMatchObject({ was: expect.stringMatching(/^by ann/), tag: TAG.pin });
  });

  it("is refused for one that is marked to be drained", async () => {
    await world.toji("drain", SLOT, "--reason", "bad disk");
    const { code, stdout, stderr } = await world.toji("pin", SLOT);
    expect({ code, stdout, pin: world.tagsOf(id)[TAG.pin] }).toEqual({ code: 1, stdout: "", pin: undefined });
    expect(stderr).toMatch(
      /is marked to be drained \(by ann, .*: bad disk\): first `toji fleet undrain builder-x86-01/,
    );
  });

  it("tells of a spot instance, and of a drain of Toji's own", async () => {
    const spot = await world.launch("builder-x86-03.example.org", { market: "spot", tags: { [TAG.drainingAt]: "1" } });
    const { notes } = await world.json("pin", spot);
    expect(notes).toEqual([
      "it is a spot instance, and EC2 may still take it back",
      "Toji has put it out of service for good: it is kept, but gets no task any more",
    ]);
    await world.tag(spot, TAG.enabledAt, "1");
    expect((await world.json("pin", spot)).notes[1]).toBe("Toji was draining it: the next pass calls that off");
  });
});

describe("toji fleet unpin and undrain", () => {
  it("remove the tag, whoever set it", async () => {
    await world.tag(id, TAG.pin);
    const { code, stdout } = await world.toji("unpin", SLOT);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `from the next pass on Toji decides about ${SLOT} (${id}) again`,
    });
    await world.toji("drain", SLOT, "--reason", "bad disk");
    expect((await world.toji("undrain", SLOT)).stdout).toMatch(/decides about .* again\nthe mark was: by ann, .*disk$/);
    expect(Object.keys(world.tagsOf(id))).not.toContain(TAG.pin);
    expect(Object.keys(world.tagsOf(id))).not.toContain(TAG.drainNow);
  });

  it("have nothing to do where there is no mark", async () => {
    expect(await world.toji("unpin", SLOT)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("was not pinned"),
    });
    expect(await world.json("undrain", SLOT)).toMatchObject({ ok: true, was: null, value: null });
  });

  it("say what becomes of a drain that has begun", async () => {
    await world.tag(id, TAG.drainNow);
    await world.tag(id, TAG.drainingAt, "1");
    expect((await world.toji("undrain", SLOT)).stdout).toMatch(/has begun and cannot be called off.*toji fleet pin/);
    await world.tag(id, TAG.drainNow);
    await world.tag(id, TAG.enabledAt, "1");
    expect((await world.toji("undrain", SLOT)).stdout).toMatch(/has begun: .*only if the queue needs it/);
  });
});

describe("toji fleet drain", () => {
  it("sets the tag and says what that does", async () => {
    const { code, stdout } = await world.toji("drain", SLOT, "--reason", "bad disk", "--by", "bob");
    expect(code).toBe(0);
    expect(stdout).toBe(
      `from the next pass on ${SLOT} (${id}) gets no new task, finishes those it has, and is then terminated`,
    );
    expect(world.tagsOf(id)[TAG.drainNow]).toBe("by bob, 2026-11-18 12:54:40 UTC: bad disk");
  });

  it("is refused for a pinned one, also if a person pinned it in the console", async () => {
    await world.tag(id, TAG.pin);
    const { code, stderr } = await world.toji("drain", SLOT);
    expect({ code, drain: world.tagsOf(id)[TAG.drainNow] }).toEqual({ code: 1, drain: undefined });
    expect(stderr).toBe(`toji fleet drain: ${SLOT} (${id}) is pinned: first \`toji fleet unpin ${SLOT}\``);
  });

  it("says that a hold comes first, and what it could not look at", async () => {
    await world.toji("hold", "--profile", "default-x86", "--reason", "upgrade");
    await world.toji("hold", "--profile", "default-arm", "--reason", "other");
    expect((await world.json("drain", SLOT)).notes).toEqual([
      expect.stringMatching(/^it waits for the end of a hold: profile default-x86, .*upgrade$/),
    ]);
    expect((await world.bare("drain", OTHER)).stdout).toContain("note: holds were not looked at");
    world.aws.s3.failNext("GetObject", "AccessDenied");
    expect(await world.toji("drain", OTHER)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("note: holds could not be looked at"),
    });
  });
});

describe("which builder", () => {
  /** One sentence, exit 1, and no tag was touched. */
  const refusal = async (...args: string[]) => {
    const { code, stdout, stderr } = await world.toji(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(world.aws.ec2.callCounts().CreateTags ?? 0).toBe(0);
    expect(world.aws.ec2.callCounts().DeleteTags ?? 0).toBe(0);
    return stderr.replace(/^toji fleet \w+: /, "");
  };

  it("that nobody knows: the nearest slot", async () => {
    expect(await refusal("pin", "builder-x68-01.example.org")).toBe(
      `no instance of fleet "toji" holds a slot "builder-x68-01.example.org", did you mean "${SLOT}"?`,
    );
    expect(await refusal("drain", "builder-x86-02")).toContain(`did you mean "${OTHER}"?`);
    expect(await refusal("pin", "builder-armm-04.example.org", "--config", EXAMPLE)).toContain(
      "builder-arm-04.example.org",
    );
    expect(await refusal("unpin", "s390-1")).toBe('no instance of fleet "toji" holds a slot "s390-1"');
  });

  it("whose slot has no instance, or only one that is ending", async () => {
    expect(await refusal("pin", "builder-x86-07.example.org", "--config", EXAMPLE)).toBe(
      "slot builder-x86-07.example.org has no instance now",
    );
    await world.terminate(id);
    expect(await refusal("pin", SLOT)).toBe(`slot ${SLOT} has no instance now`);
    expect(await refusal("pin", id)).toBe(`${id} is shutting-down: nothing is left to keep or to drain`);
  });

  it("that is one of two in its slot", async () => {
    const second = await world.launch(SLOT);
    expect(await refusal("drain", SLOT)).toBe(
      `2 instances hold slot ${SLOT}: name the one you mean, ${id} and ${second}`,
    );
    expect((await world.toji("drain", second)).code).toBe(0);
    expect(world.tagsOf(id)[TAG.drainNow]).toBeUndefined();
  });

  it("of another fleet, or of none", async () => {
    const elsewhere = await world.launch("builder-01", { fleet: "staging" });
    expect(await refusal("pin", elsewhere)).toContain(`no instance ${elsewhere} has the tag toji:fleet=toji`);
    expect(await refusal("pin", "builder-01")).toContain("no instance of fleet");
    expect((await world.toji("pin", "builder-01", "--fleet", "staging")).code).toBe(0);
    expect((await world.toji("pin", "builder-01", "--fleet", "*")).code).toBe(2);
  });

  it("that holds no slot", async () => {
    const stray = await world.launch(null);
    expect(await refusal("pin", stray)).toContain(
      `instance ${stray} holds no slot: if Toji launched it, the next pass`,
    );
    expect(await refusal("drain", stray)).toContain("if not, Toji leaves it alone");
  });

  it("is answered in JSON too", async () => {
    expect(await world.json("pin", "s390-1")).toEqual({
      ok: false,
      problem: 'no instance of fleet "toji" holds a slot "s390-1"',
    });
  });

  it("that vanishes meanwhile", async () => {
    world.aws.ec2.failNext("CreateTags", "InvalidInstanceID.NotFound");
    const { code, stderr } = await world.toji("pin", SLOT);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "toji fleet pin: EC2 does not know the instance any more: look again with `toji fleet status`",
    });
  });
});
