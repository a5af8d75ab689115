// The EC2 model's launches: what the real one would answer, its unpleasant answers included.

import { CreateFleetCommand, CreateTagsCommand, DescribeImagesCommand } from "@aws-sdk/client-ec2";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorName, fleet, openWorld, START, ZONE_A, ZONE_B } from "./ec2-world.ts";

describe("CreateFleet", () => {
  it("answers what started, and the instance carries what was asked for", async () => {
    const { launch, list, run } = openWorld();
    const answer = await launch({ market: "spot", tags: { "toji:slot": "builder-01" } });
    expect(answer.$metadata.httpStatusCode).toBe(200);
    expect(answer.Errors).toEqual([]);
    expect(answer.Instances).toMatchObject([{ InstanceType: "m7a.large", Lifecycle: "spot", SubnetId: ZONE_A }]);
    await run(5);
    const [instance] = await list();
    expect(instance).toMatchObject({
      InstanceId: answer.Instances?.[0]?.InstanceIds?.[0],
      ImageId: "ami-0aa",
      InstanceType: "m7a.large",
      InstanceLifecycle: "spot",
      Placement: { AvailabilityZone: "eu-west-1a" },
      SubnetId: ZONE_A,
      LaunchTime: new Date(START * 1000),
      State: { Code: 0, Name: "pending" },
      SecurityGroups: [{ GroupId: "sg-1" }],
    });
    expect(instance?.Tags).toContainEqual({ Key: "toji:slot", Value: "builder-01" });
    expect(instance?.Tags).toContainEqual({ Key: "aws:ec2launchtemplate:version", Value: "1" });
  });

  it("goes by priority when asked to, else by price", async () => {
    const { ec2, launch } = openWorld();
    const overrides = [
      { InstanceType: "m7a.large" as const, SubnetId: ZONE_A, Priority: 2 },
      { InstanceType: "m7a.xlarge" as const, SubnetId: ZONE_B, Priority: 1 },
    ];
    const byPriority = await launch({ overrides });
    expect(byPriority.Instances?.[0]?.InstanceType).toBe("m7a.xlarge");
    const byPrice = await ec2.send(
      new CreateFleetCommand({ ...fleet({ overrides }), OnDemandOptions: { AllocationStrategy: "lowest-price" } }),
    );
    expect(byPrice.Instances?.[0]?.InstanceType).toBe("m7a.large");
  });

  it("fulfils in part: HTTP 200 with instances and errors", async () => {
    const { model, launch } = openWorld();
    model.setCapacity({ zone: "eu-west-1a" }, 2);
    model.setCapacity({ zone: "eu-west-1b" }, "none");
    const overrides = [ZONE_A, ZONE_B].map((SubnetId) => ({ InstanceType: "m7a.large" as const, SubnetId }));
    const answer = await launch({ count: 5, overrides });
    expect(answer.Instances?.flatMap((each) => each.InstanceIds ?? [])).toHaveLength(2);
    expect(
      answer.Errors?.map((each) => [each.ErrorCode, each.LaunchTemplateAndOverrides?.Overrides?.SubnetId]),
    ).toEqual([
      ["InsufficientInstanceCapacity", ZONE_A],
      ["InsufficientInstanceCapacity", ZONE_B],
    ]);
  });

  it("names capacity and quota as EC2 does, per market", async () => {
    const { model, launch } = openWorld({ quotas: { "on-demand": 1 } });
    const code = async (market: "spot" | "on-demand") => (await launch({ market })).Errors?.[0]?.ErrorCode;
    expect(await code("on-demand")).toBe("VcpuLimitExceeded");
    model.setQuota("spot", 1);
    expect(await code("spot")).toBe("MaxSpotInstanceCountExceeded");
    model.setCapacity({ market: "spot" }, "none");
    expect(await code("spot")).toBe("UnfulfillableCapacity");
    model.setCapacity({ market: "spot" }, "none", "Unsupported");
    expect(await code("spot")).toBe("Unsupported");
    model.setCapacity({ market: "spot" }, "unlimited");
    model.setQuota("spot", 2);
    expect(await code("spot")).toBeUndefined();
  });

  it("tells an unknown subnet per pool, and refuses an unknown template altogether", async () => {
    const { launch, model } = openWorld();
    const overrides = [
      { InstanceType: "m7a.large" as const, SubnetId: "subnet-0dead", Priority: 0 },
      { InstanceType: "m7a.large" as const, SubnetId: ZONE_A, Priority: 1 },
    ];
    const answer = await launch({ overrides });
    expect(answer.Errors?.map((each) => each.ErrorCode)).toEqual(["InvalidSubnetID.NotFound"]);
    expect(answer.Instances).toHaveLength(1);
    const template = (LaunchTemplateId: string, Version: string) => ({ template: { LaunchTemplateId, Version } });
    expect(await errorName(launch(template("lt-0bb", "1")))).toBe("InvalidLaunchTemplateId.NotFound");
    expect(await errorName(launch(template("lt-0aa", "9")))).toBe("InvalidLaunchTemplateId.VersionNotFound");
    expect(model.history()).toHaveLength(1);
  });

  it("refuses what it does not model instead of guessing", async () => {
    const { ec2 } = openWorld();
    const maintain = { ...fleet({}), Type: "maintain" as const };
    await expect(ec2.send(new CreateFleetCommand(maintain))).rejects.toThrow("does not know");
    await expect(ec2.send(new DescribeImagesCommand({}))).rejects.toThrow("does not know DescribeImagesCommand");
  });
});

describe("client tokens", () => {
  it("answer the first answer again, and refuse other parameters", async () => {
    const { launch, model, terminate, run } = openWorld();
    const first = await launch({ token: "slot-1" });
    const id = first.Instances?.[0]?.InstanceIds?.[0] ?? "";
    await run(60);
    await terminate(id);
    expect(await launch({ token: "slot-1" })).toEqual(first);
    expect(await errorName(launch({ token: "slot-1", market: "spot" }))).toBe("IdempotentParameterMismatch");
    expect(model.history()).toHaveLength(1);
  });

  it("are not used up by a call that failed, but are by one whose answer got lost", async () => {
    const { launch, model } = openWorld();
    model.throttleNext(1, "CreateFleet");
    expect(await errorName(launch({ token: "a" }))).toBe("RequestLimitExceeded");
    expect(model.history()).toHaveLength(0);
    model.failNext("CreateFleet", "InternalError", { applied: true });
    expect(await errorName(launch({ token: "a" }))).toBe("InternalError");
    expect(model.history()).toHaveLength(1);
    expect((await launch({ token: "a" })).Instances).toHaveLength(1);
    expect(model.history()).toHaveLength(1);
  });

  it("hold for any mix of requests: one launch per token, one answer per token", async () => {
    const request = fc.record({ token: fc.constantFrom("a", "b", "c"), count: fc.integer({ min: 1, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 20 }), async (requests) => {
        const { launch, model } = openWorld();
        const firsts = new Map<string, { readonly count: number; readonly answer: unknown }>();
        for (const { token, count } of requests) {
          const known = firsts.get(token);
          if (known === undefined) firsts.set(token, { count, answer: await launch({ token, count }) });
          else if (known.count === count) expect(await launch({ token, count })).toEqual(known.answer);
          else expect(await errorName(launch({ token, count }))).toBe("IdempotentParameterMismatch");
        }
        const total = [...firsts.values()].reduce((sum, { count }) => sum + count, 0);
        expect(model.history()).toHaveLength(total);
      }),
    );
  });
});

describe("limits", () => {
  it("are never exceeded, whatever is launched, terminated and stopped", async () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant("launch" as const), count: fc.integer({ min: 1, max: 6 }), big: fc.boolean() }),
      fc.record({ kind: fc.constant("end" as const), index: fc.nat(20), stop: fc.boolean() }),
      fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 60 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const { launch, list, model, run } = openWorld({ quotas: { "on-demand": 16 } });
        model.setCapacity({ instanceType: "m7a.xlarge" }, 2);
        for (const each of actions) {
          if (each.kind === "wait") await run(each.seconds);
          if (each.kind === "launch") {
            const InstanceType = each.big ? ("m7a.xlarge" as const) : ("m7a.large" as const);
            const answer = await launch({ count: each.count, overrides: [{ InstanceType, SubnetId: ZONE_A }] });
            const started = (answer.Instances ?? []).flatMap(({ InstanceIds }) => InstanceIds ?? []).length;
            expect(started === each.count).toBe(answer.Errors?.length === 0);
          }
          const running = await list({ Filters: [{ Name: "instance-state-name", Values: ["running"] }] });
          const target = each.kind === "end" ? running[each.index]?.InstanceId : undefined;
          if (each.kind === "end" && target !== undefined) {
            if (each.stop) model.stopInstance(target);
            else model.terminateByPerson(target);
          }
          await run(4);
          const off = ["stopped", "terminated"];
          const live = (await list()).filter(({ State }) => !off.includes(State?.Name ?? ""));
          const big = live.filter(({ InstanceType }) => InstanceType === "m7a.xlarge").length;
          expect(big).toBeLessThanOrEqual(2);
          expect(big * 4 + (live.length - big) * 2).toBeLessThanOrEqual(16);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("faults", () => {
  it("strike the next calls, of one operation or of any, and are counted", async () => {
    const { ec2, list, launchOne, model, terminate } = openWorld();
    const id = await launchOne();
    model.throttleNext(2, "DescribeInstances");
    expect(await errorName(terminate(id))).toBe("no error");
    expect(await errorName(list())).toBe("RequestLimitExceeded");
    expect(await errorName(list())).toBe("RequestLimitExceeded");
    expect(await list()).toHaveLength(1);
    model.failNext(null, "UnauthorizedOperation");
    expect(await errorName(terminate(id))).toBe("UnauthorizedOperation");
    model.failNext("CreateTags", new Error("socket hang up"));
    const tag = new CreateTagsCommand({ Resources: [id], Tags: [] });
    await expect(ec2.send(tag)).rejects.toThrow("socket hang up");
    expect(model.callCounts()).toEqual({ CreateFleet: 1, TerminateInstances: 2, DescribeInstances: 3, CreateTags: 1 });
  });

  it("a call takes virtual time when there is latency", async () => {
    const { clock, list } = openWorld({ latencySeconds: 0.2 });
    const took = clock.actor(async () => {
      await list();
      await list();
      return clock.now() - START;
    });
    await clock.runUntil(START + 10);
    expect(await took).toBeCloseTo(0.4, 6);
  });
});

describe("boot times", () => {
  it("vary, and are the same again for the same seed (seed 1)", async () => {
    const run = async () => {
      const world = openWorld({ times: {} });
      await world.launch({ count: 40 });
      await world.run(600);
      return world.model.history();
    };
    const first = await run();
    expect(await run()).toEqual(first);
    const boots = first.map(({ launchedAt, bootedAt }) => (bootedAt ?? Number.NaN) - launchedAt).sort((a, b) => a - b);
    expect(new Set(boots).size).toBe(40);
    expect(boots[20]).toBeGreaterThan(40);
    expect(boots[20]).toBeLessThan(65);
  });
});
