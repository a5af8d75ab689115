// The backup's Lambda handlers as the state machine and the schedules call them.

import { afterEach, describe, expect, it, vi } from "vitest";
import { beginHandler } from "../../functions/backup/begin.ts";
import { copyHandler } from "../../functions/backup/copy.ts";
import { endHandler } from "../../functions/backup/end.ts";
import { expireHandler } from "../../functions/backup/expire.ts";
import { hostHandler } from "../../functions/backup/host.ts";
import { lockHandler } from "../../functions/backup/lock.ts";
import { lookHandler } from "../../functions/backup/look.ts";
import { sealHandler } from "../../functions/backup/seal.ts";
import { handler as realWatch, watchHandler } from "../../functions/backup/watch.ts";
import { lambdaContext } from "../../sandbox/lambda-context.ts";
import type { BackupPorts } from "../../shared/backup/index.ts";
import { readCatalogFile } from "../../shared/backup/index.ts";
import { openBackupWorld } from "../backup/backup-world.ts";

afterEach(() => void vi.unstubAllEnvs());

const OPTIONS = { signal: new AbortController().signal };
const CONTEXT = lambdaContext("request-1");

describe("the handlers", () => {
  it("run a backup from its first step to its last", async () => {
    const world = openBackupWorld({ copies: [{ region: "eu-central-1", kmsKeyId: "key" }] });
    const open = () => world.ports;
    const state: Record<string, unknown> = { kind: "scheduled", by: "nightly", reason: "" };
    const event = (more: object = {}) => ({
      execution: "nightly-1",
      startedAt: "2026-11-23T02:00:00.000Z",
      progress: { ...state },
      ...more,
    });
    const run = <Answer>(
      handler: (event: unknown, context: typeof CONTEXT, options: typeof OPTIONS) => Answer,
      more = {},
    ) => world.play(async () => await handler(event(more), CONTEXT, OPTIONS));
    state.run = await run(beginHandler(open));
    const host = hostHandler(open);
    for (const action of ["survey", "pause", "snapshot", "resume"]) state[action] = await run(host, { action });
    await world.wait(4 * 3600);
    state.look = await run(lookHandler(open));
    state.seal = await run(sealHandler(open));
    const target = world.ports.backup.copies[0];
    await run(copyHandler(open), { target });
    await world.wait(4 * 3600);
    state.copies = [await run(copyHandler(open), { target })];
    state.lock = await run(lockHandler(open));
    expect(state).toMatchObject({
      look: { status: "complete" },
      seal: { state: "unverified", grade: "application" },
      copies: [{ state: "complete" }],
    });
    expect(await run(endHandler(open))).toEqual({ outcome: "good", drill: false });
    const machines = { backup: "arn:b", drill: null, restore: "arn:r" };
    await run(watchHandler(open, () => machines));
    expect((await world.play(() => readCatalogFile(world.ports.store)))?.machines).toEqual(machines);
    expect(await run(expireHandler(open))).toMatchObject({ expired: [] });
  });

  it("open once for each container, and tell an error before they throw it", async () => {
    const world = openBackupWorld();
    let opened = 0;
    const open = (): BackupPorts => {
      opened += 1;
      return world.ports;
    };
    const handler = beginHandler(open);
    const call = (event: object) => world.play(() => Promise.resolve(handler(event, CONTEXT, OPTIONS)));
    await expect(call({})).rejects.toThrow(/execution/);
    await call({ execution: "a", startedAt: "2026-11-23T02:00:00Z", progress: {} });
    expect(opened).toBe(1);
    expect(world.warnings[0]).toMatch(/^failed: /);
  });

  it("name the variable that a deployment forgot", async () => {
    vi.stubEnv("TOJI_STAGE", "test");
    vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
    await expect(realWatch({}, CONTEXT, OPTIONS)).rejects.toThrow("environment variable LAMBDA_TASK_ROOT is not set");
  });
});
