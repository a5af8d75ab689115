// A backup whose calls fail at any point, before or after they took effect: one set at most, nothing left frozen or paused.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEASE_KEY } from "../../shared/backup/index.ts";
import { manifestKey, parseManifest } from "../../shared/backup/manifest.ts";
import { openBackupWorld, type Progress } from "./backup-world.ts";

const fault = fc.record({
  /** Before this step. */
  step: fc.constantFrom("begin", "survey", "pause", "snapshot", "resume", "look", "seal", "lock", "end"),
  call: fc.constantFrom(
    ...["DescribeInstances", "DescribeSnapshots", "CreateSnapshots", "CreateTags", "DescribeVolumes", "LockSnapshot"],
    ...["GetObject", "PutObject", "SendCommand", "GetCommandInvocation"],
  ),
  times: fc.integer({ min: 1, max: 4 }),
  /** The call took effect, and only its answer was lost. */
  applied: fc.boolean(),
});
type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never;

const TRIES = 3;

/** The machine's order, its Retry and its Catch. True = it came to the end without a rescue. */
async function runMachine(world: ReturnType<typeof openBackupWorld>, faults: readonly Fault[]) {
  const run = world.execution("nightly-1");
  const state: Record<string, unknown> = {};
  const inject = ({ call, times, applied }: Fault) => {
    const { ec2, s3, ssm } = world.aws;
    const model = /Object$/.test(call) ? s3 : /Command/.test(call) ? ssm : ec2;
    model.failNext(call, "InternalError", { times, applied });
  };
  const attempt = async (step: string, work: (progress: Progress) => Promise<unknown>) => {
    for (const each of faults) if (each.step === step) inject(each);
    for (let left = TRIES; ; left -= 1) {
      try {
        state[step === "begin" ? "run" : step] = await work(state);
        return;
      } catch (error) {
        if (left <= 1) throw error;
        await world.wait(3);
      }
    }
  };
  const isPending = () => JSON.stringify(state.look).includes('"status":"pending"');
  try {
    await attempt("begin", () => run.begin());
    for (const action of ["survey", "pause", "snapshot", "resume"])
      await attempt(action, (progress) => run.host(action, progress));
    do {
      await world.wait(60);
      await attempt("look", run.look);
    } while (isPending());
    await attempt("seal", run.seal);
    await attempt("lock", run.lock);
    await attempt("end", run.end);
    return { run, isGood: true };
  } catch (error) {
    state.error = { Error: "x", Cause: String(error) };
    for (const action of ["thaw", "resume"])
      await attempt("rescue", (progress) => run.host(action, progress)).catch(() => {});
    await attempt("rescue", run.end).catch(() => {});
    return { run, isGood: false };
  }
}

describe("a backup with faults (property)", () => {
  it("never doubles its set, never leaves the hub frozen or paused, and never claims more than is there", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 3 }), async (faults) => {
        const world = openBackupWorld();
        const { run, isGood } = await runMachine(world, faults);
        await world.wait(3600);
        const snapshots = world.aws.ec2.storage.snapshots.inWorld();
        expect(snapshots.length === 0 || snapshots.length === 3).toBe(true);
        expect(snapshots.every(({ tags }) => tags.get("toji:set") === run.setId)).toBe(true);
        expect(world.hub.invariants()).toEqual([]);
        expect(world.hub.units.isActive("kojira.service")).toBe(true);
        // Past the API, which may still fail.
        const key = manifestKey(run.setId);
        const text = world.aws.s3.text("toji-test", key);
        const set = text === null ? null : parseManifest(key, text);
        if (isGood) expect(set?.state).not.toBe("pending");
        if (set?.grade !== "application") return;
        expect(set.members.map(({ snapshot }) => snapshot).toSorted()).toEqual(
          snapshots.map(({ snapshotId }) => snapshotId).toSorted(),
        );
        expect(set.freeze).toMatchObject({ thaw: "explicit", checkpoint: true, quiet: true });
      }),
      { numRuns: 60 },
    );
  });

  it("gives its lease back at every end that could write", async () => {
    const world = openBackupWorld();
    const { isGood } = await runMachine(world, [{ step: "seal", call: "DescribeSnapshots", times: 3, applied: false }]);
    expect(isGood).toBe(false);
    const lease = await world.play(() => world.ports.store.get(LEASE_KEY));
    expect(JSON.parse(lease?.text ?? "{}")).toMatchObject({ until: 0 });
  });
});
