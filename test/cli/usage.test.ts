// Wrong usage, unreadable input, and the commands that need no hub: one sentence and the right exit code.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runToji } from "./run-toji.ts";

const vectors = new URL("../fixtures/scheduler-vectors.jsonl.gz", import.meta.url).pathname;
const example = new URL("../../toji.example.yml", import.meta.url).pathname;
let folder: string;
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toji-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("exit 2 and one sentence on stderr, nothing on stdout", () => {
  it.each([
    [["plna"], /did you mean "plan"/],
    [["plan"], /--hub/],
    [["plan", "--hub", "koji.example.org"], /https:\/\/koji.example.org\/kojihub/],
    [["plan", "--hub", "http://127.0.0.1:1/kojihub", "--timeout", "soon"], /--timeout/],
    [["plan", "--hbu", "x"], /--hbu/],
    [["plan", "--hub", "http://127.0.0.1:1/kojihub", "--config", "/nowhere/toji.yml"], /no such file/],
    [["schedule"], /--state FILE/],
    [["schedule", "--state", "/nowhere"], /no such file/],
    [["config"], /config check FILE/],
    [["config", "check"], /name the file/],
    [["config", "check", "/nowhere"], /no such file/],
  ])("toji %j", async (args, sentence) => {
    const { code, stdout, stderr } = await runToji(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it.each([
    ["", /is empty/],
    ["not json\n", /line 1: this is not JSON/],
    ['{"now": 1}\n', /line 1: not a hub state, channels/],
  ])("schedule with a file of %j", async (text, sentence) => {
    const { code, stderr } = await runToji(["schedule", "--state", file("state.jsonl", text), "--json"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(sentence);
  });
});

describe("toji schedule", () => {
  it("prints one result a line for all vectors, as the real scheduler decided", async () => {
    const { code, stdout } = await runToji(["schedule", "--state", vectors, "--json"]);
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(300);
    expect(JSON.parse(lines[1] ?? "").assigned).toEqual([{ task_id: 101, host_id: 1 }]);
  });
  it("reads a state that is spread over many lines", async () => {
    const state = { now: 10, channels: [], hosts: [], tasks: [] };
    const { stdout } = await runToji(["schedule", "--state", file("pretty.json", JSON.stringify(state, null, 2))]);
    expect(stdout).toContain("nothing to do");
  });
});

describe("toji config", () => {
  it("accepts the example", async () => {
    const { code, stdout } = await runToji(["config", "check", example]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/fine, 3 profile\(s\)/);
  });
  it("names each problem and exits 1, as JSON if asked", async () => {
    const bad = file("bad.yml", readFileSync(example, "utf8").replace("capacity: 6", "capactiy: 1"));
    const { code, stdout } = await runToji(["config", "check", bad, "--json"]);
    expect(code).toBe(1);
    const { ok, problems } = JSON.parse(stdout);
    expect(ok).toBe(false);
    expect(problems.join("\n")).toMatch(/capactiy: unknown option, did you mean "capacity"/);
  });
  it("prints a JSON Schema", async () => {
    const { stdout } = await runToji(["config", "schema"]);
    expect(JSON.parse(stdout)).toMatchObject({ type: "object", additionalProperties: false });
  });
  it("explains how the secrets are made, and shows every parameter that the example names", async () => {
    const { code, stdout } = await runToji(["config", "init"]);
    expect(code).toBe(0);
    for (const name of ["/toji/hub/client", "/toji/builders/ca", "/toji/hub/server-ca"]) expect(stdout).toContain(name);
  });
});
