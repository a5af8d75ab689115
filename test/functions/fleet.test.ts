// The Lambda handler as EventBridge calls it: events, the one-writer lease, a hub that is offline, what it leaves behind.

import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { furnishHub, submitPush } from "../../sandbox/day.ts";
import { BUCKET, openSandbox, type Sandbox } from "../../sandbox/sandbox.ts";
import { PARAMETER } from "../../sandbox/site.ts";
import { acquireLease } from "../../shared/aws/lease.ts";
import { openStore } from "../../shared/aws/store.ts";
import { LATEST_DECISION, TAG } from "../../shared/fleet/index.ts";

const START = Date.UTC(2026, 10, 23, 9) / 1000;
const TICK = { source: "aws.scheduler" };

interface Metric {
  readonly name: string;
  readonly value: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

let sandbox: Sandbox;
let metrics: Metric[];
let sentences: string[];
/** Of all decisions, a sentence each. */
let changes: string[];

beforeEach(async () => {
  metrics = [];
  sentences = [];
  changes = [];
  sandbox = await openSandbox({
    seed: 11,
    start: START,
    telemetry: {
      info(sentence, facts) {
        sentences.push(sentence);
        if (sentence === "decision" && Array.isArray(facts?.changes)) changes.push(...facts.changes);
      },
      warn: (sentence) => void sentences.push(sentence),
      metric: (name, _, value, dimensions = {}) => void metrics.push({ name, value, dimensions }),
    },
  });
  furnishHub(sandbox);
});
afterEach(() => sandbox.close());

/** One invocation, and the virtual time it takes. */
async function invoke(event: unknown = TICK): Promise<void> {
  sandbox.clock.after(0, () => sandbox.invoke(event));
  await sandbox.clock.runUntil(sandbox.clock.now() + 55);
}

const latest = () => JSON.parse(sandbox.aws.s3.text(BUCKET, LATEST_DECISION) ?? "null");
const launches = () => changes.filter((each) => each.startsWith("launch "));
/** Not those that the forecast adds. */
const launchesForQueue = () => launches().filter((each) => /finds? no room;/.test(each));
const slots = () => sandbox.live().map((each) => each.tags[TAG.slot]);
const isWriting = () => JSON.parse(sandbox.aws.s3.text(BUCKET, "fleet/lease.json") ?? "{}").until > sandbox.clock.now();
const push = (packages: number) => submitPush(sandbox, sandbox.random.fork("push"), packages);
const lastMetric = (name: string) => metrics.findLast((each) => each.name === name && !("channel" in each.dimensions));

describe("an invocation", () => {
  it("makes a single pass when there is nothing to do and the site does not watch at rest", async () => {
    await invoke();
    expect(sentences.filter((each) => each === "decision")).toHaveLength(1);
    expect(latest()).toMatchObject({ changes: [], unserved: [], notes: [] });
    expect(lastMetric("PassSucceeded")?.value).toBe(1);
  });

  it("passes again every ten seconds while tasks wait, launches once, and gives metrics per channel and arch", async () => {
    push(3);
    await invoke();
    expect(sentences.filter((each) => each === "decision").length).toBeGreaterThanOrEqual(4);
    expect(launchesForQueue()).toHaveLength(1);
    expect(new Set(slots()).size).toBe(launches().length);
    expect(metrics).toContainEqual({ name: "FreeTasks", value: 6, dimensions: { channel: "default", arch: "noarch" } });
    expect(metrics.some((each) => each.name === "Builders" && each.dimensions.state === "booting")).toBe(true);
  });

  it("launches nothing when all that waits are tasks that no profile can ever run", async () => {
    sandbox.hub.as("kojiadmin").makeTask({ method: "buildArch", args: [], arch: "s390x", channel: "default" });
    await invoke();
    expect(launches()).toEqual([]);
    expect(latest().unserved[0].reason).toMatch(/no profile of channel default has arch s390x/);
  });

  it("leaves the instance with tags from which the next pass knows everything, though the bucket is lost", async () => {
    push(3);
    await invoke();
    // State changes to "running" have started invocations of their own: their end first.
    while (isWriting()) await sandbox.clock.runUntil(sandbox.clock.now() + 5);
    await sandbox.aws.clients.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "fleet/memory.json" }));
    const before = sandbox.live();
    await invoke();
    const [first] = before;
    const after = sandbox.live().find((each) => each.instanceId === first?.instanceId);
    expect(after?.tags[TAG.enabledAt]).toBeDefined();
    expect(launchesForQueue().filter((each) => / build tasks? /.test(each))).toHaveLength(1);
    expect(new Set(slots()).size).toBe(launches().length);
    const left = await sandbox.leftovers();
    expect(left.filter((each) => each.includes(first?.tags[TAG.slot] ?? ""))).toEqual([]);
  });
});

describe("one writer at a time", () => {
  it("makes no pass while another invocation holds the lease, and the next one has a higher epoch", async () => {
    const store = openStore(sandbox.aws.clients, BUCKET);
    const lease = await acquireLease(store, sandbox.clock, "fleet/lease.json", "another", 120);
    if ("heldBy" in lease) throw new Error("the lease was free");
    push(3);
    await invoke();
    expect(sentences.at(-1)).toMatch(/^no pass: another is the one writer until/);
    expect(sandbox.live()).toEqual([]);
    await lease.release();
    await invoke();
    expect(launchesForQueue()).toHaveLength(1);
    expect(latest().epoch).toBeGreaterThan(lease.epoch);
  });

  it("launches once though two invocations start at the same moment", async () => {
    push(3);
    sandbox.clock.after(0, () => sandbox.invoke(TICK));
    await invoke();
    expect(launchesForQueue()).toHaveLength(1);
    expect(new Set(slots()).size).toBe(sandbox.live().length);
    expect(sentences.some((each) => each.startsWith("no pass:"))).toBe(true);
  });
});

describe("when the world cannot be seen", () => {
  it("changes nothing while the hub is offline, says since when, and counts no success", async () => {
    push(3);
    await sandbox.clock.runUntil(START + 60);
    sandbox.hub.setOffline("moving house");
    await invoke();
    expect(latest().notes).toEqual(['no change: the hub answered "moving house" (fault 1014) since 2026-11-23T09:01Z']);
    expect(lastMetric("PassSucceeded")?.value).toBe(0);
    expect(sandbox.live()).toEqual([]);
  });

  it("changes nothing while EC2 does not answer", async () => {
    push(3);
    sandbox.aws.ec2.throttleNext(20, "DescribeInstances");
    await invoke();
    expect(latest().notes[0]).toMatch(/no change: DescribeInstances failed \(RequestLimitExceeded\)/);
    expect(sandbox.live()).toEqual([]);
  });

  it("launches nothing without the hub login, names the parameter, and goes on once it is there", async () => {
    push(3);
    const certificate = await sandbox.aws.ssm.send(
      new GetParameterCommand({ Name: PARAMETER.client, WithDecryption: true }),
    );
    sandbox.aws.ssm.deleteParameter(PARAMETER.client);
    await invoke();
    expect(latest().outcomes[0].sentence).toBe(
      `SSM parameter ${PARAMETER.client} does not exist: make it as \`npx toji config init\` says`,
    );
    expect(sandbox.live()).toEqual([]);
    const { Parameter } = certificate as { Parameter: { Value: string } };
    sandbox.aws.ssm.setParameter(PARAMETER.client, Parameter.Value);
    await invoke();
    expect(sandbox.live().length).toBeGreaterThan(0);
  });
});

describe("a spot warning", () => {
  const warning = (instanceId: string) => ({
    source: "aws.ec2",
    "detail-type": "EC2 Spot Instance Interruption Warning",
    detail: { "instance-id": instanceId, "instance-action": "terminate" },
  });

  it("is noted on our instance, which then counts as no capacity: its successor is launched", async () => {
    push(3);
    await invoke();
    const [instance, ...others] = sandbox.live();
    await invoke(warning(instance?.instanceId ?? ""));
    expect(
      sandbox.live().find((each) => each.instanceId === instance?.instanceId)?.tags[TAG.spotNoticeAt],
    ).toBeDefined();
    await invoke();
    expect(sandbox.live().length).toBeGreaterThan(1 + others.length);
  });

  it("about somebody else's instance changes nothing", async () => {
    await invoke(warning("i-00000000000000000"));
    expect(latest().changes).toEqual([]);
    expect(sandbox.aws.ec2.callCounts().CreateTags ?? 0).toBe(0);
  });
});

describe("a rebalance recommendation", () => {
  it("is written down and said, and nothing is done for it", async () => {
    push(3);
    await invoke();
    await sandbox.clock.runUntil(sandbox.clock.now() + 300);
    await invoke();
    const [instance] = sandbox.live();
    await invoke({
      source: "aws.ec2",
      "detail-type": "EC2 Instance Rebalance Recommendation",
      detail: { "instance-id": instance?.instanceId ?? "" },
    });
    const advised = sandbox.live().filter((each) => each.tags[TAG.rebalanceAt] !== undefined);
    expect(advised.map((each) => each.instanceId)).toEqual([instance?.instanceId]);
    expect(JSON.stringify(latest().changes)).not.toContain("drain");
    expect(latest().notes.join()).toMatch(/EC2 recommends to replace .*: it may be taken back soon/);
  });
});
