// The other scripts of infra/hosts/hub on the model: survey, pause, resume, thaw, stop-hub, start-hub.

import type * as z from "zod";
import type {
  PauseAnswer,
  resumeAnswer,
  SurveyAnswer,
  startHubAnswer,
  stopHubAnswer,
  thawAnswer,
} from "../../../shared/backup/host-answers.ts";
import { type Environment, numberOf, textOf, wordsOf } from "./environment.ts";
import { ScriptFailed, type SnapshotHost } from "./snapshot.ts";
import type { Units } from "./units.ts";

export interface ActionHost extends SnapshotHost {
  readonly instanceId: string;
  readonly units: Units;
  /** What stop-hub has stopped, by key. */
  readonly stopped: Map<string, readonly string[]>;
}

const GIB = 1024 ** 3;
const WAIT_BETWEEN_LOOKS = 1;

export function survey({ mounts, instanceId }: ActionHost, environment: Environment): SurveyAnswer {
  const database = mounts.diskOf("database")?.database;
  if (database === undefined || database === null || database.isBroken)
    throw new ScriptFailed("PostgreSQL does not answer: look at its log.");
  const names = wordsOf(environment, "TOJI_MOUNTS");
  const missing = names.find((mount) => mounts.volumeOf(mount) === null);
  if (missing !== undefined) throw new ScriptFailed(`${missing} is no mount point: look with findmnt.`);
  const dataDirectory = `${mounts.points.database}/data`;
  const name = textOf(environment, "TOJI_DATABASE");
  return {
    hostname: `hub-${instanceId}`,
    hubVersion: "1.35.3",
    postgresVersion: "15.18",
    database: { name, bytes: GIB, dataDirectory, mount: mounts.points.database },
    schema: { "repo.opts": true, external_repo_data: true, locks: true, repo_queue: true },
    mounts: names.map((mount, index) => ({
      mount,
      device: `/dev/nvme${index + 1}n1`,
      filesystem: "xfs",
      options: "rw,noatime",
      serials: [(mounts.volumeOf(mount) ?? "").replace("-", "")],
      sizeBytes: 100 * GIB,
      usedBytes: 40 * GIB,
    })),
  };
}

export async function pause({ units, clock }: ActionHost, environment: Environment): Promise<PauseAnswer> {
  const names = wordsOf(environment, "TOJI_UNITS");
  const waitSeconds = numberOf(environment, "TOJI_WAIT");
  const paused = units.pause(textOf(environment, "TOJI_KEY"), names, numberOf(environment, "TOJI_RESUME_AFTER"));
  const atWork = () => names.filter((name) => units.worksOnce(name) && units.isActive(name));
  const deadline = clock.now() + waitSeconds;
  while (atWork().length > 0 && clock.now() < deadline) await clock.sleep(WAIT_BETWEEN_LOOKS);
  const busy = atWork();
  const idle = names.filter((name) => !paused.includes(name) && !busy.includes(name));
  return { paused: [...paused], idle, busy };
}

export function resume({ units }: ActionHost, environment: Environment): z.infer<typeof resumeAnswer> {
  return { resumed: [...units.resume(textOf(environment, "TOJI_KEY"))], failed: [] };
}

/** The key is given up by it: a script of it that still comes freezes nothing. */
export function thaw(host: ActionHost, environment: Environment): z.infer<typeof thawAnswer> {
  host.ledgerOf(textOf(environment, "TOJI_KEY")).isGivenUp = true;
  const names = wordsOf(environment, "TOJI_MOUNTS").reverse();
  const thawed = names.filter((mount) => host.mounts.thaw(mount));
  return { thawed, already: names.filter((mount) => !thawed.includes(mount)) };
}

export function stopHub(host: ActionHost, environment: Environment): z.infer<typeof stopHubAnswer> {
  const key = textOf(environment, "TOJI_KEY");
  const { units, mounts, stopped } = host;
  stopped.set(key, [...new Set([...(stopped.get(key) ?? []), ...units.active()])]);
  for (const name of units.active()) units.set(name, false);
  const names = wordsOf(environment, "TOJI_MOUNTS").reverse();
  for (const mount of names) mounts.unmount(mount);
  return { stopped: [...(stopped.get(key) ?? [])], unmounted: names };
}

export function startHub(host: ActionHost, environment: Environment): z.infer<typeof startHubAnswer> {
  const key = textOf(environment, "TOJI_KEY");
  const { units, mounts, stopped } = host;
  const names = wordsOf(environment, "TOJI_MOUNTS");
  const missing = names.find((mount) => !mounts.mount(mount));
  if (missing !== undefined) {
    throw new ScriptFailed(
      `no disk holds the file system of ${missing}: look with lsblk whether the volume is attached.`,
    );
  }
  const started = [...(stopped.get(key) ?? [])].reverse();
  for (const name of started) units.set(name, true);
  stopped.delete(key);
  const isSound = mounts.diskOf("database")?.database?.isBroken === false && units.isActive("httpd.service");
  return { mounted: names, started, hubAnswers: isSound && !host.takeFault("hub-does-not-answer") };
}
