// The typed calls: they ask what the hub accepted in the recordings, and understand what it said.

import { describe, expect, it } from "vitest";
import {
  ask,
  askAll,
  getActiveRefusals,
  getActiveRuns,
  getAverageBuildDuration,
  getBuildConfig,
  getHost,
  getHostData,
  getKojiVersion,
  getLoggedInUser,
  getRepoRequests,
  type HubQuery,
  listActiveTasks,
  listChannels,
  listChannelsOf,
  listHosts,
  listHostsOf,
  listTasksOf,
} from "../../shared/hub/calls.ts";
import { HubAnswerUnreadable, HubFault } from "../../shared/hub/faults.ts";
import type { HubCaller, HubOutcome } from "../../shared/hub/session.ts";
import { decodeCall, decodeResponse } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import { isArray, isStruct, type XmlRpcStruct, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { transcriptOf } from "./transcripts.ts";

const recorded = (name: string): XmlRpcValue => decodeResponse(transcriptOf(name).response);
const rowsOf = (name: string): readonly XmlRpcStruct[] => {
  const rows = recorded(name);
  return isArray(rows) ? rows.filter(isStruct) : [];
};
const asked = <T>({ call }: HubQuery<T>): string => encodeCall(call.method, call.params);

describe("a question asks as the recording did", () => {
  it.each<[string, HubQuery<unknown>]>([
    ["listTasks-active-decoded", listActiveTasks()],
    ["listHosts", listHosts()],
    ["listChannels", listChannels()],
    ["getHost", getHost("builder-arm-01.meadowlark.test")],
    ["getHost-missing", getHost("no-such-host.meadowlark.test")],
    ["scheduler.getHostData", getHostData()],
    ["getLoggedInUser", getLoggedInUser()],
    ["getLoggedInUser-anonymous", getLoggedInUser()],
    ["getKojiVersion", getKojiVersion()],
    ["getBuildConfig", getBuildConfig("meadow1-heavy-build")],
  ])("%s, byte for byte, and understands the answer", (name, query) => {
    expect(asked(query)).toBe(transcriptOf(name).request);
    expect(() => query.decode(recorded(name))).not.toThrow();
  });

  it("in clauses and named arguments of the recorded forms where no recording is the same", () => {
    const { params: runs } = decodeCall(transcriptOf("scheduler.getTaskRuns").request);
    expect(getActiveRuns().call.params).toEqual(runs.slice(0, 1));
    expect(getActiveRefusals().call.params).toEqual([[["state", "IN", [0, 1, 4]]]]);
    expect(listHostsOf(3).call.params).toEqual([{ channelID: 3, __starstar: true }]);
    expect(listTasksOf([7, 8]).call.params).toEqual([{ state: [1, 4], host_id: [7, 8] }]);
    expect(getAverageBuildDuration("kettle").call.params).toEqual(["kettle", 6]);
    expect(() => listTasksOf([])).toThrow("listTasksOf needs at least one host.");
  });
});

describe("the answer to", () => {
  it("listActiveTasks has the tasks with what their requests tell", () => {
    const tasks = listActiveTasks().decode(recorded("listTasks-active-decoded"));
    expect(tasks).toHaveLength(rowsOf("listTasks-active-decoded").length);
    expect(tasks[1]).toEqual({
      id: 27,
      state: 0,
      waiting: null,
      weight: 1,
      channel_id: 1,
      host_id: null,
      arch: "i386",
      method: "buildArch",
      priority: 19,
      create_ts: 1795353275.884242,
      parent: 2,
      label: "i686",
      start_ts: null,
      build_tag: 2,
      package: "pretend",
    });
    expect(tasks[0]).toMatchObject({ method: "sleep", build_tag: null, package: null });
  });

  it("listTasksOf is read without decoded requests too", () => {
    expect(listTasksOf([7]).decode(recorded("listTasks-open-on-host"))).toMatchObject([
      { id: 10, state: 1, host_id: 7, waiting: true, weight: 1.75, start_ts: 1795353671.604876, package: null },
    ]);
  });

  it.each([
    "listTasks-active",
    "listTasks-assigned",
    "listTasks-free-limit",
    "listTasks-failed-raw",
    "listTasks-failed-decoded",
    "listTasks-finished-decoded",
    "listTasks-empty",
  ])("listTasks, as in %s, is read whatever the tasks are", (name) => {
    expect(
      listActiveTasks()
        .decode(recorded(name))
        .map(({ id }) => id),
    ).toEqual(rowsOf(name).map(({ id }) => id));
  });

  it("listHosts and getHost has hosts, and no members that are not asked for", () => {
    const hosts = listHosts().decode(recorded("listHosts"));
    expect(hosts).toContainEqual({
      id: 1,
      name: "builder-x86-01.meadowlark.test",
      arches: expect.stringContaining("x86_64"),
      capacity: 4,
      description: "first x86 box",
      comment: null,
      enabled: true,
      ready: true,
      task_load: expect.any(Number),
      update_ts: expect.any(Number),
    });
    expect(hosts.some(({ update_ts }) => update_ts === null)).toBe(true);
    expect(getHost("x").decode(recorded("getHost"))).toMatchObject({ name: "builder-arm-01.meadowlark.test" });
    expect(getHost("x").decode(recorded("getHost-missing"))).toBeNull();
    expect(listHostsOf(7).decode(recorded("listHosts-channel-arch"))).toEqual([5]);
  });

  it("listChannels, getHostData, getActiveRuns and getActiveRefusals has their rows", () => {
    expect(listChannels().decode(recorded("listChannels"))).toContainEqual({ id: 1, name: "default", enabled: true });
    // Recorded with hostID as a named argument; it is the first one.
    expect(listChannelsOf("x").call.params).toEqual(["x"]);
    expect(listChannelsOf("x").decode(recorded("listChannels-of-host"))).toContainEqual(
      expect.objectContaining({ name: "image" }),
    );
    const reports = getHostData().decode(recorded("scheduler.getHostData"));
    expect(reports[0]).toMatchObject({
      host_id: 1,
      data: { maxjobs: 10, methods: expect.arrayContaining(["buildArch", "createrepo"]) },
    });
    expect(getActiveRuns().decode(recorded("scheduler.getTaskRuns-by-task"))).toContainEqual({
      id: 29,
      task_id: 33,
      host_id: 2,
      active: false,
      create_ts: 1795353449.290626,
    });
    expect(getActiveRefusals().decode(recorded("scheduler.getTaskRefusals"))).toEqual([]);
    const refusal = { id: 1, task_id: 2, host_id: 3, by_host: true, soft: false, msg: "no", ts: 1.5 };
    expect(getActiveRefusals().decode([refusal])).toEqual([
      { task_id: 2, host_id: 3, by_host: true, soft: false, ts: 1.5 },
    ]);
  });

  it("getRepoRequests has the repos that are asked for, made already or not", () => {
    // Recorded without arguments: with finished ones, and with more fields.
    expect(getRepoRequests().decode(recorded("repo.queryQueue"))).toEqual([
      { id: 1, tag: 2, create_ts: 1795353219.568081, task_id: null },
      { id: 2, tag: 3, create_ts: 1795353458.726567, task_id: 37 },
    ]);
    const { params } = getRepoRequests().call;
    expect(params).toEqual([[["active", "IS", true]], ["id", "tag_id", "create_ts", "task_id"]]);
  });

  it("the small questions is small", () => {
    expect(getLoggedInUser().decode(recorded("getLoggedInUser"))).toEqual({ id: 2, name: "toji-scaler" });
    expect(getLoggedInUser().decode(recorded("getLoggedInUser-anonymous"))).toBeNull();
    expect(getKojiVersion().decode(recorded("getKojiVersion"))).toBe("1.35.3");
    expect(getBuildConfig("x").decode(recorded("getBuildConfig"))).toEqual({
      name: "meadow1-heavy-build",
      arches: ["x86_64"],
    });
    expect(getBuildConfig("x").decode({ name: "x", arches: null })).toEqual({ name: "x", arches: [] });
    expect(getBuildConfig("x").decode({ name: "x", arches: " x86_64  aarch64 " })).toEqual({
      name: "x",
      arches: ["x86_64", "aarch64"],
    });
    expect(getAverageBuildDuration("adder").decode(recorded("getAverageBuildDuration-none"))).toBeNull();
    expect(getAverageBuildDuration("adder").decode(312.5)).toBe(312.5);
  });

  it("getHostData may lack what a builder never reported", () => {
    const rows = [
      { host_id: 1, data: null },
      { host_id: 2, data: {} },
      { host_id: 3, data: { methods: null, maxjobs: null, kernel: "6.1" } },
    ];
    expect(getHostData().decode(rows)).toEqual([
      { host_id: 1, data: null },
      { host_id: 2, data: {} },
      { host_id: 3, data: {} },
    ]);
  });
});

describe("rows of a hub that is newer or stranger", () => {
  const [task = {}] = rowsOf("listTasks-active-decoded");

  it("are read past members, methods, arches and channels that nobody knows", () => {
    const strange = {
      ...task,
      method: "toString",
      arch: "riscv64",
      channel_id: 4242,
      request: { odd: true },
      colour: "green",
      state: 4,
    };
    expect(listActiveTasks().decode([strange])).toMatchObject([
      { method: "toString", arch: "riscv64", channel_id: 4242, package: null },
    ]);
    expect(listActiveTasks().decode([{ ...strange, colour: "green" }])[0]).not.toHaveProperty("colour");
  });

  it.each<[string, XmlRpcValue, string]>([
    ["nil for a number", { ...task, weight: null }, "[1].weight: Invalid input: expected number, received null"],
    ["a missing member", omit(task, "create_ts"), "[1].create_ts: Invalid input: expected number, received undefined"],
    ["text for a number", { ...task, id: "9" }, "[1].id: "],
    ["an unknown state", { ...task, state: 6 }, "[1].state: "],
    ["no struct", null, "[1]: "],
  ])("with %s are refused with the method and the field", (_what, row, problem) => {
    const attempt = () => listActiveTasks().decode([task, row]);
    expect(attempt).toThrow(HubAnswerUnreadable);
    expect(attempt).toThrow(`The hub's answer to listTasks is not of the shape that Koji has: ${problem}`);
  });

  it("that are no rows are refused too", () => {
    expect(() => listActiveTasks().decode(42)).toThrow(
      "it: Invalid input: expected array, received number; check the hub's version.",
    );
  });
});

function omit(struct: XmlRpcStruct, name: string): XmlRpcStruct {
  return Object.fromEntries(Object.entries(struct).filter(([key]) => key !== name));
}

describe("asking", () => {
  function callerWith(outcomes: readonly HubOutcome[]): HubCaller & { readonly multiCalls: unknown[] } {
    const multiCalls: unknown[] = [];
    return {
      multiCalls,
      call: async (method) => (method === "getKojiVersion" ? "1.35.3" : null),
      async multiCall(calls) {
        multiCalls.push(calls);
        return outcomes;
      },
    };
  }

  it("one question is one call", async () => {
    expect(await ask(callerWith([]), getKojiVersion())).toBe("1.35.3");
  });

  it("many is one multiCall, where a refused one has its fault for an answer", async () => {
    const fault = new HubFault(1000, "No such tag: x");
    const caller = callerWith([
      { ok: true, value: recorded("listHosts") },
      { ok: false, fault },
      { ok: true, value: "1.35.3" },
    ]);
    const answers = await askAll(caller, {
      hosts: listHosts(),
      config: getBuildConfig("x"),
      version: getKojiVersion(),
    });
    const { hosts } = answers;
    expect(hosts instanceof HubFault ? [] : hosts.map(({ capacity }) => capacity)).toContain(4);
    expect(answers.config).toBe(fault);
    expect(answers.version).toBe("1.35.3");
    expect(caller.multiCalls).toEqual([
      [
        { method: "listHosts", params: [] },
        { method: "getBuildConfig", params: ["x"] },
        { method: "getKojiVersion", params: [] },
      ],
    ]);
  });
});
