// The metrics of a pass, where an alarm hangs on what they count.

import { describe, expect, it } from "vitest";
import { decide } from "../../shared/fleet/decide.ts";
import { emitMetrics } from "../../shared/fleet/record.ts";
import { EMPTY_MEMORY } from "../../shared/fleet/types.ts";
import { assigned, builder, free, makeSite, makeSnapshot, NOW, open, type Scene } from "./world.ts";

function metricsOf(scene: Scene): ReadonlyMap<string, number> {
  const snapshot = makeSnapshot(scene);
  const found = new Map<string, number>();
  const telemetry = {
    info: () => {},
    warn: () => {},
    metric: (name: string, _unit: string, value: number, dimensions?: object) => {
      if (dimensions === undefined) found.set(name, value);
    },
  };
  emitMetrics(telemetry, snapshot, decide(snapshot, scene.site ?? makeSite(), EMPTY_MEMORY, NOW), []);
  return found;
}

describe("stuck tasks", () => {
  const tasks = [open("b-01"), assigned("b-01"), open("b-02"), free(), open("elsewhere")];
  const hosts = [{ name: "elsewhere", update_ts: NOW - 5000 }];

  it("are those of our builders that are silent for longer than the hub's HostTimeout, whatever else is silent", () => {
    const builders = { "b-01": builder.silent(901), "b-02": builder.serving() };
    expect(metricsOf({ builders, tasks, hosts }).get("StuckTasks")).toBe(2);
  });

  it("are none while the hub itself may still free them, nor of a builder that never called", () => {
    const neverCalled = builder.serving({}, { update_ts: null });
    const builders = { "b-01": builder.silent(899), "b-02": neverCalled };
    expect(metricsOf({ builders, tasks, hosts }).get("StuckTasks")).toBe(0);
  });
});
