// The SSM model: parameters, and what reading them wrongly gives.

import { GetParameterCommand, GetParametersCommand, ParameterNotFound, SendCommandCommand } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { createAws } from "../../sandbox/world/aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { Random } from "../../sandbox/world/random.ts";

function openWorld() {
  const aws = createAws({
    clock: new VirtualClock(1000),
    random: new Random(1),
    buckets: [],
    ec2: { subnets: [], pricePerHour: () => 1 },
    parameters: { "/toji/secret": "PEM", "/toji/plain": { value: "text", type: "String" } },
  });
  const { ssm } = aws.clients;
  const value = async (Name: string, WithDecryption = true) =>
    (await ssm.send(new GetParameterCommand({ Name, WithDecryption }))).Parameter?.Value;
  return { model: aws.ssm, ssm, value };
}

describe("parameters", () => {
  it("are decrypted only when asked", async () => {
    const { value } = openWorld();
    expect(await value("/toji/secret")).toBe("PEM");
    expect(await value("/toji/secret", false)).not.toContain("PEM");
    expect(await value("/toji/plain", false)).toBe("text");
  });

  it("that do not exist are an error alone and a list together", async () => {
    const { ssm, value } = openWorld();
    await expect(value("/none")).rejects.toBeInstanceOf(ParameterNotFound);
    const Names = ["/toji/plain", "/none", "/toji/secret"];
    const answer = await ssm.send(new GetParametersCommand({ Names, WithDecryption: true }));
    expect(answer.Parameters?.map(({ Value }) => Value)).toEqual(["text", "PEM"]);
    expect(answer.InvalidParameters).toEqual(["/none"]);
    const eleven = Array.from({ length: 11 }, (_, index) => `/p${index}`);
    await expect(ssm.send(new GetParametersCommand({ Names: eleven }))).rejects.toThrow("no more than 10");
  });

  it("can change, go away and be throttled", async () => {
    const { model, ssm, value } = openWorld();
    model.setParameter("/toji/secret", "NEW");
    expect(await value("/toji/secret")).toBe("NEW");
    expect((await ssm.send(new GetParameterCommand({ Name: "/toji/secret" }))).Parameter?.Version).toBe(2);
    model.deleteParameter("/toji/secret");
    await expect(value("/toji/secret")).rejects.toMatchObject({ name: "ParameterNotFound" });
    model.failNext("GetParameter", "ThrottlingException");
    await expect(value("/toji/plain")).rejects.toMatchObject({ name: "ThrottlingException" });
    expect(await value("/toji/plain")).toBe("text");
    expect(model.callCounts()).toEqual({ GetParameter: 5 });
    const command = new SendCommandCommand({ DocumentName: "AWS-RunShellScript" });
    await expect(ssm.send(command)).rejects.toThrow("does not know SendCommandCommand");
  });
});
