// The operator's hand on a running fleet: what the commands write is what the passes of the real handler obey.

import { afterEach, beforeEach, expect, it } from "vitest";
import { fleetCommand } from "../../cli/commands/fleet.ts";
import { main } from "../../cli/main.ts";
import { BUCKET, openSandbox, type Sandbox } from "../../sandbox/sandbox.ts";

const START = 1_795_006_400;
let sandbox: Sandbox;
let stop: () => void;

beforeEach(async () => {
  sandbox = await openSandbox({ seed: "hand", start: START });
  stop = sandbox.startSchedule();
});
afterEach(async () => {
  stop();
  await sandbox.close();
  expect(sandbox.invariants.violations).toEqual([]);
});

const run = (seconds: number) => sandbox.clock.runUntil(sandbox.clock.now() + seconds);

async function toji(...args: string[]): Promise<string> {
  const said: string[] = [];
  const io = { out: (text: string) => said.push(text), err: (text: string) => said.push(text) };
  const world = {
    open: () => sandbox.aws.clients,
    clock: sandbox.clock,
    env: { TOJI_BUCKET: BUCKET },
    userName: () => "ann",
  };
  expect({ code: await main(["fleet", ...args], io, { fleet: fleetCommand(world) }), said }).toMatchObject({ code: 0 });
  return said.join("\n");
}

function submit(count: number): number[] {
  const admin = sandbox.hub.as("kojiadmin");
  const args = ["foo-1.0-1.src.rpm", 1, "x86_64", true, {}];
  return Array.from({ length: count }, () =>
    admin.makeTask({ method: "buildArch", args, arch: "x86_64", channel: "default" }),
  );
}

const slotOf = (index: number) => sandbox.live()[index]?.tags["toji:slot"] ?? "none";

it("launches nothing while the fleet is held, says so, and launches once it is released", async () => {
  await toji("hold", "--reason", "hub upgrade");
  submit(2);
  await run(300);
  expect(sandbox.live()).toEqual([]);
  expect(await toji("status")).toMatch(
    /^HELD: the whole fleet, by ann.*hub upgrade[\s\S]*queue: 2 FREE tasks[\s\S]*hub upgrade/,
  );
  await toji("release");
  await run(120);
  expect(sandbox.live().length).toBeGreaterThan(0);
});

it("keeps a pinned builder for as long as it is pinned", async () => {
  submit(1);
  await run(120);
  await toji("pin", slotOf(0), "--reason", "looking at its mock");
  await run(4 * 3600);
  expect(sandbox.live()).toHaveLength(1);
  expect(await toji("status")).toContain("pinned");
  await toji("unpin", slotOf(0));
  await run(900);
  expect(sandbox.live()).toEqual([]);
});

it("drains a busy builder: its tasks end there, new ones go elsewhere, and it goes", async () => {
  const tasks = submit(2);
  await run(150);
  const busy = sandbox.hub.hosts().find(({ id }) => sandbox.hub.tasksHeldBy(id).length > 0);
  const drained = sandbox.live().find(({ tags }) => tags["toji:slot"] === busy?.name);
  await toji("drain", busy?.name ?? "none", "--reason", "bad disk");
  await run(120);
  const later = submit(1);
  await run(4 * 3600);
  const hosts = (ids: readonly number[]) =>
    [...sandbox.hub.tasks()].flatMap((task) => (ids.includes(task.id) ? [task.host_id] : []));
  const [first, second] = hosts(tasks);
  expect(second).toBe(first);
  const [third] = hosts(later);
  expect(typeof third).toBe("number");
  expect(third).not.toBe(first);
  expect(sandbox.aws.ec2.history().find((each) => each.instanceId === drained?.instanceId)?.reason).toBe(
    "terminate-call",
  );
});
