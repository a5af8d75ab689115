// The machines of backups, run with every one of their steps failing in turn.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openScript } from "./scripted.ts";

const RESCUE = ["Thaw", "ResumeAfterFailure", "Alarm", "Failed"];

const PUT_BACK = ["StopHubAgain", "SwapBack", "IsSwappedBack", "StartHubAgain", "EndAfterFailure", "Failed"];

const BACKUP_STEPS = [
  "BackupBegin",
  "BackupHost survey",
  "BackupHost pause",
  "BackupHost snapshot",
  "BackupLook",
  "BackupSeal",
  "BackupLock",
];

describe("a backup", () => {
  it.each(BACKUP_STEPS)("thaws, resumes and raises the alarm when %s fails for good", async (step) => {
    const script = openScript();
    script.fail(step);
    await script.start("backup", "b");
    await script.run();
    expect(script.states("b").slice(-4)).toEqual(RESCUE);
    expect(script.steps().slice(-3)).toEqual(["BackupHost thaw", "BackupHost resume", "BackupEnd"]);
    expect(script.model.execution("b")).toMatchObject({ status: "FAILED", error: "BackupFailed" });
    // The end is told what went wrong.
    const cause = script.calls.at(-1)?.event.progress;
    expect(cause).toMatchObject({
      error: { Error: "Planted", Cause: expect.stringContaining(`${step} does not work`) },
    });
  });

  it.each(BACKUP_STEPS)("is as good as any when %s fails twice", async (step) => {
    const script = openScript();
    script.fail(step, 2);
    await script.start("backup", "b");
    await script.run();
    expect(script.model.execution("b").status).toBe("SUCCEEDED");
    expect(script.steps().filter((each) => each === step)).toHaveLength(3);
  });

  it.each(BACKUP_STEPS)("is rescued when %s hangs", async (step) => {
    const [name = "", action] = step.split(" ");
    const script = openScript({
      [name]: async (event: { action?: string }, clock: { sleep(seconds: number): Promise<void> }) => {
        if (event.action === action) await clock.sleep(40 * 3600);
        return name === "BackupBegin" ? { setId: "bs-1", copies: [] } : { status: "complete", state: "unverified" };
      },
    });
    await script.start("backup", "b");
    await script.run();
    expect(script.states("b").slice(-4)).toEqual(RESCUE);
    expect(script.calls.at(-1)?.event.progress).toMatchObject({ error: { Error: "States.Timeout" } });
  });

  it("is rescued when resuming or ending fails, as far as that can be", async () => {
    for (const step of ["BackupHost resume", "BackupHost thaw", "BackupEnd"]) {
      const script = openScript();
      script.fail(step);
      if (step === "BackupHost thaw") script.fail("BackupHost snapshot");
      await script.start("backup", "b");
      await script.run();
      expect(script.states("b").slice(-4)).toEqual(RESCUE);
      expect(script.model.execution("b").status).toBe("FAILED");
    }
  });

  it("whatever fails how often: what was paused is resumed after it, and the end is told last", async () => {
    const steps = [...BACKUP_STEPS, "BackupHost resume", "BackupHost thaw", "BackupEnd"];
    const failures = fc.array(fc.record({ step: fc.constantFrom(...steps), times: fc.integer({ min: 1, max: 8 }) }));
    await fc.assert(
      fc.asyncProperty(failures, async (planted) => {
        const script = openScript();
        for (const { step, times } of planted) script.fail(step, times);
        await script.start("backup", "b");
        await script.run();
        const called = script.steps();
        expect(called.at(-1)).toBe("BackupEnd");
        expect(called.lastIndexOf("BackupHost resume")).toBeGreaterThanOrEqual(called.lastIndexOf("BackupHost pause"));
        const { status } = script.model.execution("b");
        if (status === "SUCCEEDED") expect(called).not.toContain("BackupHost thaw");
        else expect(script.states("b").slice(-4)).toEqual(RESCUE);
        if (planted.length === 0) expect(status).toBe("SUCCEEDED");
      }),
      { numRuns: 40 },
    );
  });

  it("copies nothing of a set that is not sound, and ends as failed for whoever watches", async () => {
    const script = openScript({
      BackupBegin: { setId: "bs-1", copies: [{ region: "eu-central-1" }] },
      BackupSeal: { state: "degraded", grade: "torn" },
      BackupEnd: { outcome: "degraded", drill: false },
    });
    await script.start("backup", "b");
    await script.run();
    expect(script.steps()).not.toContain("BackupCopy");
    expect(script.model.execution("b")).toMatchObject({ status: "FAILED", error: "BackupDegraded" });
  });

  it("that waits for snapshots for ever is ended by its own limit", async () => {
    const script = openScript({ BackupLook: { status: "pending" } });
    await script.start("backup", "b");
    await script.run(400_000);
    expect(script.model.execution("b")).toMatchObject({ status: "TIMED_OUT", error: "States.Timeout" });
  }, 120_000);
});

describe("a drill", () => {
  it.each(["DrillBegin", "DrillLaunch", "DrillLook", "DrillJudge"])("is torn down when %s fails", async (step) => {
    const script = openScript({ DrillTeardown: { status: "gone", outcome: "none" } });
    script.fail(step);
    await script.start("drill", "d", { set: null, by: "weekly" });
    await script.run();
    expect(script.steps().at(-1)).toBe("DrillTeardown");
    expect(script.model.execution("d")).toMatchObject({ status: "FAILED", error: "DrillFailed" });
  });

  it("says so when something of it may be left", async () => {
    const script = openScript();
    script.fail("DrillTeardown");
    await script.start("drill", "d");
    await script.run();
    expect(script.model.execution("d").error).toBe("TeardownFailed");
  });
});

describe("a restore", () => {
  it.each(["RestoreHost stop-hub", "RestoreSwap forward"])("puts everything back when %s fails", async (step) => {
    const script = openScript();
    script.fail(step);
    await script.start("restore", "r");
    await script.run();
    expect(script.states("r").slice(-6)).toEqual(PUT_BACK);
    expect(script.steps().slice(-3)).toEqual(["RestoreSwap back", "RestoreHost start-hub", "RestoreEnd"]);
    expect(script.model.execution("r").error).toBe("RestoreFailed");
  });

  it("puts the old volumes back when the hub does not start from the new ones", async () => {
    const script = openScript();
    script.fail("RestoreHost start-hub", 3);
    await script.start("restore", "r");
    await script.run();
    expect(script.states("r").slice(-6)).toEqual(PUT_BACK);
    expect(script.steps().slice(-4)).toEqual([
      "RestoreHost stop-hub",
      "RestoreSwap back",
      "RestoreHost start-hub",
      "RestoreEnd",
    ]);
    expect(script.model.execution("r").error).toBe("RestoreFailed");
  });

  it.each(["RestoreBegin", "RestoreVolumes"])("touches nothing of the hub when %s fails", async (step) => {
    const script = openScript();
    script.fail(step);
    await script.start("restore", "r");
    await script.run();
    expect(script.steps().filter((each) => /Host|Swap/.test(each) && each.startsWith("Restore"))).toEqual([]);
    expect(script.steps().at(-1)).toBe("RestoreEnd");
  });
});
