// The event patterns, against events as AWS sends them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { REPOSITORY } from "./project.ts";

const ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:toji-TaskWaitsAlarm";

/** The patterns of events.yml by rule, with the alarm's ARN in the place of the reference to it. */
function patterns(): Readonly<Record<string, unknown>> {
  const reference = { tag: "!GetAtt", resolve: () => ALARM };
  const text = readFileSync(join(REPOSITORY, "infra/resources/events.yml"), "utf8");
  const { Resources } = parse(text, { merge: true, customTags: [reference, { tag: "!Ref", resolve: String }] });
  const rules = Object.entries<{ Properties: { EventPattern?: unknown } }>(Resources);
  return Object.fromEntries(rules.map(([id, { Properties }]) => [id, Properties.EventPattern]));
}

/** As EventBridge matches, as far as these patterns go: each leaf lists exact values; a list in the event needs one of them. */
function matches(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) return [event].flat().some((value) => pattern.includes(value));
  if (typeof pattern !== "object" || pattern === null) throw new Error("a pattern is a struct of lists");
  return Object.entries(pattern).every(
    ([key, inner]) => typeof event === "object" && event !== null && matches(inner, Reflect.get(event, key)),
  );
}

/** Ids of the rules that an event sets off. */
function rulesFor(event: object): string[] {
  return Object.entries(patterns()).flatMap(([id, pattern]) => (pattern && matches(pattern, event) ? [id] : []));
}

const stateChange = (state: string) => ({
  version: "0",
  id: "7bf73129-1428-4cd3-a780-95db273d1602",
  "detail-type": "EC2 Instance State-change Notification",
  source: "aws.ec2",
  account: "123456789012",
  time: "2026-11-22T13:14:36Z",
  region: "us-east-1",
  resources: ["arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"],
  detail: { "instance-id": "i-0123456789abcdef0", state },
});

const alarm = (arn: string, value: string) => ({
  "detail-type": "CloudWatch Alarm State Change",
  source: "aws.cloudwatch",
  resources: [arn],
  detail: { alarmName: "toji-TaskWaitsAlarm", state: { value, reason: "Threshold Crossed" } },
});

describe("a pass starts", () => {
  it.each(["running", "stopping", "stopped", "shutting-down", "terminated"])("when an instance is %s", (state) => {
    expect(rulesFor(stateChange(state))).toEqual(["InstanceState"]);
  });

  it("when EC2 takes a spot instance back", () => {
    const detail = { "instance-id": "i-0123456789abcdef0", "instance-action": "terminate" };
    const warning = { ...stateChange("running"), "detail-type": "EC2 Spot Instance Interruption Warning", detail };
    expect(rulesFor(warning)).toEqual(["SpotWarning"]);
  });

  it("when EC2 recommends to replace a spot instance", () => {
    const detail = { "instance-id": "i-0123456789abcdef0" };
    const advice = { ...stateChange("running"), "detail-type": "EC2 Instance Rebalance Recommendation", detail };
    expect(rulesFor(advice)).toEqual(["RebalanceRecommendation"]);
  });

  it("when a task has waited for too long", () => {
    expect(rulesFor(alarm(ALARM, "ALARM"))).toEqual(["TasksWait"]);
  });
});

describe("no pass starts", () => {
  it("for an instance that a pass has just launched", () => {
    expect(rulesFor(stateChange("pending"))).toEqual([]);
  });

  it("when the alarm ends, or for another alarm", () => {
    expect(rulesFor(alarm(ALARM, "OK"))).toEqual([]);
    expect(rulesFor(alarm(`${ALARM}-2`, "ALARM"))).toEqual([]);
  });

  it("for what another service calls the same", () => {
    expect(rulesFor({ ...stateChange("running"), source: "example.ec2" })).toEqual([]);
  });
});
