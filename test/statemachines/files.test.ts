// The files of the state machines: valid, and every task with a limit, repeats and a way out.

import { readdirSync, readFileSync } from "node:fs";
import aslValidator from "asl-validator";
import { describe, expect, it } from "vitest";
import { allStates, type Definition, nextStates, readDefinition } from "../../sandbox/machines/index.ts";

const FOLDER = new URL("../../statemachines/", import.meta.url);
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".asl.yaml"));

function read(file: string): Definition {
  const text = readFileSync(new URL(file, FOLDER), "utf8");
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => name);
  const arnOf = (name: string) =>
    name.endsWith("Machine")
      ? `arn:aws:states:eu-west-1:000000000000:stateMachine:${name}`
      : `arn:aws:lambda:eu-west-1:000000000000:function:${name}`;
  return readDefinition(text, Object.fromEntries(names.map((name) => [name, arnOf(name)])));
}

const tasksOf = (definition: Definition) => [...allStates(definition)].filter(([, { Type }]) => Type === "Task");

it("there are the three of backups", () => {
  expect(files).toEqual(expect.arrayContaining(["backup.asl.yaml", "drill.asl.yaml", "restore.asl.yaml"]));
});

describe.each(files)("%s", (file) => {
  const definition = read(file);

  it("is valid Amazon States Language", () => {
    const { isValid, errorsText } = aslValidator(structuredClone(definition), { checkPaths: true, checkArn: true });
    expect(isValid ? "" : errorsText("\n")).toBe("");
  });

  it("ends at last, whatever hangs", () => {
    expect(definition.TimeoutSeconds).toBeGreaterThan(0);
  });

  it.each(tasksOf(definition))("%s has repeats, a limit, and somewhere to go when it fails", (_, task) => {
    const isNested = task.Resource?.startsWith("arn:aws:states:::states:startExecution") === true;
    // An execution's name is good for one run: waiting for the same one again cannot help.
    if (task.Resource?.endsWith(".sync:2") !== true) expect(task.Retry?.length).toBeGreaterThan(0);
    if (!isNested) expect(task.TimeoutSeconds).toBeGreaterThan(0);
    expect(task.Catch?.map(({ ErrorEquals }) => ErrorEquals)).toEqual([["States.ALL"]]);
  });

  it.each(tasksOf(definition))("%s keeps what went before when it fails", (_, task) => {
    expect(task.Catch?.every(({ ResultPath }) => typeof ResultPath === "string" && ResultPath !== "$")).toBe(true);
  });

  it("uses nothing of JSONata or variables", () => {
    for (const state of allStates(definition).values()) {
      for (const key of ["QueryLanguage", "Assign", "Arguments", "Output"]) expect(state).not.toHaveProperty(key);
    }
  });
});

/** Every way from a state to an end, loops walked once. */
function ways(definition: Definition, from: string, walked: readonly string[] = []): string[][] {
  const state = definition.States[from];
  if (state === undefined) throw new Error(`there is no state ${from}`);
  if (walked.includes(from)) return [];
  const way = [...walked, from];
  const next = nextStates(state);
  return next.length === 0 ? [way] : next.flatMap((name) => ways(definition, name, way));
}

describe("when a task of a backup fails", () => {
  const definition = read("backup.asl.yaml");
  const rescue = ["Thaw", "ResumeAfterFailure", "Alarm", "Failed"];
  const tasks = Object.entries(definition.States).filter(
    ([name, { Type }]) => Type === "Task" && !rescue.includes(name),
  );

  it.each(tasks)("%s: every way on leads through thaw, resume and alarm to a failure", (_, task) => {
    const caught = (task.Catch ?? []).flatMap(({ Next }) => ways(definition, Next));
    expect(caught.length).toBeGreaterThan(0);
    for (const way of caught) expect(way).toEqual(rescue);
  });

  it("the rescue itself goes on when one of its own steps fails", () => {
    const next = (name: string) => [...new Set(nextStates(definition.States[name] ?? { Type: "Fail" }))];
    expect(rescue.slice(0, 3).map(next)).toEqual([["ResumeAfterFailure"], ["Alarm"], ["Failed"]]);
  });

  it("what fails inside the copies is a copy that failed, not a backup", () => {
    const inside = definition.States.Copies?.ItemProcessor;
    expect(inside?.States.Copy?.Catch?.map(({ Next }) => Next)).toEqual(["CopyFailed"]);
  });
});

describe("when a task fails", () => {
  it("a drill is torn down in any case", () => {
    const definition = read("drill.asl.yaml");
    for (const [name, task] of tasksOf(definition)) {
      const caught = (task.Catch ?? []).flatMap(({ Next }) => ways(definition, Next));
      if (name !== "TearDown") for (const way of caught) expect(way[0]).toBe("TearDown");
      else for (const way of caught) expect(way).toEqual(["TeardownFailed"]);
    }
  });

  it("a restore that has stopped the hub puts the old volumes back and starts it", () => {
    const definition = read("restore.asl.yaml");
    for (const name of ["StopHub", "Swap", "StartHub"]) {
      const caught = (definition.States[name]?.Catch ?? []).flatMap(({ Next }) => ways(definition, Next));
      expect(caught.length).toBeGreaterThan(0);
      // Nothing is swapped under a hub that may run again by now.
      for (const way of caught) expect(way.slice(0, 2)).toEqual(["StopHubAgain", "SwapBack"]);
      expect(caught.map((way) => way.slice(2))).toContainEqual([
        "IsSwappedBack",
        "StartHubAgain",
        "EndAfterFailure",
        "Failed",
      ]);
    }
  });
});
