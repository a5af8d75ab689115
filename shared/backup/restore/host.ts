// Takes the hub's services down and its file systems off, and brings them back, before and after its volumes are swapped.

import type * as z from "zod";
import { runScript, type ScriptEnvironment } from "../command.ts";
import { startHubAnswer, stopHubAnswer } from "../host-answers.ts";
import { dataMounts } from "../mounts.ts";
import type { BackupPorts } from "../ports.ts";
import { RESTORE_LEASE, takeTurn } from "../turn.ts";
import { RestoreRefused, RestoreStuck } from "./errors.ts";
import { readRestoreEvent } from "./events.ts";

export type RestoreHostAnswer = z.infer<typeof stopHubAnswer> | z.infer<typeof startHubAnswer>;

/** SSM's minute of delivery comes on top, and all must end before the task's limit in statemachines/restore.asl.yaml. */
const LIMIT_SECONDS = { "stop-hub": 480, "start-hub": 780 } as const;

/** Of that, start-hub may wait for the hub's answer: PostgreSQL recovers from a crash first. */
const HUB_WAIT_SECONDS = 420;

/** Throws RestoreRefused, RestoreStuck, HostCommandFailed, HostAnswerUnreadable. Both scripts may run again and again. */
export async function restoreHost(ports: BackupPorts, event: unknown): Promise<RestoreHostAnswer> {
  const { action, execution, progress, restore } = readRestoreEvent(event);
  const instanceId = progress.run?.instanceId ?? null;
  if (action === undefined || instanceId === null || progress.run?.to !== "replace") {
    throw new RestoreRefused("this restore replaces nothing: the hub is left alone");
  }
  await takeTurn(ports, RESTORE_LEASE, execution);
  const environment = { TOJI_KEY: restore, TOJI_MOUNTS: dataMounts(ports.backup.mounts).join(" ") };
  const run = <Answer>(more: ScriptEnvironment, schema: z.ZodType<Answer>) =>
    runScript(ports, {
      instanceId,
      timeoutSeconds: LIMIT_SECONDS[action],
      action,
      environment: { ...environment, ...more },
      schema,
    });
  switch (action) {
    case "stop-hub":
      return await run({}, stopHubAnswer);
    case "start-hub": {
      const answer = await run({ TOJI_HUB_WAIT: String(HUB_WAIT_SECONDS) }, startHubAnswer);
      if (answer.hubAnswers) return answer;
      throw new RestoreStuck(`the hub on ${instanceId} is mounted and started, and its API does not answer`);
    }
    default:
      return action satisfies never;
  }
}
