// `toji fleet hold` and `toji fleet release` against a bucket.

import { beforeEach, describe, expect, it } from "vitest";
import { main } from "../../cli/main.ts";
import { BUCKET, EXAMPLE, type FleetTestWorld, openFleetWorld, START } from "./fleet-world.ts";

let world: FleetTestWorld;
beforeEach(() => {
  world = openFleetWorld();
});

describe("toji fleet hold", () => {
  it("holds the whole fleet until it is released, and says both", async () => {
    const { code, stdout } = await world.toji("hold", "--reason", "hub upgrade");
    expect(code).toBe(0);
    expect(stdout).toBe(
      "from the next pass on nothing is launched, drained or terminated in the whole fleet until `toji fleet release`",
    );
    expect(world.stored()).toEqual({
      holds: [{ profile: null, since: START, by: "ann", reason: "hub upgrade", until: null }],
    });
  });

  it("holds one profile for a while, by whom --by names", async () => {
    const args = ["--profile", "default-arm", "--reason", "new image", "--for", "1h30m", "--by", "bob"];
    const { stdout } = await world.toji("hold", ...args, "--config", EXAMPLE);
    expect(stdout).toBe(
      "from the next pass on nothing is launched, drained or terminated in profile default-arm for 90 min, until 2026-11-18 14:23:20 UTC or `toji fleet release --profile default-arm`",
    );
    expect(world.stored().holds).toMatchObject([{ profile: "default-arm", by: "bob", until: START + 5400 }]);
  });

  it("replaces a hold on the same scope, names it, and leaves the others", async () => {
    await world.toji("hold", "--reason", "first");
    await world.toji("hold", "--profile", "default-arm", "--reason", "other");
    await world.run(600);
    const { stdout } = await world.toji("hold", "--reason", "second", "--for", "2h");
    expect(stdout).toContain(
      "replaced: the whole fleet, by ann since 2026-11-18 12:53:20 UTC, until it is released: first",
    );
    expect(stdout).toContain("also held: profile default-arm, by ann");
    const answer = await world.json("hold", "--reason", "third");
    expect(answer).toMatchObject({ ok: true, hold: { reason: "third" }, replaced: { reason: "second" } });
    expect(answer.holds.map((each: { reason: string }) => each.reason)).toEqual(["other", "third"]);
  });

  it("refuses a profile that the config does not have, with the nearest one", async () => {
    const { code, stderr } = await world.toji("hold", "--profile", "defualt-x86", "--reason", "x", "--config", EXAMPLE);
    expect({ code, stored: world.stored() }).toEqual({ code: 2, stored: null });
    expect(stderr).toMatch(/has no profile "defualt-x86", did you mean "default-x86"\?$/);
  });

  it("says without a config that nobody checked the profile", async () => {
    const { stdout } = await world.toji("hold", "--profile", "defualt-x86", "--reason", "x");
    expect(stdout).toContain('note: nobody checked that a profile "defualt-x86" exists');
  });

  it.each([
    [["--reason", "x", "--for", "0m"], /over before it began/],
    [["--reason", "x", "--for", "-3h"], /for/],
    [["--reason", "x", "--for", "soon"], /30m, 2h, 3d/],
    [["--reason", "x", "--for", "99999999999999d"], /more than a year/],
    [["--reason", " \n"], /--reason: say why/],
    [["--for", "2h"], /--reason "hub upgrade"/],
    [["--reason", "x", "--profile", ""], /--profile/],
    [["--reason", "x", "--by", " "], /--by/],
    [["default-x86", "--reason", "x"], /--profile default-x86/],
  ])("refuses %j and writes nothing", async (args, sentence) => {
    const { code, stdout, stderr } = await world.toji("hold", ...args);
    expect({ code, stdout, stored: world.stored() }).toEqual({ code: 2, stdout: "", stored: null });
    expect(stderr).toMatch(sentence);
    expect(stderr.split("\n")).toHaveLength(1);
  });

  it("takes one line as the reason, whatever was pasted", async () => {
    await world.toji("hold", "--reason", "a\n\u001b[2Jb");
    expect(world.stored().holds[0].reason).toBe("a [2Jb");
  });

  it("is written though another writer gets in between", async () => {
    world.aws.s3.conflictNext(2);
    expect((await world.toji("hold", "--reason", "x")).code).toBe(0);
    expect(world.stored().holds).toHaveLength(1);
    world.aws.s3.conflictNext(50);
    const { code, stderr } = await world.toji("hold", "--reason", "y");
    expect(code).toBe(1);
    expect(stderr).toBe("toji fleet hold: others keep changing fleet/hand.json: try again in a moment");
  });

  it("does not take its own write for somebody else's hold when the answer was lost", async () => {
    world.aws.s3.failNext("PutObject", "ConditionalRequestConflict", { applied: true });
    expect(await world.json("hold", "--reason", "x")).toMatchObject({ ok: true, replaced: null });
  });
});

describe("toji fleet release", () => {
  it("ends the hold it names and tells of the others", async () => {
    await world.toji("hold", "--reason", "upgrade");
    await world.toji("hold", "--profile", "default-arm", "--reason", "image");
    const { code, stdout } = await world.toji("release");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^released: the whole fleet, .*upgrade\nstill held: profile default-arm, .*image$/);
    expect(await world.json("release", "--profile", "default-arm")).toMatchObject({
      ok: true,
      released: { profile: "default-arm" },
      holds: [],
    });
    expect(world.stored()).toEqual({ holds: [] });
  });

  it("has nothing to do where nothing is held, or no longer", async () => {
    expect(await world.toji("release")).toMatchObject({
      code: 0,
      stdout: "the whole fleet was not held: nothing to release",
    });
    await world.toji("hold", "--reason", "short", "--for", "1m");
    await world.run(60);
    expect((await world.toji("release")).stdout).toBe("the whole fleet was not held: nothing to release");
  });

  it("asks back when another name was meant", async () => {
    await world.toji("hold", "--profile", "default-arm", "--reason", "image");
    const { code, stderr } = await world.toji("release", "--profile", "defualt-arm");
    expect(code).toBe(1);
    expect(stderr).toContain('there is no hold on profile "defualt-arm", did you mean "default-arm"?');
    expect((await world.toji("release", "--profile", "x86-default-64", "--config", EXAMPLE)).code).toBe(2);
    expect(world.stored().holds).toHaveLength(1);
  });

  it("releases a profile that has left the config", async () => {
    await world.toji("hold", "--profile", "ppc64le", "--reason", "gone soon");
    const { code, stdout } = await world.toji("release", "--profile", "ppc64le", "--config", EXAMPLE);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^released: profile ppc64le/) });
  });

  it("clears holds that cannot be read", async () => {
    await world.store.put("fleet/hand.json", "{oops");
    expect((await world.toji("release")).stdout).toMatch(/^released: the whole fleet, by toji .*cannot be read/);
    expect(world.stored()).toEqual({ holds: [] });
  });
});

describe("toji fleet, called wrongly", () => {
  it.each([
    [[], /say what to do: fleet status, fleet hold/],
    [["hodl"], /there is no "fleet hodl", did you mean "fleet hold"\?/],
    [["toString"], /there is no "fleet toString": status, hold/],
    [["status"], /--bucket NAME or TOJI_BUCKET/],
    [["release", "--bucket", ""], /--bucket: give its name/],
    [["pin"], /name the builder/],
    [["pin", "a", "b"], /one builder at a time, not also b/],
    [["status", "--for", "2h"], /status takes no --for/],
    [["unpin", "a", "--reason", "x"], /unpin takes no --reason/],
    [["status", "--bucket", "b", "--endpoint", "localhost:1"], /--endpoint localhost:1/],
    [["status", "--bucket", "b", "--config", "/nowhere.yml"], /no such file/],
  ])("%j is one sentence and exit 2", async (args, sentence) => {
    const { code, stdout, stderr } = await world.bare(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.split("\n")).toHaveLength(1);
  });

  it("--help names every action, and toji help lists the command", async () => {
    const { code, stdout } = await world.bare("hold", "--help");
    expect(code).toBe(0);
    const actions = ["status", "hold", "release", "pin", "unpin", "drain", "undrain"];
    for (const action of actions) expect(stdout).toMatch(new RegExp(`\\b${action}\\b`));
    const said: string[] = [];
    await main(["help"], { out: (text) => said.push(text), err: () => {} });
    expect(said.join()).toMatch(/^ {2}fleet +\S/m);
  });
});

describe("where", () => {
  it("is the bucket of the environment, unless one is given", async () => {
    const other = openFleetWorld({ TOJI_BUCKET: BUCKET });
    expect((await other.bare("hold", "--reason", "x")).code).toBe(0);
    expect((await other.bare("hold", "--reason", "x", "--bucket", "toji-other")).stderr).toContain("toji-other");
  });

  it("is the region and the endpoint that are given", async () => {
    await world.toji("release", "--region", "eu-west-1");
    expect(world.opened.at(-1)).toMatchObject({ region: "eu-west-1" });
    await world.toji("release", "--endpoint", "http://127.0.0.1:4082");
    expect(world.opened.at(-1)).toMatchObject({ endpoint: "http://127.0.0.1:4082", region: "us-east-1" });
  });
});
