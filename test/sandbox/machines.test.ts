// Machines on virtual time: order, waits, repeats, limits, nested executions, as Step Functions does them.

import { describe, expect, it } from "vitest";
import { type StepFunction, StepFunctionsModel } from "../../sandbox/machines/index.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { openScript, START } from "../statemachines/scripted.ts";

function open(
  text: string,
  functions: Readonly<Record<string, StepFunction>> = {},
  others: Readonly<Record<string, string>> = {},
) {
  const clock = new VirtualClock(START);
  const machines = Object.fromEntries(
    Object.entries({ Main: text, ...others }).map(([key, each]) => [key, { name: key.toLowerCase(), text: each }]),
  );
  const model = new StepFunctionsModel({ clock, machines, functions });
  const start = (name: string, input: object = {}) =>
    model.call("StartExecution", { stateMachineArn: model.arnOf("main"), name, input: JSON.stringify(input) });
  return { clock, model, start };
}

const task = (rest: string) => `
StartAt: Work
States:
  Work:
    Type: Task
    Resource: \${Work}
    ${rest}
    End: true
`;

describe("a task", () => {
  it("gets its parameters, the execution's name and start on the clock, and leaves its result", async () => {
    const seen: unknown[] = [];
    const text = task(
      "Parameters: { name.$: $$.Execution.Name, startedAt.$: $$.Execution.StartTime, all.$: $ }\n    ResultPath: $.work",
    );
    const { clock, model, start } = open(text, { Work: async (event) => seen.push(event) });
    await start("one", { a: 1 });
    await clock.runUntil(START + 1);
    expect(seen).toEqual([{ name: "one", startedAt: "2026-11-18T12:53:20.000Z", all: { a: 1 } }]);
    expect(model.execution("one")).toMatchObject({ status: "SUCCEEDED", output: '{"a":1,"work":1}' });
  });

  it("is repeated by its own Retry after pauses of virtual time, and then fails as Lambda fails", async () => {
    const at: number[] = [];
    const { clock, model, start } = open(
      task("Retry: [{ ErrorEquals: [States.TaskFailed], IntervalSeconds: 3, MaxAttempts: 2, BackoffRate: 2 }]"),
      {
        Work: async () => {
          at.push(clock.now() - START);
          throw new RangeError("no room");
        },
      },
    );
    await start("one");
    await clock.runUntil(START + 60);
    expect(at).toEqual([0, 3, 9]);
    const { status, error, cause, log } = model.execution("one");
    expect({ status, error }).toEqual({ status: "FAILED", error: "RangeError" });
    expect(JSON.parse(cause ?? "")).toMatchObject({ errorType: "RangeError", errorMessage: "no room" });
    expect(log.map(({ kind }) => kind)).toEqual(["started", "entered", "repeated", "repeated", "failed", "ended"]);
  });

  it("counts its attempts anew each time it is entered", async () => {
    const text = `
StartAt: Look
States:
  Look:
    Type: Task
    Resource: \${Work}
    Retry: [{ ErrorEquals: [States.TaskFailed], IntervalSeconds: 1, MaxAttempts: 1, BackoffRate: 1 }]
    ResultPath: $.look
    Next: Enough
  Enough:
    Type: Choice
    Choices: [{ Variable: $.look, NumericLessThan: 6, Next: Pause }]
    Default: Done
  Pause: { Type: Wait, Seconds: 10, Next: Look }
  Done: { Type: Succeed }
`;
    let calls = 0;
    const { clock, model, start } = open(text, {
      Work: async () => {
        calls++;
        if (calls % 2 === 1) throw new Error("once");
        return calls;
      },
    });
    await start("one");
    await clock.runUntil(START + 600);
    expect({ calls, ...model.execution("one") }).toMatchObject({
      calls: 6,
      status: "SUCCEEDED",
      stoppedAt: START + 23,
    });
  });

  it("that takes too long fails with States.Timeout, which States.TaskFailed does not repeat", async () => {
    let calls = 0;
    const text = task(
      "TimeoutSeconds: 30\n    Retry: [{ ErrorEquals: [States.TaskFailed], IntervalSeconds: 3, MaxAttempts: 2, BackoffRate: 2 }]",
    );
    const { clock, model, start } = open(text, {
      Work: async () => {
        calls++;
        await clock.sleep(900);
      },
    });
    await start("one");
    await clock.runUntil(START + 1000);
    expect(model.execution("one")).toMatchObject({ status: "FAILED", error: "States.Timeout", stoppedAt: START + 30 });
    expect(calls).toBe(1);
  });

  it("cannot pass more than 256 KiB", async () => {
    const { clock, model, start } = open(task("ResultPath: $.work"), { Work: async () => "x".repeat(300_000) });
    await start("one");
    await clock.runUntil(START + 1);
    expect(model.execution("one").error).toBe("States.DataLimitExceeded");
  });
});

describe("a machine", () => {
  it("waits inside Map on virtual time, all items at once", async () => {
    const text = `
StartAt: Each
States:
  Each:
    Type: Map
    ItemsPath: $.items
    ItemSelector: { run.$: $$.Execution.Name, item.$: $$.Map.Item.Value }
    ItemProcessor:
      ProcessorConfig: { Mode: INLINE }
      StartAt: Pause
      States:
        Pause: { Type: Wait, Seconds: 300, Next: Work }
        Work: { Type: Task, Resource: "\${Work}", End: true }
    End: true
`;
    const at: number[] = [];
    const { clock, model, start } = open(text, {
      Work: async (event) => {
        at.push(clock.now() - START);
        return event;
      },
    });
    await start("one", { items: [1, 2, 3] });
    await clock.runUntil(START + 1000);
    expect(at).toEqual([300, 300, 300]);
    expect(JSON.parse(model.execution("one").output ?? "")).toEqual([1, 2, 3].map((item) => ({ run: "one", item })));
  });

  it("has a limit of its own, and can be stopped", async () => {
    const text = "TimeoutSeconds: 100\nStartAt: Pause\nStates:\n  Pause: { Type: Wait, Seconds: 500, End: true }\n";
    const { clock, model, start } = open(text);
    await start("slow");
    await start("stopped");
    await start("unborn");
    const stop = (name: string) =>
      model.call("StopExecution", { executionArn: model.execution(name).arn, cause: "enough" });
    await stop("unborn");
    await clock.runUntil(START + 50);
    await stop("stopped");
    await clock.runUntil(START + 600);
    const ends = model.executions().map(({ name, status, stoppedAt }) => [name, status, (stoppedAt ?? 0) - START]);
    expect(ends).toEqual([
      ["slow", "TIMED_OUT", 100],
      ["stopped", "ABORTED", 50],
      ["unborn", "ABORTED", 0],
    ]);
  });

  it.each([
    ["QueryLanguage: JSONata\n    End: true", /JSONata/],
    ["Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken\n    End: true", /nothing here answers|task tokens/],
  ])("that would run differently here is refused: %s", async (rest, sentence) => {
    const text = `StartAt: Work\nStates:\n  Work:\n    Type: Task\n    ${rest}`;
    const run = async () => {
      const { clock, start } = open(text.includes("Resource") ? text : `${text}\n    Resource: \${Work}`, {
        Work: async () => 1,
      });
      await start("one");
      await clock.runUntil(START + 1);
    };
    await expect(run()).rejects.toThrow(sentence);
  });

  it("that names a function nobody gave is refused when it is made", () => {
    expect(() => open(task("ResultPath: null"))).toThrow("nothing of that name was given");
  });
});

describe("starting", () => {
  it("is idempotent by name and input while it runs, and refused afterwards or with another input", async () => {
    const { clock, model, start } = open("StartAt: Pause\nStates:\n  Pause: { Type: Wait, Seconds: 5, End: true }\n");
    const first = await start("one", { a: 1 });
    expect(await start("one", { a: 1 })).toEqual(first);
    await expect(start("one", { a: 2 })).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
    await clock.runUntil(START + 10);
    await expect(start("one", { a: 1 })).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
    expect(model.executions()).toHaveLength(1);
  });

  it("goes on when the one that started it has ended", async () => {
    const { clock, model, start } = open("StartAt: Pause\nStates:\n  Pause: { Type: Wait, Seconds: 500, End: true }\n");
    clock.after(10, () => start("one"));
    await clock.runUntil(START + 600);
    expect(model.execution("one")).toMatchObject({ startedAt: START + 10, stoppedAt: START + 510 });
  });

  it.each(["a b", "a/b", "", "x".repeat(81)])("refuses the name %j", async (name) => {
    const { start } = open("StartAt: Done\nStates:\n  Done: { Type: Succeed }\n");
    await expect(start(name)).rejects.toMatchObject({ name: "InvalidName" });
  });
});

describe("the machines of backups", () => {
  it("run in the order of their files", async () => {
    const script = openScript();
    await script.start("backup", "nightly-1", { kind: "scheduled", by: "nightly", reason: "" });
    await script.run();
    expect(script.steps()).toEqual([
      "BackupBegin",
      "BackupHost survey",
      "BackupHost pause",
      "BackupHost snapshot",
      "BackupHost resume",
      "BackupLook",
      "BackupSeal",
      "BackupLock",
      "BackupEnd",
    ]);
    expect(script.calls[3]?.event).toMatchObject({
      execution: "nightly-1",
      startedAt: "2026-11-18T12:53:20.000Z",
      progress: { kind: "scheduled", run: { copies: [] }, pause: {} },
    });
    expect(script.model.execution("nightly-1").status).toBe("SUCCEEDED");
  });

  it("look again every minute until the snapshots are there, and copy to every target", async () => {
    let looks = 0;
    const script = openScript({
      BackupBegin: { setId: "bs-1", copies: [{ region: "eu-central-1" }, { region: "us-east-2" }] },
      BackupLook: () => ({ status: ++looks < 4 ? "pending" : "complete" }),
      BackupCopy: ({ target }: { target: { region: string } }) => {
        if (target.region === "us-east-2") throw new Error("no key");
        return { ...target, account: null, state: "complete", why: null, members: [] };
      },
    });
    await script.start("backup", "b");
    await script.run();
    expect(script.calls.filter(({ step }) => step === "BackupLook").map(({ at }) => at)).toEqual([0, 60, 120, 180]);
    expect(JSON.parse(script.model.execution("b").output ?? "").copies).toMatchObject([
      { region: "eu-central-1", state: "complete" },
      { region: "us-east-2", state: "failed", why: expect.stringContaining("no key") },
    ]);
  });

  it("a backup may start the drill of its set, once", async () => {
    const script = openScript({ BackupEnd: { outcome: "good", drill: true } });
    await script.start("backup", "b");
    await script.run();
    expect(script.model.execution("drill-bs-20261118T125320Z-00000000")).toMatchObject({
      status: "SUCCEEDED",
      input: '{"set":"bs-20261118T125320Z-00000000","by":"after-backup"}',
    });
  });

  it("a drill without a set has nothing to do", async () => {
    const script = openScript({ DrillBegin: { set: null } });
    await script.start("drill", "d", { set: null, by: "weekly" });
    await script.run();
    expect({ ...script.model.execution("d"), steps: script.steps() }).toMatchObject({
      status: "SUCCEEDED",
      steps: ["DrillBegin"],
    });
  });

  it("a drill polls the console, judges, and tears down until all is gone", async () => {
    let left = 3;
    const script = openScript({
      DrillTeardown: () => (--left > 0 ? { status: "pending" } : { status: "gone", outcome: "failed" }),
    });
    await script.start("drill", "d", { set: "bs-1", by: "ann" });
    await script.run();
    const round = ["TearDown", "IsGone", "WaitForTeardown"];
    expect(script.states("d").slice(-9)).toEqual([...round, ...round, "TearDown", "IsGone", "SetFailed"]);
    expect(script.model.execution("d")).toMatchObject({ status: "FAILED", error: "SetFailed" });
  });

  it("a restore in place takes a restore point first, and fails before it touches anything without one", async () => {
    const good = openScript();
    await good.start("restore", "r", { set: "bs-1", to: "replace", by: "ann", reason: "" });
    await good.run();
    expect(good.model.execution("before-r").input).toContain('"kind":"restore-point","by":"ann"');
    expect(good.model.execution("r").status).toBe("SUCCEEDED");
    expect(good.steps().slice(-5)).toEqual([
      "RestoreVolumes",
      "RestoreHost stop-hub",
      "RestoreSwap forward",
      "RestoreHost start-hub",
      "RestoreEnd",
    ]);
    const bad = openScript();
    bad.fail("BackupHost snapshot");
    await bad.start("restore", "r");
    await bad.run();
    expect(bad.model.execution("r").status).toBe("FAILED");
    expect(bad.steps().filter((step) => step.startsWith("Restore"))).toEqual(["RestoreBegin", "RestoreEnd"]);
  });
});
