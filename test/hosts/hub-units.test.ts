// pause and resume: what is stopped, what is only waited for, and that it runs again whatever happens.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pauseAnswer, resumeAnswer } from "../../shared/backup/host-answers.ts";
import { missing, type Outcome } from "./commands.ts";
import { HubHost } from "./hub-host.ts";

const UNITS = "koji-gc.timer koji-gc.service kojira.service koji-sidetag-cleanup.timer";
const PAUSE = { TOJI_UNITS: UNITS, TOJI_WAIT: "0", TOJI_RESUME_AFTER: "60" };

let host: HubHost;

beforeEach(() => {
  host = new HubHost();
  host.addUnit("koji-gc.timer");
  host.addUnit("koji-gc.service", { type: "oneshot", state: "inactive", triggeredBy: "koji-gc.timer" });
  host.addUnit("kojira.service");
});

afterEach(() => host.remove());

function answer(outcome: Outcome): unknown {
  expect(outcome, outcome.stderr).toMatchObject({ exit: 0 });
  return JSON.parse(outcome.lastLine);
}

const pause = async (env = {}) => pauseAnswer.parse(answer(await host.run("pause", { ...PAUSE, ...env })));
const resume = async (env = {}) => resumeAnswer.parse(answer(await host.run("resume", env)));
const ledger = () => join(host.directory, "state/backup/paused");

const noTools = missing("the package util-linux", "flock", "setsid");
describe.skipIf(noTools)(`pause and resume${noTools}`, () => {
  it("stop what runs and start exactly that again", async () => {
    expect(await pause()).toEqual({
      paused: ["koji-gc.timer", "kojira.service"],
      idle: ["koji-sidetag-cleanup.timer", "koji-sidetag-cleanup.service", "koji-gc.service"],
      busy: [],
    });
    expect(host.calls()).toEqual(["stop koji-gc.timer", "stop kojira.service"]);
    expect(await resume()).toEqual({ resumed: ["koji-gc.timer", "kojira.service"], failed: [] });
    expect(host.calls().slice(2)).toEqual(["start koji-gc.timer", "start kojira.service"]);
    expect(await resume()).toEqual({ resumed: [], failed: [] });
  });

  it("remember at a repeat what the first run stopped", async () => {
    const { paused } = await pause();
    expect((await pause()).paused).toEqual(paused);
    expect((await resume()).resumed).toEqual(paused);
  });

  it("never end a deletion that is at work: they say that it is", async () => {
    host.addUnit("koji-gc.service", { type: "oneshot", state: "activating", triggeredBy: "koji-gc.timer" });
    host.addUnit("koji-sidetag-cleanup.timer");
    host.addUnit("koji-sidetag-cleanup.service", { state: "active", triggeredBy: "koji-sidetag-cleanup.timer" });
    const { busy, paused } = await pause();
    expect(busy).toEqual(["koji-sidetag-cleanup.service", "koji-gc.service"]);
    expect(paused).toEqual(["koji-gc.timer", "koji-sidetag-cleanup.timer", "kojira.service"]);
    expect(host.stateOf("koji-gc.service")).toBe("activating");
    expect(host.stateOf("koji-sidetag-cleanup.service")).toBe("active");
  });

  it("wait for a deletion to end", async () => {
    host.addUnit("koji-gc.service", { type: "oneshot", state: "activating" });
    const paused = pause({ TOJI_WAIT: "60" });
    await vi.waitUntil(() => host.calls().includes("stop kojira.service"), { timeout: 30_000 });
    host.addUnit("koji-gc.service", { type: "oneshot", state: "inactive" });
    expect((await paused).busy).toEqual([]);
  });

  it("do not wait for each other: resume undoes a pause that still waits", async () => {
    host.addUnit("koji-gc.service", { type: "oneshot", state: "activating" });
    const paused = pause({ TOJI_WAIT: "60" });
    await vi.waitUntil(() => host.calls().includes("stop kojira.service"), { timeout: 30_000 });
    expect((await resume()).resumed).toEqual(["koji-gc.timer", "kojira.service"]);
    host.addUnit("koji-gc.service", { type: "oneshot", state: "inactive" });
    expect((await paused).paused).toEqual(["koji-gc.timer", "kojira.service"]);
  });

  it.each(["systemd", "a session of its own"])("are undone by a timer of %s when nobody resumes", async (timer) => {
    if (timer === "systemd") host.bootSystemd();
    await pause({ TOJI_RESUME_AFTER: "1" });
    await vi.waitUntil(() => !existsSync(ledger()), { timeout: 30_000 });
    expect([host.stateOf("koji-gc.timer"), host.stateOf("kojira.service")]).toEqual(["active", "active"]);
    expect(await resume()).toEqual({ resumed: [], failed: [] });
  });

  it("write down what is stopped before it is, so that a stop that fails is undone", async () => {
    host.refuse("stop", "kojira.service");
    const outcome = await host.run("pause", PAUSE);
    expect(outcome).toMatchObject({ exit: 1 });
    expect(outcome.stderr).toContain("systemd could not stop kojira.service");
    expect(readFileSync(ledger(), "utf8")).toBe("koji-gc.timer\nkojira.service\n");
    expect((await resume()).resumed).toEqual(["koji-gc.timer", "kojira.service"]);
  });

  it("keep what does not start on the list", async () => {
    await pause();
    host.refuse("start", "kojira.service");
    expect(await resume()).toEqual({ resumed: ["koji-gc.timer"], failed: ["kojira.service"] });
    host.refuse("start", "kojira.service", false);
    expect(await resume()).toEqual({ resumed: ["kojira.service"], failed: [] });
  });

  it("hand over from a backup that was cut off to the next one", async () => {
    const { paused } = await pause();
    const next = { TOJI_KEY: "bs-20261124T020000Z-99999999" };
    expect((await pause(next)).paused).toEqual(paused);
    // The first one's late resume would start deleters in the midst of the second's freeze.
    expect(await resume()).toEqual({ resumed: [], failed: [] });
    expect((await resume(next)).resumed).toEqual(paused);
  });

  it.each([
    ["pause", { ...PAUSE, TOJI_KEY: "" }, "TOJI_KEY is missing"],
    ["pause", { ...PAUSE, TOJI_UNITS: "kojira" }, "kojira lacks its suffix"],
    ["pause", { ...PAUSE, TOJI_UNITS: "a;b.service" }, "a;b.service is no systemd unit"],
    ["pause", { ...PAUSE, TOJI_WAIT: "" }, "TOJI_WAIT is missing"],
    ["resume", { TOJI_KEY: "../x" }, "TOJI_KEY is missing or ill-formed"],
  ])("%s refuses what it cannot read", async (script, env, sentence) => {
    const outcome = await host.run(script, env);
    expect(outcome).toMatchObject({ exit: 2, stdout: "" });
    expect(outcome.stderr).toContain(sentence);
    expect(host.calls()).toEqual([]);
  });
});
