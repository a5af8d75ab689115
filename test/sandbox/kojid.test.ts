// A builder against the hub model: taking work, being disabled, and trouble with the hub.

import { describe, expect, it } from "vitest";
import { TASK_STATE } from "../../shared/hub/index.ts";
import { createSite, START } from "./kojid-site.ts";

describe("a builder at work", () => {
  it("checks in every sleeptime and is ready", async () => {
    const { hub, addBuilder, run } = createSite();
    addBuilder("b1", { maxjobs: 5 });
    expect(hub.host("b1")).toMatchObject({ ready: true, update_ts: START, data: { maxjobs: 5 } });
    await run(40);
    expect(hub.host("b1").update_ts).toBe(START + 30);
  });

  it("takes one task and looks again at once until it has all that is assigned to it", async () => {
    const { hub, addBuilder, sleepTask, run } = createSite();
    const ids = [sleepTask(100), sleepTask(100), sleepTask(100)];
    const builder = addBuilder("b1");
    await run(1);
    expect(builder.taskIds).toEqual(ids);
    expect(hub.host("b1").task_load).toBe(0.75);
  });

  it("sets the weight, works, and closes the task itself", async () => {
    const { hub, addBuilder, sleepTask, run } = createSite();
    const id = sleepTask(100);
    addBuilder("b1");
    await run(99);
    expect(hub.task(id)).toMatchObject({ state: TASK_STATE.OPEN, weight: 0.25 });
    await run(2);
    expect(hub.task(id)).toMatchObject({ state: TASK_STATE.CLOSED, completion_ts: START + 100 });
  });

  it("is not ready with maxjobs reached, over capacity, on a full disk or overloaded, though it checks in", async () => {
    const { hub, admin, addBuilder, sleepTask, run } = createSite();
    addBuilder("full", { maxjobs: 1 });
    addBuilder("disk", { diskFull: true });
    addBuilder("busy", { cpus: 0.2 });
    addBuilder("heavy");
    for (const host of ["full", "busy", "heavy"]) admin.assignTask(sleepTask(1000), host);
    await run(20);
    const heavyTask = hub.state().tasks.find((task) => task.host_id === hub.host("heavy").id);
    hub.connectBuilder("heavy").setTaskWeight(heavyTask?.id ?? 0, 4.5);
    await run(20);
    const readiness = ["full", "disk", "busy"].map((name) => hub.host(name).ready);
    expect(readiness).toEqual([false, false, false]);
    for (const name of ["full", "disk", "busy"]) expect(hub.host(name).update_ts).toBe(START + 30);
  });

  it("never appears when kojid does not start", async () => {
    const { hub, addBuilder, run } = createSite();
    addBuilder("b1", { neverChecksIn: true });
    await run(10_000);
    expect(hub.host("b1")).toMatchObject({ update_ts: null, ready: false });
  });

  it("refuses a method it has no handler for, and a tag whose arches it has not, for good", async () => {
    const { hub, admin, addBuilder, run } = createSite();
    const srpm = admin.makeTask({ method: "rebuildSRPM", args: ["a-1-1.src.rpm", 1, {}] });
    const image = admin.makeTask({ method: "createImage", args: [], arch: "aarch64" });
    addBuilder("arm", {}, "aarch64");
    await run(100);
    const refusals = hub.state().refusals.map(({ task_id, soft, by_host }) => ({ task_id, soft, by_host }));
    expect(refusals).toContainEqual({ task_id: srpm, soft: false, by_host: true });
    expect(refusals).toContainEqual({ task_id: image, soft: false, by_host: true });
    addBuilder("x86");
    await run(200);
    expect(hub.task(srpm).host_id).toBe(hub.host("x86").id);
  });

  it("kills the process of a task that was canceled or freed, at its next poll", async () => {
    const { admin, addBuilder, sleepTask, run, stateOf } = createSite();
    const [canceled, freed] = [sleepTask(50), sleepTask(50)];
    const builder = addBuilder("b1", { maxjobs: 2 });
    await run(20);
    admin.cancelTask(canceled);
    admin.freeTask(freed);
    await run(15);
    expect(builder.taskIds).toEqual([]);
    await run(100);
    expect(stateOf(canceled)).toBe(TASK_STATE.CANCELED);
    // It may come back to the same host, from the beginning.
    expect(stateOf(freed)).toBe(TASK_STATE.CLOSED);
  });
});

describe("a builder that is disabled", () => {
  it("lets its open tasks run, gets no new ones, and is not ready within one poll", async () => {
    const { hub, admin, addBuilder, sleepTask, run, stateOf } = createSite();
    addBuilder("b1");
    const open = sleepTask(200);
    await run(70);
    admin.disableHost("b1");
    const later = sleepTask(10);
    await run(15);
    expect(hub.host("b1").ready).toBe(false);
    await run(400);
    expect(stateOf(open)).toBe(TASK_STATE.CLOSED);
    expect(stateOf(later)).toBe(TASK_STATE.FREE);
  });

  it("between assignment and opening keeps the task for ever; enabled again it opens it if it is the first to poll", async () => {
    const { hub, admin, addBuilder, sleepTask, run, stateOf } = createSite();
    addBuilder("b1");
    addBuilder("other", {}, "aarch64");
    const id = sleepTask(10);
    await run(5);
    hub.runScheduler();
    expect(stateOf(id)).toBe(TASK_STATE.ASSIGNED);
    admin.disableHost("b1");
    await run(10_000);
    expect(stateOf(id)).toBe(TASK_STATE.ASSIGNED);
    admin.enableHost("b1");
    await run(120);
    expect(stateOf(id)).toBe(TASK_STATE.CLOSED);
  });

  it("the same, but a run of the scheduler comes first: freed, and the builder is barred from the task for 900 s", async () => {
    const { hub, admin, addBuilder, sleepTask, run, stateOf } = createSite();
    const builder = addBuilder("b1");
    await run(5);
    const id = sleepTask(10);
    hub.runScheduler();
    admin.disableHost("b1");
    await run(400);
    // Alive and checking in, but it has not looked for tasks yet when the next run comes.
    builder.hang();
    admin.enableHost("b1");
    hub.runScheduler();
    expect(stateOf(id)).toBe(TASK_STATE.FREE);
    expect(hub.state().refusals).toMatchObject([{ task_id: id, soft: true }]);
    builder.resume();
    await run(800);
    expect(stateOf(id)).toBe(TASK_STATE.FREE);
    await run(300);
    expect(stateOf(id)).toBe(TASK_STATE.CLOSED);
  });
});

describe("trouble with the hub", () => {
  it("offline: the builder asks again every 120 s, its work goes on, and ends are reported later", async () => {
    const { hub, addBuilder, sleepTask, run, stateOf } = createSite();
    const builder = addBuilder("b1");
    const id = sleepTask(100);
    await run(70);
    hub.setOffline("database upgrade");
    await run(600);
    expect(stateOf(id)).toBe(TASK_STATE.OPEN);
    hub.setOffline(null);
    await run(121);
    expect(stateOf(id)).toBe(TASK_STATE.CLOSED);
    expect(builder.state).toBe("running");
    expect(hub.host("b1").ready).toBe(true);
  });

  it("offline at SIGTERM: the tasks stay with it", async () => {
    const { hub, addBuilder, sleepTask, run, stateOf } = createSite();
    const builder = addBuilder("b1");
    const id = sleepTask(100);
    await run(70);
    hub.setOffline();
    expect(builder.stop()).toBe(false);
    expect(stateOf(id)).toBe(TASK_STATE.OPEN);
  });

  it("locked out: builders wait like everyone who is no administrator", async () => {
    const { hub, addBuilder, run } = createSite();
    addBuilder("b1");
    hub.setLockOut(true);
    await run(600);
    expect(hub.host("b1").update_ts).toBe(START);
    hub.setLockOut(false);
    await run(121);
    expect(hub.host("b1").update_ts).toBeGreaterThan(START + 600);
  });

  it("two instances with one certificate take the lock from each other in turns", async () => {
    const { addBuilder, start, run } = createSite();
    const first = addBuilder("b1");
    await run(5);
    const second = start("b1");
    await run(12);
    expect([first.state, second.state]).toEqual(["restarting", "running"]);
    await run(66);
    expect([first.state, second.state]).toEqual(["running", "restarting"]);
  });
});
