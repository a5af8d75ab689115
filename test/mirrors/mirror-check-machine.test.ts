// The machine mirror-check from its file, with the production steps: what it sees, what it asks the hub for, what it leaves.

import { describe, expect, it } from "vitest";
import * as z from "zod";
import { packagesOf } from "../../sandbox/mirrors/repository.ts";
import { BASE, EPEL, OTHER, OTHER_URL, openCheckWorld, START } from "./check-world.ts";

const switchesIn = z.object({ switches: z.array(z.object({ name: z.string() })) });
const TOOL = `${EPEL}Packages/e/epel-tool-1.0-1.x86_64.rpm`;
const ROTATED = [{ name: "epel-tool", version: "2.0", release: "1", arch: "x86_64" }];

describe("a run of the checks", () => {
  it("finds healthy mirrors fit and changes nothing", async () => {
    const world = openCheckWorld();
    expect(await world.run()).toBe("SUCCEEDED");
    const { repos, sentences, run } = await world.status();
    expect(run).toBe("check-1");
    expect(
      repos.map(({ name, uses, looks }) => ({ name, uses, verdicts: looks.map(({ verdict }) => verdict) })),
    ).toEqual([
      { name: "base", uses: ["el9-build", "epel-build"], verdicts: ["ok"] },
      { name: "epel", uses: ["epel-build"], verdicts: ["ok"] },
    ]);
    expect(repos.map(({ looks }) => looks[0]?.live)).toEqual([
      { total: 6, missing: 0 },
      { total: 1, missing: 0 },
    ]);
    expect(sentences).toEqual([]);
    expect(world.requested()).toEqual([]);
    expect(world.switched()).toEqual([]);
    expect(world.valueOf("MirrorVerdicts", { verdict: "ok" })).toBe(2);
    expect(world.valueOf("MirrorVerdicts", { verdict: "tampered" })).toBe(0);
    expect(world.valueOf("MirrorLooksFailed")).toBe(0);
    expect(world.valueOf("MirrorBytes")).toBeGreaterThan(1000);
  });

  it("reads each READY repo once", async () => {
    const world = openCheckWorld();
    await world.run();
    const read = world.web.requests("koji.example.org");
    expect(read).toBeGreaterThan(0);
    await world.run();
    expect(world.web.requests("koji.example.org")).toBe(read);
  });

  it("leaves little in the machine's state, however many looks there were", async () => {
    const world = openCheckWorld();
    await world.run();
    const output = world.machines.execution("check-1").output ?? "";
    expect(output).not.toContain("verdict");
    expect(output.length).toBeLessThan(1500);
  });

  it("opens its ports once for each function, and again where that failed", async () => {
    const world = openCheckWorld({ failingOpens: 1 });
    expect(await world.run()).toBe("SUCCEEDED");
    await world.run();
    expect(world.opened()).toBe(5);
  });
});

describe("when upstream has rotated packages away", () => {
  it("exactly the build tag concerned gets one request, and none after its new repo", async () => {
    const world = openCheckWorld();
    await world.run();
    world.publish(EPEL, ROTATED);
    await world.run();
    expect(world.requested()).toEqual(["epel-build"]);
    expect(world.valueOf("Regenerations")).toBe(1);
    expect(world.valueOf("LiveMissing")).toBe(1);
    expect((await world.status()).sentences.join("\n")).toContain(
      "A new repo of epel-build is asked for, before a build fails: repo 2 misses 1 rpm of epel (x86_64): epel-tool-1.0-1.x86_64.rpm.",
    );
    // Nothing has come of it yet: the request is still in the queue.
    await world.run();
    expect(world.requested()).toEqual(["epel-build"]);
    await world.serveQueue();
    await world.run();
    await world.run();
    expect(world.requested()).toEqual(["epel-build"]);
    expect((await world.status()).sentences.join("\n")).toContain("only older READY repos refer to");
  });

  it("a mirror that lists what it does not have gets no second request within six hours", async () => {
    const world = openCheckWorld({ mirrors: { sampling: { heads: 0, reads: 0 } } });
    await world.run();
    world.web.drop(TOOL);
    await world.run();
    expect(world.requested()).toEqual(["epel-build"]);
    await world.serveQueue();
    await world.run();
    await world.run();
    expect(world.requested()).toHaveLength(1);
    expect((await world.status()).sentences.join("\n")).toContain("so the mirror lists what it does not have");
    await world.clock.runUntil(world.clock.now() + 6 * 3600);
    await world.run();
    expect(world.requested()).toHaveLength(2);
  });

  it("nothing new is taken from a mirror whose own sample is missing", async () => {
    const world = openCheckWorld();
    await world.run();
    world.web.drop(TOOL);
    await world.run();
    expect(await world.verdict("epel")).toBe("partial");
    expect(world.requested()).toEqual([]);
    expect((await world.status()).sentences.join("\n")).toContain("it would bring in the metadata of epel");
  });

  it("ends as failed when Toji may not log in, and people read what was found all the same", async () => {
    const world = openCheckWorld();
    await world.run();
    world.publish(EPEL, ROTATED);
    world.hub.blockUser("toji");
    expect(await world.run()).toBe("FAILED");
    expect((await world.status()).run).toBe("check-2");
    expect(world.valueOf("LiveMissing")).toBe(1);
    expect(world.requested()).toEqual([]);
  });
});

describe("failover", () => {
  const mirrors = { repos: [{ name: "base", candidates: [OTHER_URL], failover: true }] };
  const tampered = packagesOf(6, { arch: "x86_64" }).map((seed) => ({ ...seed, content: "not what it was" }));

  it("is begun when the mirror was tampered with three looks in a row, and not before", async () => {
    const world = openCheckWorld({ mirrors });
    for (let looks = 0; looks < 3; looks++) await world.run();
    world.publish(BASE, tampered, START - 7200);
    await world.run();
    expect(await world.verdict("base")).toBe("tampered");
    await world.run();
    expect(world.switched()).toEqual([]);
    await world.run();
    expect(world.switched()).toEqual([
      { repo: "base", to: OTHER_URL, by: "toji", reason: expect.stringContaining("3 looks in a row"), automatic: true },
    ]);
    expect(world.valueOf("MirrorSwitches", { outcome: "asked" })).toBe(1);
    expect(world.requested()).toEqual([]);
  });

  it("waits for a candidate that has been fit for as long", async () => {
    const world = openCheckWorld({ mirrors });
    world.web.fail("other.example.org", "refused");
    await world.run();
    world.publish(BASE, tampered, START - 7200);
    for (let looks = 0; looks < 3; looks++) await world.run();
    world.web.fail("other.example.org", null);
    await world.run();
    await world.run();
    expect(world.switched()).toEqual([]);
    expect((await world.status()).sentences.join("\n")).toContain("was fit for x86_64 in 2 looks in a row, of 3");
    await world.run();
    expect(world.switched()).toHaveLength(1);
  });

  it("names the commands for an administrator where Toji is none", async () => {
    const world = openCheckWorld({ mirrors, admin: false });
    for (let looks = 0; looks < 3; looks++) await world.run();
    world.web.fail("base.example.org", "timeout");
    for (let looks = 0; looks < 3; looks++) await world.run();
    expect(world.switched()).toEqual([]);
    const text = (await world.status()).sentences.join("\n");
    expect(text).toContain(
      `koji edit-external-repo --url='${OTHER_URL}' base; koji regen-repo --nowait el9-build; koji regen-repo --nowait epel-build`,
    );
  });

  it("is not begun to older content", async () => {
    const world = openCheckWorld({ mirrors });
    world.publish(OTHER, packagesOf(6, { arch: "x86_64" }), START - 90_000);
    for (let looks = 0; looks < 3; looks++) await world.run();
    world.web.fail("base.example.org", "timeout");
    for (let looks = 0; looks < 4; looks++) await world.run();
    expect(world.switched()).toEqual([]);
    expect((await world.status()).sentences.join("\n")).toContain("older for x86_64 than what was accepted");
  });
});

describe("what goes wrong on Toji's side", () => {
  const isLookAt = (event: unknown, repo: string) => JSON.stringify(event).includes(`"repo":"${repo}"`);

  it("a look whose function fails stops no other, and is counted", async () => {
    const world = openCheckWorld({
      around: async (name, event, run) => {
        if (name === "MirrorsCheck" && isLookAt(event, "epel")) throw new Error("out of memory");
        return await run();
      },
    });
    expect(await world.run()).toBe("SUCCEEDED");
    expect(await world.verdict("base")).toBe("ok");
    expect(await world.verdict("epel")).toBeUndefined();
    expect(world.valueOf("MirrorLooksFailed")).toBe(1);
    expect((await world.status()).sentences).toEqual([
      expect.stringContaining("The look at epel (x86_64) at https://epel.example.org/9/ failed"),
    ]);
  });

  it.each(["MirrorsSurvey", "MirrorsLive", "MirrorsCheck", "MirrorsAct"])(
    "%s cut off behind its work is repeated, and does everything once",
    async (step) => {
      const mirrors = { repos: [{ name: "base", candidates: [OTHER_URL], failover: true }] };
      let cut = true;
      const around = async (name: string, _event: unknown, run: () => Promise<unknown>) => {
        const answer = await run();
        if (name !== step || !cut) return answer;
        cut = false;
        throw new Error("cut off");
      };
      const world = openCheckWorld({ mirrors, around });
      for (let looks = 0; looks < 3; looks++) await world.run();
      world.web.fail("base.example.org", "timeout");
      world.publish(EPEL, ROTATED);
      for (let looks = 0; looks < 2; looks++) await world.run();
      cut = true;
      expect(await world.run()).toBe("SUCCEEDED");
      expect(cut).toBe(step === "MirrorsLive");
      const looks = (await world.status()).repos.flatMap((repo) => repo.looks);
      expect(looks.map(({ good, bad }) => [good, bad])).toEqual([
        [0, 3],
        [6, 0],
        [6, 0],
      ]);
      expect(world.switched()).toHaveLength(1);
    },
  );

  it("a switch that was begun before is not begun again, and no failure", async () => {
    const repos = [{ name: "base", candidates: [OTHER_URL], failover: true }];
    const world = openCheckWorld({
      mirrors: { repos, failover: { badInARow: 1, goodInARow: 1 } },
      around: async (name, _event, run) => {
        const answer = await run();
        const [asked] = name === "MirrorsAct" ? switchesIn.parse(answer).switches : [];
        if (asked !== undefined) {
          const stateMachineArn = world.machines.arnOf("toji-mirror-switch");
          await world.machines.call("StartExecution", { stateMachineArn, name: asked.name, input: '{"by":"another"}' });
        }
        return answer;
      },
    });
    world.web.fail("base.example.org", "timeout");
    expect(await world.run()).toBe("SUCCEEDED");
    expect(world.switched()).toEqual([{ by: "another" }]);
  });

  it("a switch that cannot be begun is a run that failed", async () => {
    const failover = { badInARow: 1, goodInARow: 1 };
    const world = openCheckWorld({
      mirrors: { repos: [{ name: "base", candidates: [OTHER_URL], failover: true }], failover },
      around: async (name, _event, run) => {
        if (name === "MirrorsAct") world.machines.failNext("StartExecution", "StateMachineDeleting", { times: 3 });
        return await run();
      },
    });
    world.web.fail("base.example.org", "timeout");
    expect(await world.run()).toBe("FAILED");
    expect(world.machines.execution("check-1").error).toBe("SwitchNotStarted");
    expect(world.switched()).toEqual([]);
  });

  it("READY repos that the hub does not serve are told, and stop nothing", async () => {
    const world = openCheckWorld();
    world.web.fail("koji.example.org", "refused");
    expect(await world.run()).toBe("SUCCEEDED");
    expect((await world.status()).sentences).toEqual([
      expect.stringContaining("2 READY repos could not be read yet, so nobody asks for their rpms"),
    ]);
    world.web.fail("koji.example.org", null);
    await world.run();
    expect((await world.status()).sentences).toEqual([]);
    expect((await world.status()).repos[0]?.looks[0]?.live).toEqual({ total: 6, missing: 0 });
  });

  it("a hub that does not answer fails the run, and the next one begins anew", async () => {
    const world = openCheckWorld();
    world.hub.setOffline("closed for today");
    expect(await world.run()).toBe("FAILED");
    expect(world.machines.execution("check-1").error).toBe("MirrorCheckFailed");
  });

  it("two executions at one time do no harm", async () => {
    const world = openCheckWorld();
    await world.run();
    world.publish(EPEL, ROTATED);
    await Promise.all([world.start("a"), world.start("b")]);
    await world.clock.runUntil(world.clock.now() + 300);
    expect(["a", "b"].map((name) => world.machines.execution(name).status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    expect(world.requested()).toEqual(["epel-build"]);
  });
});

describe("an address that was left", () => {
  it("is looked at until no READY repo takes rpms from there, and then no more", async () => {
    const world = openCheckWorld();
    await world.leave("epel", "https://new-epel.example.org/9/");
    await world.run();
    expect((await world.status()).repos[1]?.looks.map(({ role, url }) => [role, url])).toEqual([
      ["current", "https://new-epel.example.org/9/"],
      ["retiring", EPEL],
    ]);
    expect((await world.status()).sentences.join("\n")).toContain("1 READY repo still takes");
    world.makeRepo("epel-build");
    // Kojira lets a repo go half an hour after there is a newer one.
    await world.run();
    await world.run();
    await world.run();
    world.hub.runKojira();
    await world.run();
    expect((await world.status()).repos[1]?.switch).toMatchObject({ retiring: [], state: "done" });
    await world.run();
    expect((await world.status()).repos[1]?.looks.map(({ role }) => role)).toEqual(["current"]);
  });
});
