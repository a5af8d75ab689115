// Builders that go away in every way, and what the hub does about it.

import { describe, expect, it } from "vitest";
import { TASK_STATE } from "../../shared/hub/index.ts";
import { createSite, START } from "./kojid-site.ts";

// koji-hub-api facts 4.6 and 4.9: what was watched on a live hub.
describe("a builder that goes away", () => {
  it("killed while enabled: not ready after more than 180 s, its task freed after more than 900 s, by another's poll", async () => {
    const { hub, addBuilder, sleepTask, run, stateOf, when } = createSite();
    const lost = addBuilder("b1");
    const id = sleepTask(5000);
    await run(60);
    expect(stateOf(id)).toBe(TASK_STATE.OPEN);
    addBuilder("b2");
    await run(15);
    lost.kill();
    const silent = (hub.host("b1").update_ts ?? 0) - START;
    await run(silent + 180 - 75);
    expect(hub.host("b1").ready).toBe(true);
    await run(75);
    expect(hub.host("b1").ready).toBe(false);
    await run(1000);
    const freed = when(id, TASK_STATE.FREE) ?? 0;
    expect(freed - silent).toBeGreaterThan(900);
    expect(freed - silent).toBeLessThanOrEqual(900 + 60 + 15);
    expect(hub.events().find((event) => event.why === "host-timeout")?.taskId).toBe(id);
    // It keeps weight and start_time, and runs again elsewhere.
    expect(hub.task(id)).toMatchObject({ state: TASK_STATE.OPEN, host_id: hub.host("b2").id });
  });

  it("killed, and no other builder polls: nothing happens", async () => {
    const { hub, addBuilder, sleepTask, run, stateOf } = createSite();
    const lost = addBuilder("b1");
    const id = sleepTask(5000);
    await run(75);
    lost.kill();
    await run(100_000);
    expect(stateOf(id)).toBe(TASK_STATE.OPEN);
    expect(hub.host("b1").ready).toBe(true);
  });

  it("killed and disabled: its task is never freed by the hub, and it stays ready; an administrator can free it", async () => {
    const { hub, admin, addBuilder, sleepTask, run, stateOf } = createSite();
    const lost = addBuilder("b1");
    const id = sleepTask(5000);
    await run(75);
    addBuilder("b2");
    lost.kill();
    admin.disableHost("b1");
    await run(100_000);
    expect(stateOf(id)).toBe(TASK_STATE.OPEN);
    expect(hub.host("b1").ready).toBe(true);
    admin.freeTask(id);
    await run(100);
    expect(hub.task(id).host_id).toBe(hub.host("b2").id);
  });

  it("killed, still ready, is given a task, which is freed after the assignment timeout", async () => {
    const { hub, admin, addBuilder, sleepTask, run, when } = createSite();
    const lost = addBuilder("b1");
    addBuilder("b2");
    await run(61);
    lost.kill();
    const id = sleepTask(10);
    // Busy elsewhere, so that the dead one has the lowest rank.
    admin.assignTask(sleepTask(3000), "b2");
    await run(60);
    expect(hub.task(id)).toMatchObject({ state: TASK_STATE.ASSIGNED, host_id: hub.host("b1").id });
    await run(600);
    const waited = (when(id, TASK_STATE.FREE) ?? 0) - (when(id, TASK_STATE.ASSIGNED) ?? 0);
    expect(waited).toBeGreaterThan(300);
    expect(waited).toBeLessThanOrEqual(375);
    expect(hub.state().refusals).toEqual([]);
    expect(hub.task(id)).toMatchObject({ state: TASK_STATE.CLOSED, host_id: hub.host("b2").id });
  });

  it("stopped by SIGTERM: its tasks are free at once, it is not ready, and they start from the beginning elsewhere", async () => {
    const { hub, addBuilder, sleepTask, run, stateOf } = createSite();
    const builder = addBuilder("b1");
    const id = sleepTask(100);
    await run(70);
    expect(builder.stop()).toBe(true);
    expect(stateOf(id)).toBe(TASK_STATE.FREE);
    expect(hub.host("b1")).toMatchObject({ ready: false, task_load: 0 });
    addBuilder("b2");
    await run(90);
    expect(stateOf(id)).toBe(TASK_STATE.OPEN);
    await run(100);
    expect(stateOf(id)).toBe(TASK_STATE.CLOSED);
  });

  it("stopped by SIGTERM: what it had not opened waits for the assignment timeout", async () => {
    const { admin, addBuilder, sleepTask, run, stateOf } = createSite();
    const builder = addBuilder("b1");
    addBuilder("b2");
    await run(61);
    const id = sleepTask(10);
    admin.assignTask(id, "b1");
    builder.stop();
    await run(300);
    expect(stateOf(id)).toBe(TASK_STATE.ASSIGNED);
    await run(200);
    expect(stateOf(id)).toBe(TASK_STATE.CLOSED);
  });

  it("killed and started again: the tasks it does not know are freed at once", async () => {
    const { hub, addBuilder, start, sleepTask, run, stateOf } = createSite();
    const builder = addBuilder("b1", { maxjobs: 1 });
    const id = sleepTask(1000);
    await run(70);
    builder.kill();
    expect(stateOf(id)).toBe(TASK_STATE.OPEN);
    start("b1", { maxjobs: 1 });
    expect(stateOf(id)).toBe(TASK_STATE.FREE);
    expect(hub.events().at(-1)).toMatchObject({ taskId: id, why: "host.freeTasks" });
  });

  it("hung: the hub treats it as lost, though its task may still end; resumed, it drops what is no longer its own", async () => {
    const { hub, addBuilder, sleepTask, run, stateOf } = createSite();
    const builder = addBuilder("b1");
    const [short, long] = [sleepTask(300), sleepTask(5000)];
    await run(70);
    addBuilder("b2");
    builder.hang();
    await run(300);
    expect(stateOf(short)).toBe(TASK_STATE.CLOSED);
    await run(800);
    expect(hub.task(long)).toMatchObject({ state: TASK_STATE.OPEN, host_id: hub.host("b2").id });
    builder.resume();
    expect(builder.taskIds).toEqual([]);
  });
});
