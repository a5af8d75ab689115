// `toji fleet status` reads what a pass has stored, and says when none has.

import { beforeEach, describe, expect, it } from "vitest";
import { recordDecision } from "../../shared/fleet/record.ts";
import { builder, decideOn, free, makeSite, NOW, open, times } from "../fleet/world.ts";
import { type FleetTestWorld, openFleetWorld } from "./fleet-world.ts";

let world: FleetTestWorld;
beforeEach(() => {
  world = openFleetWorld();
});

/** Three tasks run, five wait; of the two launches one fails. */
async function storePass(world: FleetTestWorld) {
  const decision = decideOn({
    builders: { "b-01": builder.serving() },
    tasks: [...times(3, () => open("b-01", { weight: 2 })), ...times(5, () => free({ weight: 4 }))],
  });
  const outcomes = decision.changes.map(({ kind, slot }, index) => ({
    kind,
    slot,
    done: index > 0,
    sentence: index > 0 ? "launched i-2" : "CreateFleet failed (InsufficientInstanceCapacity): no capacity",
  }));
  await recordDecision({ store: world.store, site: makeSite() }, decision, outcomes, 7);
  return decision;
}

describe("toji fleet status", () => {
  it("tells a pass in words", async () => {
    const decision = await storePass(world);
    await world.run(12);
    const { code, stdout } = await world.toji("status");
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^pass of 2026-11-18 12:53:20 UTC, 12 s ago; the fleet costs \$0\.09 an hour$/);
    expect(lines).toContain("queue: 5 FREE tasks");
    expect(stdout).toMatch(/^ {2}default:x86_64 {2}5 free, oldest 40 s, weight [\d.]+$/m);
    expect(stdout).toMatch(/^ {2}slot +phase +type +market +\$\/h +tasks +load$/m);
    expect(stdout).toMatch(/^ {2}b-01 +serving +m7a.xlarge +spot +0\.0927 +3 +6$/m);
    expect(lines).toContain(`changes: ${decision.changes.length}`);
    expect(stdout).toMatch(/^ {2}launch b-02 .*\n {4}NOT DONE: CreateFleet failed/m);
    expect(stdout).toMatch(/^ {2}launch b-03 .*\n {4}done: launched i-2$/m);
    for (const { builder, reason } of decision.keep) expect(lines).toContain(`keep ${builder}: ${reason}`);
    for (const note of decision.notes) expect(lines).toContain(`note: ${note}`);
  });

  it("says of a change that the pass did not come to it", async () => {
    const decision = decideOn({ tasks: [free()] });
    await recordDecision({ store: world.store, site: makeSite() }, decision, [], 7);
    expect((await world.toji("status")).stdout).toMatch(/launch b-01 .*\n {4}not begun: the pass ended before it/);
  });

  it("gives programs the same", async () => {
    const decision = await storePass(world);
    await world.run(12);
    const answer = await world.json("status");
    expect(answer).toMatchObject({ ok: true, at: NOW, ageSeconds: 12, warning: null, epoch: 7, holds: [] });
    expect(answer.queue).toEqual(decision.queue);
    expect(answer.builders).toEqual(decision.builders);
    expect(answer.keep).toEqual(decision.keep);
    expect(answer.changes[0]).toEqual({
      sentence: expect.stringMatching(/^launch b-02/),
      done: false,
      outcome: expect.stringMatching(/^CreateFleet failed/),
    });
  });

  it("tells how long launches took, and what would shorten a task's wait", async () => {
    const decision = decideOn({});
    const path = { boot: { count: 30, seconds: 126.4 }, ready: { count: 30, seconds: 3.6 }, underWay: {} };
    const memory = { ...decision.memory, forecast: { ...decision.memory.forecast, paths: { x86: path } } };
    await recordDecision({ store: world.store, site: makeSite() }, { ...decision, memory }, [], 7);
    const { stdout } = await world.toji("status");
    expect(stdout).toContain(
      "  x86: boot 126 s (30 launches), then ready after 4 s\n  then the hub's scheduler adds up to",
    );
    expect((await world.json("status")).path).toEqual({
      runInterval: 60,
      pollSeconds: 15,
      profiles: [{ profile: "x86", launches: 30, bootSeconds: 126.4, readySeconds: 3.6 }],
    });
  });

  it("reads the record of an older version, which has nothing measured", async () => {
    await storePass(world);
    const stored = JSON.parse((await world.store.get("fleet/decisions/latest.json"))?.text ?? "{}");
    await world.store.put("fleet/decisions/latest.json", JSON.stringify({ ...stored, path: undefined }));
    expect(await world.json("status")).toMatchObject({ ok: true, path: null });
    expect((await world.toji("status")).stdout).not.toContain("from launch to work");
  });

  it("shows the holds in force, not those that are over", async () => {
    await storePass(world);
    await world.toji("hold", "--reason", "hub upgrade", "--for", "2h");
    await world.toji("hold", "--profile", "x86", "--reason", "short", "--for", "1m");
    await world.run(90);
    const { stdout } = await world.toji("status");
    expect(stdout.split("\n")[0]).toBe(
      "HELD: the whole fleet, by ann since 2026-11-18 12:53:20 UTC, for another 118 min: hub upgrade",
    );
    expect(stdout).not.toContain("short");
  });

  it("puts first what is stopped until somebody looks", async () => {
    const breakers = [
      { stops: "launches", profile: "x86", reason: "3 boots failed" },
      { stops: "terminations", profile: null, reason: "hub and EC2 disagree" },
    ] as const;
    await recordDecision({ store: world.store, site: makeSite() }, { ...decideOn({}), breakers }, [], 7);
    const { stdout } = await world.toji("status");
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      "STOPPED: launches of x86: 3 boots failed",
      "STOPPED: terminations: hub and EC2 disagree",
    ]);
  });

  it("shows what others wrote on one line, whatever is in it", async () => {
    await storePass(world);
    await world.store.put(
      "fleet/hand.json",
      JSON.stringify({ holds: [{ profile: null, since: 1e300, by: "eve\n\u001b[2J", reason: "x", until: null }] }),
    );
    expect((await world.toji("status")).stdout.split("\n")[0]).toMatch(
      /^HELD: the whole fleet, by eve \[2J since .*: x$/,
    );
  });

  it("warns when no pass has been recorded lately, and that is a problem", async () => {
    await storePass(world);
    await world.run(180);
    expect((await world.toji("status")).code).toBe(0);
    await world.run(540);
    const { code, stdout } = await world.toji("status");
    expect(code).toBe(1);
    expect(stdout.split("\n")[0]).toMatch(/^WARNING: no pass has been recorded for 12 min/);
    expect(await world.json("status")).toMatchObject({ ok: false, ageSeconds: 720 });
  });

  it.each([
    [null, /^toji fleet status: no pass has been recorded in bucket toji-bucket yet/],
    ["{oops", /is not a record that this version of toji reads \(the document\)/],
    ['{"at": "noon"}', /is not a record that this version of toji reads \(epoch\)/],
  ])("is one sentence and exit 1 when the record is %j", async (text, sentence) => {
    if (text !== null) await world.store.put("fleet/decisions/latest.json", text);
    const { code, stdout, stderr } = await world.toji("status");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(sentence);
  });
});

describe("what AWS refuses is one sentence that says what to do, and exit 1", () => {
  const networkError = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.1:443`), { code });
  const named = (name: string, message = "as AWS says it") => Object.assign(new Error(message), { name });

  it.each([
    ["AccessDenied", /denies GetObject \(bucket toji-bucket\).*s3:GetObject on its fleet\/\*/],
    ["ExpiredToken", /have expired: sign in again/],
    ["InvalidAccessKeyId", /does not accept these credentials/],
    ["PermanentRedirect", /another region: give the stack's as --region/],
    ["RequestTimeTooSkewed", /clock is wrong/],
    ["SlowDown", /try again in a moment/],
    [named("CredentialsProviderError"), /no usable AWS credentials/],
    [named("Error", "Region is missing"), /name the region: --region/],
    [
      networkError("ENOTFOUND"),
      /^toji fleet status: AWS cannot be reached \(GetObject .*10\.0\.0\.1.*\): check the network/,
    ],
    [networkError("ECONNREFUSED"), /cannot be reached/],
    [named("TimeoutError", "socket timed out"), /cannot be reached/],
    [named("Odd", "first line\nsecond line"), /first line$/],
  ])("%s", async (error, sentence) => {
    world.aws.s3.failNext("GetObject", error);
    const { code, stdout, stderr } = await world.toji("status");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.split("\n")).toHaveLength(1);
  });

  it("a bucket that does not exist", async () => {
    const { code, stderr } = await world.bare("status", "--bucket", "toji-bukcet");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("there is no bucket toji-bukcet: give the stack's output BucketName"),
    });
  });

  it("EC2's own way to say no", async () => {
    world.aws.ec2.failNext("DescribeInstances", "UnauthorizedOperation");
    const { stderr } = await world.toji("pin", "builder-01");
    expect(stderr).toBe(
      "toji fleet pin: AWS denies DescribeInstances to these credentials: they need ec2:DescribeInstances",
    );
  });

  it("with --json on stdout too", async () => {
    world.aws.s3.failNext("GetObject", "ExpiredToken");
    expect(await world.json("status")).toMatchObject({ ok: false, problem: expect.stringContaining("expired") });
  });

  it("but a defect of ours is not hidden", async () => {
    world.clock.now = () => {
      throw new TypeError("a defect");
    };
    await expect(world.toji("status")).rejects.toThrow("a defect");
  });
});
