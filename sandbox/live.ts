// `npm start`: the sandbox on a scaled clock, shown in the terminal and on a page until somebody ends it.

import { TASK_STATE } from "../shared/hub/index.ts";
import { openLiveBackups } from "./backup/live.ts";
import { createScreen, startConsole } from "./console/index.ts";
import { DAY_SECONDS, DAY_START, furnishHub, scheduleDay, submitPush } from "./day.ts";
import { createLook } from "./look.ts";
import { openLiveMirrorWorld, startLiveMirrors } from "./mirrors/live.ts";
import { openSandbox } from "./sandbox.ts";
import { summarise, summaryText } from "./summary.ts";

const REDRAW_MILLISECONDS = 500;
/** More pushes than a real day has, so that there is always something to see. */
const PUSHES_A_DAY = 150;
const OPENING_PUSH = 4;

export interface LiveOptions {
  /** Seconds of the sandbox in one real second. */
  readonly speed: number;
  readonly seed: string;
  readonly port: number;
  readonly hubPort: number;
  /** S3 and Step Functions, for `--endpoint` of `toji backup` and `toji mirrors`. */
  readonly awsPort: number;
}

/** Ends with SIGINT or SIGTERM: restores the terminal and prints the summary. Returns the exit code. */
export async function runLive({ speed, seed, port, hubPort, awsPort }: LiveOptions): Promise<number> {
  const sandbox = await openSandbox({ seed, start: DAY_START, hubPort });
  const buildsDone = () =>
    sandbox.hub.state().tasks.filter(({ method, state }) => method === "build" && state === TASK_STATE.CLOSED).length;
  furnishHub(sandbox);
  const mirrorWorld = openLiveMirrorWorld(sandbox, seed);
  const { beside } = mirrorWorld;
  const backups = await openLiveBackups(sandbox.clock, { seed, port: awsPort, buildsDone, beside }).catch(
    async (error: unknown) => {
      await sandbox.close();
      throw error;
    },
  );
  const mirrors = startLiveMirrors(sandbox, mirrorWorld, backups);
  const lookAtFleet = createLook(sandbox, speed);
  const look = (pageUrl?: string) => ({ ...lookAtFleet(pageUrl), backups: backups.look(), mirrors: mirrors.look() });
  const page = await startConsole({ port, host: "127.0.0.1", read: () => look() }).catch(async (error: unknown) => {
    mirrors.close();
    await backups.close();
    await sandbox.close();
    throw error;
  });
  submitPush(sandbox, sandbox.random.fork("opening push"), OPENING_PUSH);
  scheduleDays();
  const stopSchedule = sandbox.startSchedule();
  const stopChecks = sandbox.invariants.watch(sandbox.clock, sandbox.live);

  const screen = createScreen(process.stdout);
  const redraw = setInterval(() => screen.draw(look(page.url)), REDRAW_MILLISECONDS);
  const end = new AbortController();
  const stop = () => end.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await sandbox.clock.pace(speed, end.signal);
  } finally {
    clearInterval(redraw);
    screen.close();
    stopSchedule();
    stopChecks();
    await page.close();
    mirrors.close();
    await backups.close();
    await sandbox.close();
  }
  console.log(summaryText(summarise(sandbox, { ended: false })));
  return sandbox.invariants.violations.length > 0 ? 1 : 0;

  function scheduleDays(): void {
    scheduleDay(sandbox, { pushes: PUSHES_A_DAY });
    sandbox.clock.after(DAY_SECONDS, scheduleDays);
  }
}
