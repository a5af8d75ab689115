// One request to the hub is one transaction: what a fault takes back, and that nothing of it stays in an index.

import { describe, expect, it } from "vitest";
import { named } from "../../shared/hub/xmlrpc/encode.ts";
import type { XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { asBuilder, builderTask } from "./hub-prepare.ts";
import { read } from "./hub-shapes.ts";
import { createMeadow, makeTask, resultOf } from "./hub-world.ts";

const host = "builder-x86-01.meadowlark.test";
const member = (methodName: string, params: readonly XmlRpcValue[]) => ({ methodName, params });
const ADMIN = 1;

describe("a multiCall", () => {
  it("undoes a failing member alone, with all it had written by then", () => {
    const meadow = createMeadow();
    asBuilder(builderTask("OPEN"))(meadow);
    const before = meadow.hub.events().length;
    const calls = [
      member("host.setTaskWeight", [10, 1.75]),
      // Task 10 is freed before 999 turns out to be none.
      member("host.freeTasks", [[10, 999]]),
      member("host.getID", []),
    ];
    const outcomes = resultOf(meadow.call(12, "multiCall", [calls]));
    expect(outcomes).toMatchObject([[null], { faultCode: 1000, faultString: "No such task: 999" }, [7]]);
    expect(meadow.hub.task(10)).toMatchObject({ state: 1, host_id: 7, weight: 1.75 });
    expect(meadow.hub.events()).toHaveLength(before);
    expect(resultOf(meadow.call(12, "host.getHostTasks"))).toMatchObject([{ id: 10 }]);
  });

  it("is taken back whole when a query fails while the reply is written", () => {
    const meadow = createMeadow();
    const kept = meadow.hub.state();
    const calls = [
      member("makeTask", ["sleep", [1], { arch: "x86_64", __starstar: true }]),
      member("addHost", ["new.test", ["x86_64"]]),
      member("editHost", named([host], { comment: "gone" })),
      member("scheduler.doRun", [true]),
      member("listTasks", [{ state: 0 }]),
    ];
    expect(read(meadow.call(ADMIN, "multiCall", [calls]).body)).toMatchObject({ code: 1 });
    expect(meadow.hub.state()).toEqual(kept);
    expect(meadow.hub.events()).toEqual([]);
    expect(resultOf(meadow.call(ADMIN, "getHost", ["new.test"]))).toBeNull();
    expect(resultOf(meadow.call(ADMIN, "listTasks", [{ state: [0, 4] }, { countOnly: true }]))).toBe(0);
  });
});

describe("a call that fails", () => {
  it("takes back what the scheduler did in the same request", () => {
    const meadow = createMeadow();
    makeTask(meadow, 1, "FREE");
    const builder = meadow.builder("builder-x86-02.meadowlark.test");
    builder.updateHost(0, true);
    const calls = [member("scheduler.doRun", [true]), member("listTasks", [{ state: [] }])];
    meadow.call(ADMIN, "multiCall", [calls]);
    expect(meadow.hub.task(1)).toMatchObject({ state: 0, host_id: null });
    expect(meadow.hub.state().runs).toEqual([]);
    // The run itself is taken back as well, so the next poll runs the scheduler again.
    expect(builder.getTasks()).toHaveLength(1);
  });

  it("makes no task of a build tag that is not there", () => {
    const { hub } = createMeadow();
    const wanted = { method: "rebuildSRPM", args: ["a.src.rpm", 99, {}] };
    expect(() => hub.as("kojiadmin").makeTask(wanted)).toThrow("No such tagInfo: 99");
    expect([...hub.tasks()]).toEqual([]);
  });
});
