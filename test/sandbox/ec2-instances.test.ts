// The EC2 model's instances: their life, how they are listed, their tags and their bill.

import { CreateTagsCommand, DeleteTagsCommand, DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import type { BootedInstance, Ec2Hooks } from "../../sandbox/world/ec2/index.ts";
import { errorName, openWorld, START, USER_DATA } from "./ec2-world.ts";

describe("an instance's life", () => {
  it("goes from pending to terminated with its hooks, and is forgotten after an hour", async () => {
    const seen: string[] = [];
    let booted: BootedInstance | undefined;
    const hooks: Ec2Hooks = {
      onBoot: (instance) => {
        booted = instance;
        seen.push(`boot ${clock.now() - START}`);
      },
      onGone: () => void seen.push(`gone ${clock.now() - START}`),
      onStateChange: (_id, state) => void seen.push(`${state} ${clock.now() - START}`),
    };
    const { clock, launchOne, list, terminate, run } = openWorld({ hooks });
    const id = await launchOne({ tags: { "toji:slot": "builder-01" } });
    await clock.runUntil(START + 100);
    const answer = await terminate(id);
    expect(answer.TerminatingInstances).toEqual([
      {
        InstanceId: id,
        PreviousState: { Code: 16, Name: "running" },
        CurrentState: { Code: 32, Name: "shutting-down" },
      },
    ]);
    await run(30);
    expect(seen).toEqual(["pending 0", "running 30", "boot 40", "gone 100", "shutting-down 100", "terminated 120"]);
    expect(booted).toMatchObject({ instanceId: id, zone: "eu-west-1a", market: "on-demand", userData: USER_DATA });
    expect(booted?.tags["toji:slot"]).toBe("builder-01");
    expect((await list({ InstanceIds: [id] }))[0]?.State).toEqual({ Code: 48, Name: "terminated" });
    expect((await list({ InstanceIds: [id] }))[0]?.StateReason?.Code).toBe("Client.UserInitiatedShutdown");
    await run(3600);
    expect(await list()).toEqual([]);
    expect(await errorName(list({ InstanceIds: [id] }))).toBe("InvalidInstanceID.NotFound");
  });

  it("is not visible at first: neither in lists nor by id, nor to be terminated or tagged", async () => {
    const { ec2, launch, list, run, terminate } = openWorld();
    const id = (await launch()).Instances?.[0]?.InstanceIds?.[0] ?? "";
    const tag = () => ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "a", Value: "b" }] }));
    expect(await list()).toEqual([]);
    for (const call of [() => list({ InstanceIds: [id] }), () => terminate(id), tag]) {
      expect(await errorName(call())).toBe("InvalidInstanceID.NotFound");
    }
    expect(await errorName(terminate("builder-01"))).toBe("InvalidInstanceID.Malformed");
    await run(3);
    expect(await list()).toHaveLength(1);
    expect(await errorName(tag())).toBe("no error");
  });

  it("never boots when it is terminated before; terminating twice is fine, an unknown id spares the others", async () => {
    const boots: string[] = [];
    const gone: string[] = [];
    const hooks: Ec2Hooks = { onBoot: (each) => void boots.push(each.instanceId), onGone: (id) => void gone.push(id) };
    const { launchOne, list, run, terminate } = openWorld({ hooks });
    const id = await launchOne();
    expect(await errorName(terminate(id, "i-00000000000000fff"))).toBe("InvalidInstanceID.NotFound");
    expect((await list())[0]?.State?.Name).toBe("pending");
    await terminate(id);
    await terminate(id);
    await run(200);
    await terminate(id);
    expect(boots).toEqual([]);
    expect(gone).toEqual([id]);
  });

  it("can be stopped by a person, keeps its id and tags, and goes abruptly; spot instances cannot", async () => {
    const gone: string[] = [];
    const { launchOne, list, model, run, terminate } = openWorld({ hooks: { onGone: (id) => void gone.push(id) } });
    const id = await launchOne();
    const spot = await launchOne({ market: "spot" });
    await run(60);
    model.stopInstance(id);
    expect(() => model.stopInstance(spot)).toThrow("one-time Spot Instance request");
    await run(30);
    expect(gone).toEqual([id]);
    expect((await list({ InstanceIds: [id] }))[0]?.State).toEqual({ Code: 80, Name: "stopped" });
    await terminate(id);
    await run(30);
    expect(gone).toEqual([id]);
    expect((await list({ InstanceIds: [id] }))[0]?.State?.Name).toBe("terminated");
  });

  it("of a spot instance ends two minutes after the warning", async () => {
    const seen: string[] = [];
    const hooks: Ec2Hooks = {
      onSpotWarning: (_id, action, time) => void seen.push(`${action} at ${time - START} known ${clock.now() - START}`),
      onGone: () => void seen.push(`gone ${clock.now() - START}`),
    };
    const { clock, launchOne, list, model, run } = openWorld({ hooks });
    const id = await launchOne({ market: "spot" });
    await clock.runUntil(START + 100);
    model.spotInterrupt(id);
    await run(300);
    expect(seen).toEqual(["terminate at 220 known 100", "gone 220"]);
    expect((await list())[0]?.StateReason?.Code).toBe("Server.SpotInstanceTermination");
    expect(model.history()).toMatchObject([{ instanceId: id, goneAt: START + 220, endedAt: START + 240 }]);
  });

  it("ends from inside as its template says", async () => {
    const seed = { ImageId: "ami-0aa", InstanceInitiatedShutdownBehavior: "terminate" as const };
    const { launchOne, list, model, run } = openWorld({
      launchTemplates: [{ id: "lt-0aa", name: "t", data: seed }],
    });
    const id = await launchOne();
    await run(60);
    model.shutdownFromInside(id);
    await run(60);
    expect((await list())[0]?.State?.Name).toBe("terminated");
    expect(model.history()[0]?.reason).toBe("guest-shutdown");
  });
});

describe("DescribeInstances", () => {
  it("filters by tag, key, state and id; values are alternatives and may have wildcards", async () => {
    const { list, model, launchOne, run } = openWorld();
    const a = await launchOne({ tags: { "toji:fleet": "koji", "toji:slot": "builder-01" } });
    const b = await launchOne({ tags: { "toji:fleet": "koji", Name: "x" } });
    const c = await launchOne({ tags: { "toji:fleet": "other" } });
    await run(60);
    model.terminateByPerson(c);
    const ids = async (...Filters: { Name: string; Values: string[] }[]) =>
      (await list({ Filters })).map(({ InstanceId }) => InstanceId);
    expect(await ids({ Name: "tag:toji:fleet", Values: ["koji"] })).toEqual([a, b]);
    expect(await ids({ Name: "tag:toji:fleet", Values: ["ko?i", "other"] })).toEqual([a, b, c]);
    expect(await ids({ Name: "tag:toji:slot", Values: ["builder-*"] })).toEqual([a]);
    expect(await ids({ Name: "tag-key", Values: ["Name", "toji:slot"] })).toEqual([a, b]);
    expect(await ids({ Name: "instance-id", Values: [b] })).toEqual([b]);
    const running = { Name: "instance-state-name", Values: ["pending", "running"] };
    expect(await ids(running, { Name: "tag-key", Values: ["toji:fleet"] })).toEqual([a, b]);
    await expect(list({ Filters: [{ Name: "vpc-id", Values: ["vpc-1"] }] })).rejects.toThrow('filter "vpc-id"');
  });

  it("lists every instance once over its pages, although instances come and go between them", async () => {
    const { ec2, launch, model, run } = openWorld();
    await launch({ count: 17 });
    await run(5);
    const sizes: number[] = [];
    const ids: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await ec2.send(new DescribeInstancesCommand({ MaxResults: 5, NextToken }));
      const found = (page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
      sizes.push(found.length);
      ids.push(...found.map(({ InstanceId }) => InstanceId ?? ""));
      if (sizes.length === 1) model.terminateByPerson(ids[0] ?? "");
      if (sizes.length === 1) await run(30 + 3600);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(sizes).toEqual([5, 5, 5, 2]);
    expect(new Set(ids).size).toBe(17);
    const named = new DescribeInstancesCommand({ InstanceIds: ids.slice(1, 2), MaxResults: 5 });
    expect(await errorName(ec2.send(named))).toBe("InvalidParameterCombination");
    expect(await errorName(ec2.send(new DescribeInstancesCommand({ MaxResults: 4 })))).toBe("InvalidParameterValue");
    expect(await errorName(ec2.send(new DescribeInstancesCommand({ NextToken: "x" })))).toBe("InvalidParameterValue");
  });
});

describe("tags", () => {
  it("are set, replaced and deleted by key or by key and value; AWS's own stay", async () => {
    const { ec2, launchOne, list, model } = openWorld();
    const id = await launchOne({ tags: { keep: "1", change: "1", drop: "1" } });
    const Resources = [id];
    await ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: "change", Value: "2" }] }));
    await ec2.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: "drop" }, { Key: "keep", Value: "other" }] }));
    const own = async () =>
      Object.fromEntries(
        ((await list())[0]?.Tags ?? [])
          .filter(({ Key }) => !Key?.startsWith("aws:"))
          .map(({ Key, Value }) => [Key, Value]),
      );
    expect(await own()).toEqual({ keep: "1", change: "2" });
    model.deleteAllTags(id);
    expect(await own()).toEqual({});
    expect((await list())[0]?.Tags?.map(({ Key }) => Key)).toContain("aws:ec2:fleet-id");
  });

  it("keep to EC2's limits", async () => {
    const { ec2, launchOne, launch } = openWorld();
    const id = await launchOne();
    const create = (Tags: { Key: string; Value: string }[]) =>
      errorName(ec2.send(new CreateTagsCommand({ Resources: [id], Tags })));
    const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    expect(await create([{ Key: "aws:x", Value: "" }])).toBe("InvalidParameterValue");
    expect(await create([{ Key: "k", Value: "x".repeat(257) }])).toBe("InvalidParameterValue");
    expect(await create(many)).toBe("no error");
    expect(await create([{ Key: "one-more", Value: "" }])).toBe("TagLimitExceeded");
    expect(await create([{ Key: "k0", Value: "again" }])).toBe("no error");
    expect(await errorName(launch({ tags: { "aws:mine": "1" } }))).toBe("InvalidParameterValue");
  });
});

describe("the bill", () => {
  it("runs from running to shutting-down, by the second, at least a minute for each start", async () => {
    const { clock, launchOne, model, terminate } = openWorld();
    const short = await launchOne();
    const long = await launchOne({ market: "spot" });
    const never = await launchOne();
    await terminate(never);
    await clock.runUntil(START + 30 + 15);
    await terminate(short);
    await clock.runUntil(START + 35 + 1000);
    await terminate(long);
    await clock.runUntil(START + 5000);
    expect(model.usage().map(({ instanceId, seconds }) => [instanceId, seconds])).toEqual([
      [short, 60],
      [long, 1000],
      [never, 0],
    ]);
    expect(model.usage()[1]?.dollars).toBeCloseTo((1000 / 3600) * 0.4, 9);
    expect(model.history().map(({ reason }) => reason)).toEqual(["terminate-call", "terminate-call", "terminate-call"]);
  });

  it("counts what still runs up to now", async () => {
    const { clock, launchOne, model } = openWorld();
    await launchOne();
    await clock.runUntil(START + 30);
    expect(model.usage()[0]?.seconds).toBe(60);
    await clock.runUntil(START + 30 + 90);
    expect(model.usage()[0]?.seconds).toBe(90);
  });
});
