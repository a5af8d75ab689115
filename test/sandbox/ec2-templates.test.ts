// The EC2 model's launch templates.

import {
  CreateFleetCommand,
  CreateLaunchTemplateVersionCommand,
  DeleteLaunchTemplateVersionsCommand,
  DescribeLaunchTemplateVersionsCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import type { Ec2Hooks } from "../../sandbox/world/ec2/index.ts";
import { errorName, fleet, openWorld, ZONE_A } from "./ec2-world.ts";

describe("launch templates", () => {
  const create = (UserData: string, more: object = {}) =>
    new CreateLaunchTemplateVersionCommand({
      LaunchTemplateId: "lt-0aa",
      SourceVersion: "$Default",
      VersionDescription: "launch 1",
      LaunchTemplateData: { UserData },
      ...more,
    });
  const b64 = (text: string) => Buffer.from(text).toString("base64");

  it("get versions that inherit from their source, and instances run them", async () => {
    const boots: string[] = [];
    const hooks: Ec2Hooks = { onBoot: ({ userData }) => void boots.push(userData) };
    const { ec2, launch, list, run } = openWorld({ hooks });
    const made = await ec2.send(create(b64("second")));
    expect(made.LaunchTemplateVersion).toMatchObject({
      VersionNumber: 2,
      VersionDescription: "launch 1",
      DefaultVersion: false,
      LaunchTemplateData: { ImageId: "ami-0aa", UserData: b64("second"), SecurityGroupIds: ["sg-1"] },
    });
    await launch({ template: { LaunchTemplateId: "lt-0aa", Version: "2" } });
    await ec2.send(new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId: "lt-0aa", Versions: ["2"] }));
    await run(100);
    expect(boots).toEqual([b64("second")]);
    expect((await list())[0]?.ImageId).toBe("ami-0aa");
  });

  it("answer a client token again, and refuse it for other data", async () => {
    const { ec2 } = openWorld();
    const first = await ec2.send(create(b64("a"), { ClientToken: "t" }));
    expect(await ec2.send(create(b64("a"), { ClientToken: "t" }))).toEqual(first);
    expect(await errorName(ec2.send(create(b64("b"), { ClientToken: "t" })))).toBe("IdempotentParameterMismatch");
    expect((await ec2.send(create(b64("b")))).LaunchTemplateVersion?.VersionNumber).toBe(3);
  });

  it("list their versions newest first, in pages that deletions do not disturb", async () => {
    const { ec2 } = openWorld();
    for (let i = 0; i < 6; i++) await ec2.send(create(b64(`${i}`)));
    const numbers: (number | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const input = { LaunchTemplateName: "toji-builder", MaxResults: 3, NextToken };
      const page = await ec2.send(new DescribeLaunchTemplateVersionsCommand(input));
      numbers.push(...(page.LaunchTemplateVersions ?? []).map(({ VersionNumber }) => VersionNumber));
      if (numbers.length === 3)
        await ec2.send(new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId: "lt-0aa", Versions: ["7", "6"] }));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(numbers).toEqual([7, 6, 5, 4, 3, 2, 1]);
    const some = { LaunchTemplateId: "lt-0aa", Versions: ["$Latest", "$Default"] };
    const answer = await ec2.send(new DescribeLaunchTemplateVersionsCommand(some));
    expect(answer.LaunchTemplateVersions?.map(({ VersionNumber }) => VersionNumber)).toEqual([5, 1]);
  });

  it("delete versions one by one: the default and the missing are in the answer, not an error", async () => {
    const { ec2 } = openWorld();
    await ec2.send(create(b64("a")));
    const answer = await ec2.send(
      new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId: "lt-0aa", Versions: ["1", "2", "9"] }),
    );
    expect(answer.SuccessfullyDeletedLaunchTemplateVersions?.map((each) => each.VersionNumber)).toEqual([2]);
    expect(
      answer.UnsuccessfullyDeletedLaunchTemplateVersions?.map((each) => [each.VersionNumber, each.ResponseError?.Code]),
    ).toEqual([
      [1, "unexpectedError"],
      [9, "launchTemplateVersionDoesNotExist"],
    ]);
  });

  it("refuse user data that is not base64 or too long, and templates that are not there", async () => {
    const { ec2 } = openWorld();
    expect(await errorName(ec2.send(create("#!/bin/sh")))).toBe("InvalidUserData.Malformed");
    expect(await errorName(ec2.send(create(b64("x".repeat(16_385)))))).toBe("InvalidParameterValue");
    expect(await errorName(ec2.send(create(b64("x".repeat(16_384)))))).toBe("no error");
    const other = create(b64("x"), { LaunchTemplateId: "lt-0bb" });
    expect(await errorName(ec2.send(other))).toBe("InvalidLaunchTemplateId.NotFound");
  });

  it("give way to user data in the fleet request", async () => {
    const boots: string[] = [];
    const hooks: Ec2Hooks = { onBoot: ({ userData }) => void boots.push(userData) };
    const { ec2, run } = openWorld({ hooks });
    const send = (userData: string) =>
      ec2.send(
        new CreateFleetCommand({
          ...fleet({}),
          LaunchTemplateConfigs: [
            {
              LaunchTemplateSpecification: {
                LaunchTemplateId: "lt-0aa",
                Version: "$Latest",
                LaunchTemplateSpecificationUserData: userData,
              },
              Overrides: [{ InstanceType: "m7a.large", SubnetId: ZONE_A }],
            },
          ],
        }),
      );
    await send(b64("for this launch"));
    expect(await errorName(send("not base64"))).toBe("InvalidUserData.Malformed");
    await run(100);
    expect(boots).toEqual([b64("for this launch")]);
  });
});
