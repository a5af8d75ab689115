// The steps of a backup that run on the hub: survey, pause, snapshot, resume, thaw.

import * as z from "zod";
import { HostCommandFailed } from "../aws/commands.ts";
import { findHub } from "../aws/hub-instance.ts";
import { listSnapshots } from "../aws/snapshots.ts";
import { holdLease } from "./begin.ts";
import { HostAnswerUnreadable, runScript, type ScriptEnvironment } from "./command.ts";
import { runSchema, type StepEvent, setOf, stepEvent } from "./event.ts";
import { acceptsCrash } from "./grade.ts";
import {
  type PauseAnswer,
  pauseAnswer,
  resumeAnswer,
  type SnapshotAnswer,
  type SurveyAnswer,
  snapshotAnswer,
  surveyAnswer,
  thawAnswer,
} from "./host-answers.ts";
import { requestSchema } from "./manifest.ts";
import { dataMounts } from "./mounts.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { BackupRequest, HubInstance } from "./types.ts";

type Kind = BackupRequest["kind"];

/** The hub did what was asked as far as it could, and the site does not accept that. */
export class HostRefused extends Error {
  override readonly name = "HostRefused";
  readonly retryable = false;
}

const hostEvent = stepEvent.extend({ action: z.enum(["survey", "pause", "snapshot", "resume", "thaw"]) });

/** How long each script may run. SSM's own minutes for delivery come on top, and all must end before the task's limit. */
const LIMIT_SECONDS = { survey: 60, pause: 360, snapshot: 240, resume: 60, thaw: 60 } as const;

/** Units that are at work get so long to end. */
const WAIT_FOR_UNITS_SECONDS = 300;

/** The dead-man's resume: longer than all that may lie between pause and resume, repeats included. */
const RESUME_AFTER_SECONDS = 30 * 60;

/** The order may be sent until then: delivery, the script, and some. */
const ORDER_EXPIRES_SECONDS = 300;

/** Nothing can be ordered there (RFC 2606: no such name exists): what the hub answers is its record of the run before. */
const NOWHERE = "https://toji.invalid/";

export type OrderAnswer = SnapshotAnswer & {
  /** When the answer was here, epoch seconds of Toji's clock. */
  readonly orderedAt: number;
};
export type HostAnswer =
  | SurveyAnswer
  | null
  | PauseAnswer
  | OrderAnswer
  | z.infer<typeof thawAnswer>
  | z.infer<typeof resumeAnswer>;

/** Throws HubNotFound, HostCommandFailed, HostAnswerUnreadable, HostRefused, BackupBusy. */
export async function host(ports: BackupPorts, event: unknown): Promise<HostAnswer> {
  const step = hostEvent.parse(event);
  const { action } = step;
  // Before `begin` has ended well nothing was done on the hub, and what is paused or frozen there is another backup's.
  const hasBegun = runSchema.safeParse(step.progress).success;
  if (!hasBegun && action === "thaw") return { thawed: [], already: [] };
  if (!hasBegun && action === "resume") return { resumed: [], failed: [] };
  const key = setOf(step);
  const { kind } = requestSchema.parse(step.progress ?? {});
  const mounts = dataMounts(ports.backup.mounts).join(" ");
  const hub = await findHub(homeOf(ports), ports.site.builders.fleet);
  const run = <Answer>(environment: ScriptEnvironment, schema: z.ZodType<Answer>) =>
    runScript(ports, {
      instanceId: hub.instanceId,
      timeoutSeconds: LIMIT_SECONDS[action],
      action,
      environment,
      schema,
    });
  switch (action) {
    case "survey":
      return await unlessBroken(ports, kind, () =>
        run({ TOJI_MOUNTS: mounts, TOJI_DATABASE: ports.backup.databaseName }, surveyAnswer),
      );
    case "pause":
      await holdLease(ports, step.execution);
      return judgePause(ports, kind, await run(pauseEnvironment(ports, key), pauseAnswer));
    case "snapshot":
      await holdLease(ports, step.execution);
      return await order(ports, step, hub, kind);
    case "resume": {
      const answer = await run({ TOJI_KEY: key }, resumeAnswer);
      for (const unit of answer.failed)
        ports.telemetry.warn(`${unit} was stopped for the backup and does not start again: look at it on the hub`);
      return answer;
    }
    case "thaw":
      return await run({ TOJI_KEY: key, TOJI_MOUNTS: mounts }, thawAnswer);
    default:
      return action satisfies never;
  }
}

/** A restore point is taken without a survey, if PostgreSQL cannot be asked any more. */
async function unlessBroken(
  { telemetry }: BackupPorts,
  kind: Kind,
  ask: () => Promise<SurveyAnswer>,
): Promise<SurveyAnswer | null> {
  try {
    return await ask();
  } catch (error) {
    if (kind !== "restore-point" || !(error instanceof HostCommandFailed)) throw error;
    telemetry.warn(`the restore point is taken without a survey: ${error.message}`);
    return null;
  }
}

function homeOf({ clients }: BackupPorts) {
  return clients.ec2({ region: clients.home });
}

function pauseEnvironment({ backup }: BackupPorts, key: string): ScriptEnvironment {
  return {
    TOJI_KEY: key,
    TOJI_UNITS: backup.pauseUnits.join(" "),
    TOJI_WAIT: String(WAIT_FOR_UNITS_SECONDS),
    TOJI_RESUME_AFTER: String(RESUME_AFTER_SECONDS),
  };
}

function judgePause({ backup, telemetry }: BackupPorts, kind: Kind, answer: PauseAnswer): PauseAnswer {
  if (answer.busy.length === 0) return answer;
  const sentence = `${answer.busy.join(", ")} still at work after ${WAIT_FOR_UNITS_SECONDS} s`;
  if (!acceptsCrash(backup, kind))
    throw new HostRefused(`${sentence}: a set made now could miss files that the database has; start the backup later`);
  telemetry.warn(`${sentence}: the set is crash-consistent at best`);
  return answer;
}

/** Looks for the set first: CreateSnapshots has no token, so an order that was sent must never be sent again. */
async function order(ports: BackupPorts, step: StepEvent, hub: HubInstance, kind: Kind): Promise<OrderAnswer> {
  const key = setOf(step);
  const there = await listSnapshots(homeOf(ports), { key: BACKUP_TAG.set, value: key });
  const address = there.length > 0 ? NOWHERE : await presign(ports, hub, key);
  const { backup, clock } = ports;
  const environment = {
    TOJI_KEY: key,
    TOJI_MOUNTS: dataMounts(backup.mounts).join(" "),
    TOJI_DATABASE: backup.databaseName,
    TOJI_FREEZE_LIMIT: String(backup.freezeLimitSeconds),
    TOJI_ACCEPT_CRASH: acceptsCrash(backup, kind) ? "yes" : "no",
    TOJI_SNAPSHOT_URL: address,
  };
  const send = () =>
    runScript(ports, {
      instanceId: hub.instanceId,
      timeoutSeconds: LIMIT_SECONDS.snapshot,
      action: "snapshot",
      environment,
      schema: snapshotAnswer,
    });
  if (there.length === 0) return judgeOrder(await send(), clock.now());
  ports.telemetry.info(`${key} was ordered before: the hub is asked for its record only`, { setId: key });
  return { ...(await recorded(send)), orderedAt: Math.min(...there.map(({ startedAt }) => startedAt)) };
}

function judgeOrder(answer: SnapshotAnswer, orderedAt: number): OrderAnswer {
  const why = answer.error ?? "the hub gave no reason";
  switch (answer.outcome) {
    case "answered":
    case "unanswered":
      return { ...answer, orderedAt };
    case "refused":
      throw new HostRefused(`EC2 refused to take the snapshots: ${why}`);
    case "not-frozen":
      throw new HostRefused(`freezing failed and the site does not accept a crash-consistent set: ${why}`);
    default:
      return answer.outcome satisfies never;
  }
}

/** The hub's own record of an order that was sent; if it has none or is gone, no more than that EC2 took the order. */
async function recorded(send: () => Promise<SnapshotAnswer>): Promise<SnapshotAnswer> {
  const none = {
    outcome: "answered" as const,
    checkpoint: false,
    frozen: false,
    frozenAt: null,
    thawedAt: null,
    milliseconds: null,
    thaw: "none" as const,
    // EC2 may not show all of them yet: which ones there are, the looks to come tell.
    snapshots: [],
    repeated: true,
  } satisfies Partial<SnapshotAnswer>;
  try {
    const answer = await send();
    if (answer.repeated) return answer;
    return { ...none, error: "the hub has no record of the order" };
  } catch (error) {
    if (!(error instanceof HostCommandFailed || error instanceof HostAnswerUnreadable)) throw error;
    return { ...none, error: `the hub's record of the order could not be read: ${error.message}` };
  }
}

async function presign({ backup, clients, site }: BackupPorts, hub: HubInstance, key: string): Promise<string> {
  const members = hub.volumes.filter(({ isBoot }) => backup.bootVolume || !isBoot).length;
  const tags = {
    [BACKUP_TAG.site]: site.builders.fleet,
    [BACKUP_TAG.set]: key,
    [BACKUP_TAG.members]: String(members),
  };
  const order = {
    instanceId: hub.instanceId,
    excludeBootVolume: !backup.bootVolume,
    description: `Toji backup set ${key}`,
    tags,
  };
  return await clients.presignCreateSnapshots(order, ORDER_EXPIRES_SECONDS);
}
