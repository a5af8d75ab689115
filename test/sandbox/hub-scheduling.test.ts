// The scheduler of the hub model: when it runs, what it leaves in the tables, and rules at the making of tasks.

import { describe, expect, it } from "vitest";
import { createHub } from "../../sandbox/world/hub/index.ts";
import { TASK_STATE } from "../../shared/hub/index.ts";

function createSite() {
  const clock = { time: 1_800_000_000, now: () => clock.time };
  const hub = createHub({ clock });
  hub.addUser("pepper");
  hub.addTag("el9-build", { arches: "x86_64 i686" });
  hub.addTag("el9");
  hub.addTarget("el9", "el9-build", "el9");
  const addBuilder = (name: string, arches = "x86_64") => {
    hub.addHost(name, { arches, capacity: 4 });
    const session = hub.connectBuilder(name);
    session.updateHost(0, true, { maxjobs: 10, methods: ["build"] });
    return session;
  };
  return { clock, hub, addBuilder, pepper: hub.as("pepper"), admin: hub.as("kojiadmin") };
}

describe("the scheduler runs", () => {
  it("inside the poll of a builder that has nothing, and not sooner than RunInterval after the last run", () => {
    const { clock, addBuilder, pepper } = createSite();
    const builder = addBuilder("b1");
    expect(builder.getTasks()).toEqual([]);
    const id = pepper.build("a.src.rpm", "el9");
    clock.time += 59;
    builder.updateHost(0, true);
    expect(builder.getTasks()).toEqual([]);
    clock.time += 1;
    expect(builder.getTasks().map((task) => task.id)).toEqual([id]);
  });

  it("not for a builder that has something assigned", () => {
    const { clock, addBuilder, pepper } = createSite();
    const builder = addBuilder("b1");
    const first = pepper.build("a.src.rpm", "el9");
    builder.getTasks();
    clock.time += 60;
    const second = pepper.build("b.src.rpm", "el9");
    builder.updateHost(0, true);
    expect(builder.getTasks().map((task) => task.id)).toEqual([first]);
    builder.openTask(first);
    expect(builder.getTasks().map((task) => task.id)).toEqual([second]);
  });

  it("never while no builder polls", () => {
    const { clock, hub, addBuilder, pepper } = createSite();
    addBuilder("b1");
    const id = pepper.build("a.src.rpm", "el9");
    clock.time += 100_000;
    expect(hub.task(id).state).toBe(TASK_STATE.FREE);
    expect(hub.host("b1").ready).toBe(true);
  });

  it("keeps the runs: one active run for each task that is held, older ones ended", () => {
    const { clock, hub, addBuilder, pepper, admin } = createSite();
    addBuilder("b1");
    const id = pepper.build("a.src.rpm", "el9");
    hub.runScheduler();
    admin.freeTask(id);
    clock.time += 60;
    hub.connectBuilder("b1").updateHost(0, true);
    hub.runScheduler();
    expect(hub.state().runs).toMatchObject([{ id: 2, task_id: id, active: true }]);
    admin.cancelTask(id);
    hub.runScheduler();
    expect(hub.state().runs).toEqual([]);
  });

  it("bars a host that let an assignment run out, and for 900 s only", () => {
    const { clock, hub, addBuilder, pepper } = createSite();
    const builder = addBuilder("b1");
    const id = pepper.build("a.src.rpm", "el9");
    hub.runScheduler();
    clock.time += 301;
    builder.updateHost(0, true);
    hub.runScheduler();
    expect(hub.state().refusals).toMatchObject([{ task_id: id, soft: true, by_host: false }]);
    clock.time += 60;
    builder.updateHost(0, true);
    hub.runScheduler();
    expect(hub.task(id).state).toBe(TASK_STATE.FREE);
    clock.time += 841;
    builder.updateHost(0, true);
    hub.runScheduler();
    expect(hub.task(id).state).toBe(TASK_STATE.ASSIGNED);
    expect(hub.state().refusals).toEqual([]);
  });

  it("leaves a task alone that an administrator assigned for good", () => {
    const { clock, hub, addBuilder, pepper, admin } = createSite();
    const builder = addBuilder("b1");
    const id = pepper.build("a.src.rpm", "el9");
    admin.assignTask(id, "b1", { override: true });
    clock.time += 100_000;
    builder.updateHost(0, true);
    hub.runScheduler();
    expect(hub.task(id).state).toBe(TASK_STATE.ASSIGNED);
  });
});

describe("a new task", () => {
  it("goes to the requested channel, else its parent's, else by its method, else to default", () => {
    const { hub, addBuilder, pepper, admin } = createSite();
    const builder = addBuilder("b1");
    hub.addChannel("heavy");
    const channelOf = (id: number) =>
      hub.state().channels.find(({ id: each }) => each === hub.task(id).channel_id)?.name;
    const parent = pepper.build("a.src.rpm", "el9", { channel: "heavy" });
    expect(channelOf(parent)).toBe("heavy");
    expect(channelOf(pepper.build("a.src.rpm", "el9"))).toBe("default");
    const repo = admin.newRepo("el9-build");
    expect(channelOf(repo)).toBe("createrepo");
    admin.assignTask(parent, "b1");
    builder.openTask(parent);
    expect(channelOf(builder.subtask({ method: "rebuildSRPM", args: ["a", 1, {}], parent, label: "srpm" }))).toBe(
      "heavy",
    );
  });

  it("is refused for a disabled channel", () => {
    const { hub, pepper } = createSite();
    hub.addChannel("attic", { enabled: false });
    expect(() => pepper.build("a.src.rpm", "el9", { channel: "attic" })).toThrow("Channel attic is disabled.");
  });

  it("goes one before its parent; a repo before a build", () => {
    const { hub, addBuilder, pepper, admin } = createSite();
    const builder = addBuilder("b1");
    const parent = pepper.build("a.src.rpm", "el9", { priority: 5 });
    expect(hub.task(parent).priority).toBe(25);
    expect(hub.task(admin.newRepo("el9-build")).priority).toBe(15);
    admin.assignTask(parent, "b1");
    builder.openTask(parent);
    expect(hub.task(builder.subtask({ method: "tagBuild", args: [], parent, label: "tag" })).priority).toBe(24);
  });

  it("bars enabled hosts without an arch of the build tag from noarch tasks that need a buildroot", () => {
    const { hub, addBuilder, admin } = createSite();
    addBuilder("x86");
    // The tag's i686 is compared as i386.
    addBuilder("old", "i386");
    addBuilder("arm", "aarch64");
    addBuilder("off", "ppc64le");
    admin.disableHost("off");
    const id = admin.makeTask({ method: "rebuildSRPM", args: ["a.src.rpm", 1, {}] });
    const barred = hub.state().refusals.map((refusal) => [refusal.task_id, refusal.host_id, refusal.soft]);
    expect(barred).toEqual([[id, hub.host("arm").id, false]]);
    admin.makeTask({ method: "tagBuild", args: [1, 2] });
    expect(hub.state().refusals).toHaveLength(1);
  });

  it("is the old one when a builder asks for a child with a label that the parent has", () => {
    const { hub, addBuilder, pepper, admin } = createSite();
    const builder = addBuilder("b1");
    const parent = pepper.build("a.src.rpm", "el9");
    admin.assignTask(parent, "b1");
    builder.openTask(parent);
    const child = { method: "rebuildSRPM", args: ["a", 1, {}], parent, label: "srpm" };
    const first = builder.subtask(child);
    admin.cancelTask(first);
    expect(builder.subtask(child)).toBe(first);
    builder.freeTasks([parent]);
    expect(hub.task(first).state).toBe(TASK_STATE.CANCELED);
    expect(() => builder.subtask(child)).toThrow(`host 1 does not own task ${parent}`);
  });
});

describe("waits", () => {
  it("count from the creation, or from when an opened task was given back, until a builder opens it", () => {
    const { clock, hub, addBuilder, pepper, admin } = createSite();
    const builder = addBuilder("b1");
    const id = pepper.build("a.src.rpm", "el9");
    clock.time += 40;
    admin.assignTask(id, "b1");
    builder.openTask(id);
    clock.time += 100;
    admin.freeTask(id);
    clock.time += 7;
    admin.assignTask(id, "b1");
    builder.openTask(id);
    expect(hub.waits()).toMatchObject([
      { taskId: id, seconds: 40, restarted: false },
      { taskId: id, seconds: 7, restarted: true },
    ]);
  });
});
