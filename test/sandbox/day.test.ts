// The scripted day through the production handler: every invariant holds, and the judge notices when one does not.

import { describe, expect, it } from "vitest";
import { DAY_START, furnishHub, scheduleDay, submitPush } from "../../sandbox/day.ts";
import { runDay } from "../../sandbox/once.ts";
import { openSandbox } from "../../sandbox/sandbox.ts";
import { summarise } from "../../sandbox/summary.ts";
import { TASK_STATE } from "../../shared/hub/index.ts";

describe("a day in the sandbox", () => {
  // Seed 1 is the one of `npm start -- --once`, which .ci/run plays too.
  it("ends with all tasks done, nothing left and all invariants", async () => {
    const summary = await runDay(2);
    expect(summary.rules.flatMap((each) => each.violations)).toEqual([]);
    expect(summary.tasks.unfinished).toBe(0);
    expect(summary.launches).toBeGreaterThan(10);
    expect(summary.wait.p50Seconds).toBeGreaterThan(0);
  });

  it("is the same day again with the same seed", async () => {
    const morning = async () => {
      const sandbox = await openSandbox({ seed: 2, start: DAY_START });
      furnishHub(sandbox);
      scheduleDay(sandbox);
      const stop = sandbox.startSchedule();
      await sandbox.clock.runUntil(DAY_START + 4 * 3600);
      stop();
      const summary = summarise(sandbox, { ended: false });
      await sandbox.close();
      return summary;
    };
    const summary = await morning();
    expect(summary.launches).toBeGreaterThan(3);
    expect(await morning()).toEqual(summary);
  });
});

describe("the judge", () => {
  it("notices a builder that is terminated while it works, two instances in a slot, and a ghost host", async () => {
    const sandbox = await openSandbox({ seed: 5, start: DAY_START });
    furnishHub(sandbox);
    submitPush(sandbox, sandbox.random.fork("push"), 2);
    const stop = sandbox.startSchedule();
    await sandbox.clock.runUntil(DAY_START + 300);
    stop();
    const busy = sandbox.hub.state().tasks.find((task) => task.state === TASK_STATE.OPEN && task.host_id !== 1);
    const host = sandbox.hub.hosts().find((each) => each.id === busy?.host_id);
    expect(host).toBeDefined();
    const { invariants, clock } = sandbox;
    invariants.onTerminate(clock.now(), host?.name ?? "", clock.now() - 3600);
    const [first] = sandbox.live();
    if (first === undefined) throw new Error("the push launched nothing");
    invariants.check(clock.now(), [first, { ...first, instanceId: "i-0double" }]);
    invariants.check(clock.now() + 10_000, []);
    invariants.check(clock.now() + 20_000, [first]);
    const broken = new Set(invariants.violations.map((each) => each.rule));
    expect(broken).toContain("busy-kept");
    expect(broken).toContain("one-instance-a-slot");
    await sandbox.close();
  });
});
