// Launches the drill's instance: the image of the hub, volumes from the set, no way in and none out.

import { listInstances, runIsolatedInstance } from "../../aws/run-instance.ts";
import type { DrillConfig } from "../../config/index.ts";
import { needManifest } from "../manifest.ts";
import { dataMounts } from "../mounts.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { DRILL_LEASE, takeTurn } from "../turn.ts";
import type { Manifest } from "../types.ts";
import { DrillRefused } from "./errors.ts";
import { readDrillEvent } from "./events.ts";
import { drillUserData } from "./user-data.ts";

export interface DrillInstance {
  readonly instance: string;
  /** Epoch seconds. */
  readonly launchedAt: number;
}

export interface DrillVolume {
  readonly mount: string;
  readonly device: string;
  readonly snapshot: string;
}

/** The script stops by itself so long before the machine gives up, and says how far it came. */
const MARGIN_SECONDS = 900;

const SHORTEST_SECONDS = 600;

/**
 * Data volumes only: the boot volume comes from the image, so that a drill starts from what an administrator keeps. In
 * the order of `mounts`, the tree first and the database last (infra/hosts/hub/drill/drill). Pure.
 */
export function volumesOf(
  { members, hub }: Pick<Manifest, "members" | "hub">,
  mounts: readonly string[],
): DrillVolume[] {
  return mounts.flatMap((mount) =>
    members
      .filter(({ holds }) => holds === mount)
      .flatMap(({ snapshot, volume }) => {
        const device = hub.volumes.find((each) => each.volume === volume)?.device;
        return device === undefined ? [] : [{ mount, device, snapshot }];
      }),
  );
}

/** One instance for each drill: looked for by its tag, and launched by a token that launches no second. */
export async function launchDrill(ports: BackupPorts, event: unknown): Promise<DrillInstance> {
  const { execution, drill, startedAt, progress } = readDrillEvent(event);
  const { backup, clients, clock, site, store, telemetry } = ports;
  const set = progress.run?.set;
  if (backup.drill === undefined || set === undefined || set === null) {
    throw new DrillRefused("there is no set to launch an instance for: begin the drill first");
  }
  await takeTurn(ports, DRILL_LEASE, execution);
  const ec2 = clients.ec2({ region: clients.home });
  const [there] = await listInstances(ec2, { key: BACKUP_TAG.drill, value: drill });
  if (there !== undefined) return { instance: there.instanceId, launchedAt: there.launchedAt };
  const mounts = dataMounts(backup.mounts);
  const volumes = volumesOf(await needManifest(store, set), mounts);
  const missing = mounts.filter((mount) => !volumes.some((each) => each.mount === mount));
  if (missing.length > 0) {
    throw new DrillRefused(
      `${set} holds no volume of ${missing.join(" and ")} whose device is known: drill another set`,
    );
  }
  telemetry.info(`launching the instance of drill ${drill} with ${volumes.map(({ snapshot }) => snapshot).join(", ")}`);
  const instance = await runIsolatedInstance(ec2, {
    imageId: backup.drill.imageId,
    instanceType: backup.drill.instanceType,
    subnetId: backup.drill.subnet.id,
    securityGroup: backup.drill.securityGroup,
    // The same token with other parameters is an error: nothing of this may depend on when the step runs.
    userData: userData(ports, backup.drill, drill, volumes),
    devices: volumes.map(({ device, snapshot }) => ({ device, snapshot, type: "gp3" })),
    tags: { [BACKUP_TAG.site]: site.builders.fleet, [BACKUP_TAG.drill]: drill },
    token: drill,
  });
  return { instance, launchedAt: Math.max(clock.now(), startedAt) };
}

function userData(ports: BackupPorts, config: DrillConfig, drill: string, volumes: readonly DrillVolume[]): string {
  return drillUserData({
    drill,
    mounts: volumes.map(({ mount, device }) => ({ mount, device })),
    database: ports.backup.databaseName,
    sample: config.payloadSample,
    seed: drill,
    limitSeconds: Math.max(SHORTEST_SECONDS, Math.round(config.limitHours * 3600) - MARGIN_SECONDS),
    scripts: ports.script,
  });
}
