// Pages of the hub's history: every task once, whatever the page size, the ties and the rows that vanish meanwhile.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHub, type Hub } from "../../sandbox/world/hub/index.ts";
import { ask } from "../../shared/hub/calls.ts";
import { HubAnswerUnreadable } from "../../shared/hub/faults.ts";
import { getBuildTargets, type HistoryTask, historyStart, readHistoryPage } from "../../shared/hub/history.ts";
import { requestedWork } from "../../shared/hub/requests.ts";
import type { HubCaller } from "../../shared/hub/session.ts";
import { decodeResponse } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import { isArray, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { transcriptOf } from "./transcripts.ts";

const START = 1_795_353_200;

/** The hub model as a caller, through its XML. */
function callerOf(hub: Hub): HubCaller & { calls: number } {
  const caller = {
    calls: 0,
    async call(method: string, params: readonly XmlRpcValue[] = []) {
      caller.calls += 1;
      const body = Buffer.from(encodeCall(method, params));
      const answer = hub.answer({ method: "POST", url: "/kojihub", headers: {}, body, ssl: null });
      return decodeResponse(Buffer.from(answer.body));
    },
    multiCall: () => Promise.reject(new Error("not asked")),
  };
  return caller;
}

/** A hub whose tasks were made at these seconds after START. */
function hubWith(times: readonly number[]): Hub {
  let now = START;
  const hub = createHub({ clock: { now: () => now } });
  for (const time of times.toSorted((a, b) => a - b)) {
    now = START + time;
    hub.as("kojiadmin").makeTask({ method: "sleep", args: [1], channel: "default" });
  }
  return hub;
}

async function readAll(hub: HubCaller, since: number, until: number, rows: number): Promise<HistoryTask[]> {
  const tasks: HistoryTask[] = [];
  for (let place: ReturnType<typeof historyStart> | null = historyStart(since); place !== null; ) {
    const page = await readHistoryPage(hub, place, { until, rows });
    tasks.push(...page.tasks);
    place = page.next;
  }
  return tasks;
}

describe("pages", () => {
  it("show every task of the span once, in order, for any page size and any ties", async () => {
    const times = fc.array(fc.constantFrom(0, 0.000001, 1, 1.5, 1.500001, 1.5009, 2, 7), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 9 }), async (made, rows) => {
        const sorted = made.toSorted((a, b) => a - b);
        const tasks = await readAll(callerOf(hubWith(made)), START + 0.000001, START + 7, rows);
        const wanted = sorted.flatMap((time, index) => (time > 0 && time < 7 ? [index + 1] : []));
        expect(tasks.map((task) => task.id)).toEqual(wanted);
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  it("cost one call each", async () => {
    const caller = callerOf(hubWith(Array.from({ length: 100 }, (_, index) => index)));
    expect(await readAll(caller, START, START + 1000, 10)).toHaveLength(100);
    expect(caller.calls).toBe(12);
  });

  it("lose nothing when the hub sweeps rows that were read", async () => {
    const hub = callerOf(hubWith([0, 1, 2, 3, 4, 5, 6, 7]));
    const swept = new Set<number>();
    const sweeping: HubCaller = {
      ...hub,
      async call(method, params) {
        const rows = await hub.call(method, params);
        if (!isArray(rows)) throw new Error("no rows");
        const left = rows.filter((row) => !swept.has(idOf(row)));
        swept.add(1).add(2);
        return left;
      },
    };
    expect((await readAll(sweeping, START, START + 100, 4)).map((task) => task.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("ask in universal time and with microseconds", async () => {
    const asked: unknown[] = [];
    const silent: HubCaller = {
      call: (...call) => Promise.resolve(asked.push(call)).then(() => []),
      multiCall: () => Promise.resolve([]),
    };
    const page = await readHistoryPage(
      silent,
      { at: 1795353219.643881, id: 3, skip: 2 },
      { until: START + 60, rows: 5 },
    );
    expect(page).toEqual({ tasks: [], next: null });
    const opts = {
      createdAfter: "2026-11-22T13:13:39.643880+00:00",
      createdBefore: "2026-11-22T13:14:20.000000+00:00",
      decode: true,
    };
    expect(asked).toEqual([["listTasks", [opts, { order: "create_time,id", limit: 5, offset: 2 }]]]);
  });

  it("of a hub that answers in another order are refused", async () => {
    const rows = await callerOf(hubWith([0, 1])).call("listTasks", [{ decode: true }, {}]);
    const reverse: HubCaller = {
      call: () => Promise.resolve(isArray(rows) ? rows.toReversed() : []),
      multiCall: () => Promise.resolve([]),
    };
    const read = readHistoryPage(reverse, historyStart(START), { until: START + 60, rows: 5 });
    await expect(read).rejects.toThrow(HubAnswerUnreadable);
  });

  it("understand what a live hub said of finished, failed and waiting tasks", async () => {
    for (const name of ["listTasks-finished-decoded", "listTasks-failed-decoded", "listTasks-active-decoded"]) {
      const rows = decodeResponse(transcriptOf(name).response);
      const replaying: HubCaller = {
        call: () => Promise.resolve(isArray(rows) ? rows.toSorted((a, b) => createdAt(a) - createdAt(b)) : []),
        multiCall: () => Promise.resolve([]),
      };
      const { tasks } = await readHistoryPage(replaying, historyStart(0), { until: 2e9, rows: 1000 });
      expect(tasks).toHaveLength(isArray(rows) ? rows.length : -1);
      expect(tasks.every((task) => !("owner" in task) && !("result" in task))).toBe(true);
    }
  });

  it("targets come with their build tags", async () => {
    const hub: HubCaller = {
      call: () => Promise.resolve(decodeResponse(transcriptOf("getBuildTargets").response)),
      multiCall: () => Promise.resolve([]),
    };
    expect(await ask(hub, getBuildTargets())).toContainEqual({ name: "meadow1", build_tag_name: "meadow1-build" });
  });
});

function memberOf(row: XmlRpcValue, name: string): number {
  const value = typeof row === "object" && row !== null ? Object.entries(row).find(([key]) => key === name)?.[1] : null;
  if (typeof value !== "number") throw new Error(`no ${name}`);
  return value;
}
const idOf = (row: XmlRpcValue) => memberOf(row, "id");
const createdAt = (row: XmlRpcValue) => memberOf(row, "create_ts");

describe("a request", () => {
  const nothing = { build_tag: null, package: null, target: null, scratch: false, arches: [] };
  it.each<[string, unknown, object]>([
    [
      "build",
      ["git+https://host/rpms/foo.git#1", "f42", { scratch: true, arch_override: "x86_64  aarch64" }],
      { package: "foo", target: "f42", scratch: true, arches: ["x86_64", "aarch64"] },
    ],
    ["build", ["foo-1-1.src.rpm", null, {}], { package: "foo" }],
    ["chainbuild", [[["git://host/foo#1"]], "f42", {}], { target: "f42" }],
    [
      "buildArch",
      ["foo-1-1.src.rpm", 7, "x86_64", true, { scratch: 1 }],
      { package: "foo", build_tag: 7, scratch: true },
    ],
    [
      "image",
      ["cloud", "1", ["x86_64", "aarch64"], "f42", "tree", { scratch: true }],
      { package: "cloud", target: "f42", scratch: true, arches: ["x86_64", "aarch64"] },
    ],
    ["livecd", ["live", "1", "x86_64", "f42", "ks", {}], { package: "live", target: "f42", arches: ["x86_64"] }],
    ["kiwiBuild", ["f42", ["x86_64"], "url", "path", {}], { target: "f42", arches: ["x86_64"] }],
    ["newRepo", ["f42-build", { __starstar: true }], { build_tag: "f42-build" }],
    ["build", "<?xml version='1.0'?>", {}],
    ["build", [], {}],
  ])("of %s %j tells of its work", (method, request, told) => {
    expect(requestedWork(method, request)).toEqual({ ...nothing, ...told });
  });
});
