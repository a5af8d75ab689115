// What builds, repos and images are made of, and how they end.

import { describe, expect, it } from "vitest";
import { Random } from "../../sandbox/world/random.ts";
import { createWork } from "../../sandbox/world/work.ts";
import { TASK_STATE } from "../../shared/hub/index.ts";
import { createSite, START } from "./kojid-site.ts";

describe("a build", () => {
  it("runs as build, SRPM, one buildArch an arch, tagBuild; the parent waits without load", async () => {
    const { hub, addBuilder, pepper, run } = createSite();
    addBuilder("b1");
    const id = pepper.build("cli-build/1/adder-1.0-1.src.rpm", "el9");
    await run(75);
    expect(hub.task(id)).toMatchObject({ state: TASK_STATE.OPEN, waiting: true, weight: 0.2 });
    await run(20_000);
    expect(hub.task(id).state).toBe(TASK_STATE.CLOSED);
    const children = hub.children(id).map(({ method, label, arch, state }) => [method, label, arch, state]);
    expect(children).toEqual([
      ["rebuildSRPM", "srpm", "noarch", TASK_STATE.CLOSED],
      ["buildArch", "x86_64", "x86_64", TASK_STATE.CLOSED],
      ["tagBuild", "tag", "noarch", TASK_STATE.CLOSED],
    ]);
  });

  it("of a noarch package has one noarch buildArch; a scratch one is not tagged", async () => {
    const { hub, addBuilder, pepper, run } = createSite();
    addBuilder("b1");
    const url = "git+https://git.test/rpms/rubygem-rake.git#1";
    const id = pepper.build(url, "el9", { opts: { scratch: true } });
    await run(20_000);
    const children = hub.children(id).map(({ method, arch }) => [method, arch]);
    expect(children).toEqual([
      ["buildSRPMFromSCM", "noarch"],
      ["buildArch", "noarch"],
    ]);
  });

  it("fails with the fault of its target, or of the child that failed, and the other children are canceled", async () => {
    const { hub, clock, addBuilder, pepper, run } = createSite();
    hub.addTag("multi-build", { arches: "x86_64 i686" });
    hub.addTarget("multi", "multi-build", "el9");
    const work = createWork({ random: new Random(1), buildArchFailureRate: 1 });
    addBuilder("b1", { work }, "x86_64 i386");
    const unknown = pepper.build("a-1-1.src.rpm", "nowhere");
    const failing = pepper.build("adder-1-1.src.rpm", "multi");
    await run(20_000);
    expect(hub.task(unknown).result).toEqual({ fault: { code: 1000, text: "No such build target: nowhere" } });
    expect(hub.task(failing)).toMatchObject({ state: TASK_STATE.FAILED, result: { fault: { code: 1005 } } });
    const states = hub.children(failing).map(({ method, arch, state }) => [method, arch, state]);
    expect(
      states
        .filter(([method]) => method === "buildArch")
        .map(([, , state]) => state)
        .sort(),
    ).toEqual([TASK_STATE.CANCELED, TASK_STATE.FAILED]);
    expect(clock.now()).toBe(START + 20_000);
  });

  it("weighs what the package's history says", async () => {
    const { hub, addBuilder, pepper, run } = createSite();
    hub.setPackageSeconds("adder", 9600);
    addBuilder("b1");
    const id = pepper.build("adder-1-1.src.rpm", "el9");
    await run(20_000);
    expect(hub.children(id).find(({ method }) => method === "buildArch")?.weight).toBe(3.5);
  });

  it("takes the same time whoever builds it and whatever else is built", async () => {
    const seconds = async (others: number) => {
      const { hub, addBuilder, pepper, run } = createSite();
      for (let i = 1; i <= others + 1; i++) addBuilder(`b${i}`);
      for (let i = 0; i < others; i++) pepper.build(`other${i}-1-1.src.rpm`, "el9");
      const id = pepper.build("adder-1-1.src.rpm", "el9");
      await run(40_000);
      return hub.children(id).map((task) => (task.completion_ts ?? 0) - (task.start_ts ?? 0));
    };
    const [alone, amongOthers] = [await seconds(0), await seconds(3)];
    const rounded = (values: readonly number[]) => values.map((value) => value.toFixed(3));
    expect(rounded(amongOthers)).toEqual(rounded(alone));
  });

  it("is finished by another builder when its own is lost: old children are found by their labels", async () => {
    const { hub, addBuilder, pepper, run } = createSite();
    const first = addBuilder("b1");
    const id = pepper.build("adder-1-1.src.rpm", "el9");
    await run(20);
    addBuilder("b2");
    await run(300);
    first.stop();
    await run(20_000);
    expect(hub.task(id)).toMatchObject({ state: TASK_STATE.CLOSED, host_id: hub.host("b2").id });
    expect(hub.children(id).map(({ label }) => label)).toEqual(["srpm", "x86_64", "tag"]);
  });
});

describe("repos and images", () => {
  it("newRepo makes one noarch createrepo an arch, in its own channel", async () => {
    const { hub, clock, start, run } = createSite();
    hub.addHost("repo", { arches: "x86_64", channels: ["createrepo"], capacity: 4 });
    start("repo");
    const id = hub.as("kojiadmin").newRepo("el9-build");
    await run(10_000);
    expect(hub.task(id).state).toBe(TASK_STATE.CLOSED);
    expect(hub.children(id)).toMatchObject([{ method: "createrepo", label: "x86_64", arch: "noarch", priority: 14 }]);
    expect(clock.now()).toBeGreaterThan(START);
  });

  it("livemedia makes one createLiveMedia an arch and a tagBuild", async () => {
    const { hub, start, run } = createSite();
    hub.addHost("image", { arches: "x86_64", channels: ["livemedia"], capacity: 4 });
    start("image");
    const [name, version, target, ksfile, type] = ["fdi", "1", "el9", "fdi.ks", "livemedia"];
    const id = hub.as("kojiadmin").buildImage({ name, version, arches: ["x86_64"], target, ksfile, type });
    await run(20_000);
    expect(hub.children(id).map(({ method, label, arch }) => [method, label, arch])).toEqual([
      ["createLiveMedia", "livemedia x86_64", "x86_64"],
      ["tagBuild", "tag", "noarch"],
    ]);
  });
});
