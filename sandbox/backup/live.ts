// Backups of the live sandbox: the hub's volumes beside the fleet, on the same clock, with an address for `toji backup`.

import { readCatalogFile } from "../../shared/backup/index.ts";
import type { ConsoleState } from "../console/index.ts";
import { startAwsEndpoint } from "../server/aws-endpoint.ts";
import type { VirtualClock } from "../world/clock.ts";
import { HOME } from "./site.ts";
import { type BackupWorld, BUCKET, openBackupWorld } from "./world.ts";

/** So that there is something to see: the schedule's first set would come at night. */
const OPENING_SECONDS = 120;
const OPENING_DRILL_SECONDS = 1800;
const LOOK_SECONDS = 60;

export interface LiveBackups {
  readonly world: BackupWorld;
  look(): NonNullable<ConsoleState["backups"]>;
  close(): Promise<void>;
}

/** `buildsDone`: how many builds the hub has completed; each brings files and rows to the volumes. */
export async function openLiveBackups(
  clock: VirtualClock,
  { seed, port, buildsDone }: { readonly seed: string; readonly port: number; buildsDone(): number },
): Promise<LiveBackups> {
  const world = openBackupWorld({ seed, start: clock.now(), clock });
  const { machines, aws, hub, ports } = world;
  const endpoint = await startAwsEndpoint({ s3: aws.s3, stepFunctions: machines, port, now: () => clock.now() });
  clock.after(OPENING_SECONDS, () => world.startBackup("opening", "opening"));
  clock.after(OPENING_DRILL_SECONDS, () => world.startDrill("opening-drill", null));
  const stop = world.startSchedules();
  let summary = "no set yet";
  let imported = buildsDone();
  let cancel = () => {};
  const refresh = async () => {
    for (const done = buildsDone(); imported < done; imported++) if (hub.isReachable()) hub.importBuild();
    summary = await summaryOf();
    cancel = clock.after(LOOK_SECONDS, refresh);
  };
  cancel = clock.after(LOOK_SECONDS, refresh);
  // So that the bucket says at once where the machines are.
  clock.after(1, () => world.watch());
  return {
    world,
    look: () => ({ summary, running: runningOf(world), command: commandFor(endpoint.url) }),
    async close() {
      cancel();
      stop();
      await endpoint.close();
    },
  };

  async function summaryOf(): Promise<string> {
    const file = await readCatalogFile(ports.store);
    if (file === null || file.sets.length === 0) return "no set yet";
    const states = [...Map.groupBy(file.sets, ({ state }) => state)].map(([state, sets]) => `${sets.length} ${state}`);
    const proof =
      file.newestVerified === null
        ? "none is proved"
        : `newest proof ${((world.clock.now() - file.newestVerified.instant) / 3600).toFixed(1)} h old`;
    const restore = file.sets.find(({ rtoSeconds }) => rtoSeconds !== null)?.rtoSeconds;
    const rto = restore === undefined || restore === null ? "" : `, restored in ${Math.round(restore / 60)} min`;
    return `${states.join(", ")}; ${proof}${rto}`;
  }
}

function runningOf({ machines }: BackupWorld): string[] {
  return machines
    .executions()
    .filter(({ status }) => status === "RUNNING")
    .map(({ name, log }) => {
      const entered = log.findLast(({ kind }) => kind === "entered");
      return entered?.kind === "entered" ? `${name}: ${entered.state}` : name;
    });
}

function commandFor(endpoint: string): string {
  return `npx toji backup list --endpoint ${endpoint} --bucket ${BUCKET} --region ${HOME}`;
}
