// The rights of the steps that check mirrors and switch between them: every call each makes, and nothing else.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mirrorStepsOf } from "../../infra/mirrors/index.ts";
import { entryOf } from "../../infra/steps/step.ts";
import { parseSite } from "../../shared/config/index.ts";
import { callsOfTheCode, sourcesOfTheCode } from "./calls.ts";
import { allowedBy, statementsOf } from "./policy.ts";
import { REPOSITORY, resourcesOf } from "./project.ts";
import { compileRights } from "./step-rights.ts";

const example = readFileSync(join(REPOSITORY, "toji.example.yml"), "utf8");

/** The example with a CA of the hub's own certificate. */
const document = example.replace("# serverCaParameter:", "serverCaParameter:");
const names = mirrorStepsOf(parseSite(document, "document.yml")).map(({ name }) => name);

/** Those that ask the hub for repos or edit its external repos. */
const WRITERS = ["mirrors-act", "switch-edit", "switch-regenerate", "switch-look"];

const { template, rightsOf, may } = compileRights(document);

const parameter = (name: string) => `arn:aws:ssm:us-east-1:123456789012:parameter${name}`;
const CA = parameter("/toji/hub/server-ca");
const LOGIN = parameter("/toji/hub/client");

describe("the actions", () => {
  const LOG = ["logs:CreateLogStream", "logs:PutLogEvents"];

  /** What is in every bundle with the store, and no step uses: nothing of mirrors is ever deleted from the bucket. */
  const UNUSED = ["s3:DeleteObject"];

  /** What other calls need: objects that are missing, encrypted parameters. */
  const IMPLIED = ["s3:ListBucket", "kms:Decrypt"];

  it.each(names)("of %s are those of its code, no more and no fewer", async (name) => {
    const calls = await callsOfTheCode(entryOf(name));
    const wanted = [...calls.filter((call) => !UNUSED.includes(call)), ...LOG, ...IMPLIED];
    expect(allowedBy(rightsOf(name))).toEqual([...new Set(wanted)].sort());
  });

  it("are on no resource as a whole", () => {
    expect(names.flatMap((name) => rightsOf(name)).filter(({ Resource }) => Resource.includes("*"))).toEqual([]);
  });
});

describe("what Toji knows of mirrors", () => {
  it.each(names)("is open to %s below mirrors/ alone, and cannot be deleted", (name) => {
    for (const action of ["s3:GetObject", "s3:PutObject"]) {
      expect(may(name, action, "Bucket.Arn/mirrors/status.json")).toBe(true);
      for (const key of ["backup/catalog.json", "fleet/lease.json", "identities/builder-x86-01/token.pem"])
        expect(may(name, action, `Bucket.Arn/${key}`)).toBe(false);
    }
    expect(may(name, "s3:DeleteObject", "Bucket.Arn/mirrors/status.json")).toBe(false);
  });
});

describe("the hub's parameters", () => {
  it("hold the login for the steps that change something on the hub, and for no other", () => {
    const open = names.filter((name) => may(name, "ssm:GetParameter", LOGIN));
    expect(open).toEqual(WRITERS);
  });

  it.each(names)("hold it for %s only if its code asks for it", async (name) => {
    const sources = (await sourcesOfTheCode(entryOf(name))).filter((path) => path.startsWith("shared/mirrors/"));
    const texts = sources.map((path) => readFileSync(join(REPOSITORY, path), "utf8"));
    expect(texts.some((text) => /\bhubWriter\(\)/.test(text))).toBe(WRITERS.includes(name));
  });

  it.each(names)("tell %s the CA of the hub, and never the builders' CA", (name) => {
    expect(may(name, "ssm:GetParameter", CA)).toBe(true);
    expect(may(name, "ssm:GetParameter", parameter("/toji/builders/ca"))).toBe(false);
    expect(may(name, "ssm:GetParameter", parameter("/toji/hub/client2"))).toBe(false);
  });

  it.each(names)("are decrypted for %s through SSM only, each for who may read it", (name) => {
    const key = "arn:aws:kms:us-east-1:123456789012:key/1";
    const through = { "kms:ViaService": "ssm.us-east-1.amazonaws.com" };
    const of = (arn: string) => ({ "kms:EncryptionContext:PARAMETER_ARN": arn });
    expect(may(name, "kms:Decrypt", key, { ...through, ...of(CA) })).toBe(true);
    expect(may(name, "kms:Decrypt", key, { ...through, ...of(LOGIN) })).toBe(WRITERS.includes(name));
    expect(may(name, "kms:Decrypt", key, of(CA))).toBe(false);
    expect(may(name, "kms:Decrypt", key, through)).toBe(false);
  });

  it("are closed to whoever only reads a hub with a public certificate", () => {
    for (const { name, rights } of mirrorStepsOf(parseSite(example, "toji.example.yml")))
      expect([name, rights(parseSite(example, "toji.example.yml")).length > 0]).toEqual([name, WRITERS.includes(name)]);
  });
});

describe("the machines", () => {
  const DELIVERY = /^logs:(Describe|Get|List|Put|Create|Update|Delete)/;

  it.each([
    ["MirrorCheck", ["states:StartExecution"]],
    ["MirrorSwitch", []],
  ])("%s invokes exactly its functions", (machine, more) => {
    const statements = statementsOf(template(), `${machine}MachineRole`);
    const actions = allowedBy(statements).filter((action) => !DELIVERY.test(action));
    expect(actions).toEqual(["lambda:InvokeFunction", ...more].sort());
    const invoked = statements.find(({ Action }) => Action.includes("lambda:InvokeFunction"))?.Resource ?? [];
    const { DefinitionSubstitutions } =
      resourcesOf(template(), "AWS::StepFunctions::StateMachine")[`${machine}Machine`] ?? {};
    const functions = Object.keys(Object(DefinitionSubstitutions)).filter((name) => !name.endsWith("Machine"));
    expect(invoked).toEqual(functions.map((name) => `${name}LambdaFunction.Arn`));
  });

  it("start no other machine than that of switches", () => {
    const statements = statementsOf(template(), "MirrorCheckMachineRole");
    const started = statements.filter(({ Action }) => Action.includes("states:StartExecution"));
    expect(started.map(({ Resource }) => Resource)).toEqual([["MirrorSwitchMachine"]]);
  });

  it("are started by the schedule with one right", () => {
    const [only, ...others] = statementsOf(template(), "MirrorCheckScheduleRole");
    const arn = "arn:aws:states:us-east-1:123456789012:stateMachine:toji-prod-mirror-check";
    expect(only).toMatchObject({ Action: ["states:StartExecution"], Resource: [arn] });
    expect(others).toEqual([]);
  });
});
