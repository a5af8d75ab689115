// A day of work on the model: what must be true of every transition, and the same day twice.

import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { createHub, type Hub, type TaskEvent } from "../../sandbox/world/hub/index.ts";
import { type Kojid, startKojid } from "../../sandbox/world/kojid.ts";
import { Random } from "../../sandbox/world/random.ts";
import { createWork } from "../../sandbox/world/work.ts";
import { TASK_STATE } from "../../shared/hub/index.ts";

const START = 1_800_000_000;
const DAY = 86_400;
const BUILDERS = 20;
const BUILDS = 400;

/** 20 builders that poll every 15 s, 400 builds and 24 repos, and now and then a builder is lost or stopped. */
async function runDay(seed: number): Promise<Hub> {
  const clock = new VirtualClock(START);
  const hub = createHub({ clock });
  const random = new Random(seed);
  hub.addUser("jenkins", ["repo"]);
  hub.addTag("el9-build", { arches: "x86_64 aarch64" });
  hub.addTag("el9");
  hub.addTarget("el9", "el9-build", "el9");
  const work = createWork({ random: random.fork("work"), notifications: true });
  const builders = new Map<string, Kojid>();
  const start = (hostName: string) => builders.set(hostName, startKojid({ hub, clock, hostName, work }));
  for (let i = 1; i <= BUILDERS; i++) {
    const arches = i % 2 === 0 ? "aarch64" : "x86_64";
    hub.addHost(`builder-${i}`, { arches, capacity: 4, channels: ["default", "createrepo"] });
    start(`builder-${i}`);
  }
  const arrivals = random.fork("arrivals");
  const jenkins = hub.as("jenkins");
  for (let i = 0; i < BUILDS; i++) {
    const source = `cli-build/${i}/package${i % 60}-1.0-1.src.rpm`;
    clock.at(START + arrivals.between(0, DAY / 2), () => jenkins.build(source, "el9"));
  }
  for (let hour = 0; hour < 24; hour++) clock.at(START + hour * 3600, () => jenkins.newRepo("el9-build"));
  const losses = random.fork("losses");
  for (let i = 0; i < 12; i++) {
    const name = `builder-${1 + Math.floor(losses.uniform() * BUILDERS)}`;
    const at = START + losses.between(0, DAY / 2);
    clock.at(at, () => (losses.uniform() < 0.5 ? builders.get(name)?.kill() : builders.get(name)?.stop()));
    clock.at(at + losses.between(60, 3600), () => {
      builders.get(name)?.kill();
      start(name);
    });
  }
  await clock.runUntil(START + DAY);
  return hub;
}

const { FREE, OPEN, CLOSED, CANCELED, ASSIGNED, FAILED } = TASK_STATE;
const NEXT: ReadonlyMap<number | null, readonly number[]> = new Map([
  [null, [FREE]],
  [FREE, [ASSIGNED, CANCELED]],
  [ASSIGNED, [OPEN, FREE, CANCELED]],
  [OPEN, [CLOSED, FAILED, CANCELED, FREE]],
]);

/** What is wrong with a log: transitions that Koji has not, times that run backwards, two builders with one task. */
function wrongTransitions(events: readonly TaskEvent[]): TaskEvent[] {
  const last = new Map<number, TaskEvent>();
  let time = 0;
  return events.filter((event) => {
    const before = last.get(event.taskId);
    last.set(event.taskId, event);
    const runsBackwards = event.at < time;
    time = event.at;
    const known = NEXT.get(event.from)?.includes(event.to) ?? false;
    const holder = event.to === OPEN && before?.to === ASSIGNED ? before.hostId : event.hostId;
    return runsBackwards || !known || event.from !== (before?.to ?? null) || holder !== event.hostId;
  });
}

describe("a day with 20 builders", () => {
  it("ends all work, with lawful transitions only, and every task on a host that serves its arch", async () => {
    const hub = await runDay(1);
    const tasks = [...hub.tasks()];
    expect(tasks.length).toBeGreaterThan(2000);
    expect(tasks.filter((task) => task.completion_ts === null)).toEqual([]);
    expect(wrongTransitions(hub.events())).toEqual([]);
    const archesOf = new Map(hub.hosts().map((host) => [host.id, host.arches]));
    const misplaced = tasks.filter(
      (task) => task.host_id !== null && !["noarch", archesOf.get(task.host_id)].includes(task.arch),
    );
    expect(misplaced).toEqual([]);
    expect(hub.state().runs).toEqual([]);
    const { length: failed } = tasks.filter((task) => task.method === "buildArch" && task.state === FAILED);
    const { length: built } = tasks.filter((task) => task.method === "buildArch");
    expect(failed / built).toBeGreaterThan(0.04);
    expect(failed / built).toBeLessThan(0.12);
  });

  it("is the same day again with the same seed", async () => {
    const [first, second] = [await runDay(2), await runDay(2)];
    expect(second.events()).toEqual(first.events());
    expect(second.waits()).toEqual(first.waits());
  });
});
