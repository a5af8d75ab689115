// Backups of the live sandbox: the hub's volumes beside the fleet, on the same clock, with an address for `toji`.

import { readCatalogFile } from "../../shared/backup/index.ts";
import type { ConsoleState } from "../console/index.ts";
import { backupMachines, statesUnderWay } from "../machines/index.ts";
import { startAwsEndpoint } from "../server/aws-endpoint.ts";
import type { VirtualClock } from "../world/clock.ts";
import { HOME } from "./site.ts";
import { type BackupWorld, type BackupWorldInput, BUCKET, openBackupWorld } from "./world.ts";

/** So that there is something to see: the schedule's first set would come at night. */
const OPENING_SECONDS = 120;
const OPENING_DRILL_SECONDS = 1800;
const LOOK_SECONDS = 60;
const MACHINES = Object.values(backupMachines()).map(({ name }) => name);

export interface LiveBackups {
  readonly world: BackupWorld;
  /** Of its S3 and Step Functions: `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  look(): NonNullable<ConsoleState["backups"]>;
  close(): Promise<void>;
}

export interface LiveBackupsInput extends Pick<BackupWorldInput, "beside"> {
  readonly seed: string;
  /** Of the endpoint; 0 = any. */
  readonly port: number;
  /** How many builds the hub has completed; each brings files and rows to the volumes. */
  buildsDone(): number;
}

export async function openLiveBackups(
  clock: VirtualClock,
  { seed, port, buildsDone, beside }: LiveBackupsInput,
): Promise<LiveBackups> {
  const world = openBackupWorld({ seed, start: clock.now(), clock, ...(beside === undefined ? {} : { beside }) });
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
    ...{ world, endpoint: endpoint.url },
    look: () => ({ summary, running: statesUnderWay(machines, MACHINES), command: commandFor(endpoint.url) }),
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

function commandFor(endpoint: string): string {
  return `npx toji backup list --endpoint ${endpoint} --bucket ${BUCKET} --region ${HOME}`;
}
