// Secrets from SSM: their value or a sentence, and never the value in a sentence.

import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { readParameter } from "../../shared/aws/parameters.ts";
import { awsError } from "./bucket.ts";

const client = new SSMClient({ region: "us-east-1" });
const ssm = mockClient(client);
const read = () => readParameter({ ssm: client }, "/toji/builders/ca");
beforeEach(() => void ssm.reset());

describe("a parameter", () => {
  it("is read decrypted", async () => {
    ssm
      .on(GetParameterCommand, { Name: "/toji/builders/ca", WithDecryption: true })
      .resolves({ Parameter: { Value: "pem" } });
    expect(await read()).toBe("pem");
  });

  it.each([
    ["does not exist", () => ssm.on(GetParameterCommand).rejects(awsError("ParameterNotFound"))],
    ["is empty", () => ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "" } })],
    ["has no value", () => ssm.on(GetParameterCommand).resolves({})],
  ])("that %s is named, with what to do", async (_, arrange) => {
    arrange();
    await expect(read()).rejects.toMatchObject({
      name: "ParameterMissing",
      message: "SSM parameter /toji/builders/ca does not exist: make it as `npx toji config init` says",
      parameter: "/toji/builders/ca",
      retryable: false,
    });
  });

  it.each([
    ["AccessDeniedException", false],
    ["ThrottlingException", true],
  ])("behind %s is an error of the call; later may help: %s", async (name, retryable) => {
    ssm.on(GetParameterCommand).rejects(awsError(name, "as SSM says it"));
    await expect(read()).rejects.toMatchObject({ operation: "GetParameter", code: name, retryable });
  });
});
