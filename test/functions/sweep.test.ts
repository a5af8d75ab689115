// The sweep's Lambda handler as the schedule calls it.

import type { Context } from "aws-lambda";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sweepHandler } from "../../functions/fleet/sweep.ts";
import { LATEST_SWEEP, type SweepPorts } from "../../shared/fleet/index.ts";
import { openSweepWorld } from "../fleet/sweep-world.ts";

const CONTEXT = { awsRequestId: "request-1", functionName: "toji-test-fleet-sweep" } as Context;

function handlerOf(open: () => SweepPorts) {
  const handler = sweepHandler(open);
  return (event: unknown = { source: "toji.tick" }) =>
    handler(event, CONTEXT, { signal: new AbortController().signal });
}

afterEach(() => void vi.unstubAllEnvs());

describe("an invocation", () => {
  it("is one sweep, whatever its event says, and answers what it did", async () => {
    const world = openSweepWorld();
    const invoke = handlerOf(() => world.ports);
    await world.prepare("b-01", "t1");
    expect(await invoke()).toEqual({ removed: 0, failed: 0, skipped: null });
    await world.wait(1800);
    expect(await invoke({ "detail-type": "anything" })).toEqual({ removed: 2, failed: 0, skipped: null });
    expect(world.stored(LATEST_SWEEP)).toMatchObject({
      at: world.clock.now(),
      outcomes: [
        { kind: "template version", id: "2", outcome: "removed" },
        { kind: "identity", id: "identities/b-01/t1.pem", outcome: "removed" },
      ],
    });
  });

  it("that fails is an error for Lambda to count; the next one in the same container begins anew", async () => {
    vi.stubEnv("TOJI_STAGE", "test");
    vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
    const world = openSweepWorld();
    let opened = 0;
    const invoke = handlerOf(() => {
      opened += 1;
      if (opened === 1) throw new Error("no site document");
      return world.ports;
    });
    await expect(invoke()).rejects.toThrow("no site document");
    world.aws.s3.failNext("GetObject", "AccessDenied");
    await expect(invoke()).rejects.toThrow("GetObject failed (AccessDenied)");
    expect(world.metrics).toEqual([]);
    expect(await invoke()).toMatchObject({ skipped: null });
    expect(opened).toBe(2);
  });
});
