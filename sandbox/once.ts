// `npm start -- --once`: the scripted day on virtual time, to its end, judged.

import { TASK_STATE } from "../shared/hub/index.ts";
import type { Telemetry } from "../shared/telemetry.ts";
import { DAY_SECONDS, DAY_START, furnishHub, machineFaults, scheduleDay } from "./day.ts";
import { openSandbox, type Sandbox } from "./sandbox.ts";
import { type Summary, summarise } from "./summary.ts";

const STEP_SECONDS = 60;
/** What the day left undone may take: the longest build, and the drain after it. */
const AFTERMATH_SECONDS = 6 * 3600;

export async function runDay(seed: number | string, telemetry?: Telemetry): Promise<Summary> {
  const sandbox = await openSandbox({
    seed,
    start: DAY_START,
    faultOf: machineFaults(seed),
    ...(telemetry === undefined ? {} : { telemetry }),
  });
  try {
    furnishHub(sandbox);
    scheduleDay(sandbox);
    const stopSchedule = sandbox.startSchedule();
    const stopChecks = sandbox.invariants.watch(sandbox.clock, sandbox.live);
    await sandbox.clock.runUntil(DAY_START + DAY_SECONDS);
    await runUntilQuiet(sandbox);
    stopSchedule();
    stopChecks();
    await judgeEnd(sandbox);
    return summarise(sandbox, { ended: true });
  } finally {
    await sandbox.close();
  }
}

function unfinished({ hub }: Sandbox): number {
  return hub.state().tasks.filter((task) => task.state !== TASK_STATE.CLOSED).length;
}

/** Until no task, no instance and nothing of a launch is left, or long enough to call it broken. */
async function runUntilQuiet(sandbox: Sandbox): Promise<void> {
  const end = sandbox.clock.now() + AFTERMATH_SECONDS;
  const isQuiet = async () =>
    unfinished(sandbox) === 0 && sandbox.live().length === 0 && (await sandbox.leftovers()).length === 0;
  while (sandbox.clock.now() < end && !(await isQuiet())) {
    await sandbox.clock.runUntil(sandbox.clock.now() + STEP_SECONDS);
  }
}

async function judgeEnd(sandbox: Sandbox): Promise<void> {
  const { invariants, clock } = sandbox;
  const now = clock.now();
  const left = unfinished(sandbox);
  if (left > 0) invariants.break(now, "queue-served", "the queue", `${left} task(s) are unfinished`);
  for (const each of sandbox.live()) invariants.break(now, "fleet-empties", each.instanceId, `still ${each.state}`);
  for (const each of await sandbox.leftovers()) invariants.break(now, "nothing-left-behind", each, "still there");
}
