// The script `snapshot` on the model: timer, CHECKPOINT, freeze, order, thaw; never a second order for one key.

import type { SnapshotAnswer } from "../../../shared/backup/host-answers.ts";
import type { VirtualClock } from "../clock.ts";
import { type Environment, numberOf, textOf, wordsOf } from "./environment.ts";
import type { Mounts } from "./mounts.ts";
import type { OrderReply } from "./order.ts";

/** What goes wrong on the hub the next time a script comes to it. */
export type HubFault =
  | "checkpoint-fails"
  | "freeze-fails"
  /** The script stands still between the freeze and the order; only the timer works. */
  | "hangs-frozen"
  /** The same, after the order was sent. */
  | "hangs-after-order"
  | "reboots-frozen"
  | "hub-does-not-answer";

export interface KeyLedger {
  /** The order was sent; null = and what came of it was never written. */
  sent: SnapshotAnswer | null | undefined;
  isGivenUp: boolean;
}

/** What the script works on. */
export interface SnapshotHost {
  readonly clock: VirtualClock;
  readonly mounts: Mounts;
  ledgerOf(key: string): KeyLedger;
  /** Whether this goes wrong now; once. */
  takeFault(fault: HubFault): boolean;
  /** The machine's own clock, which may be wrong. */
  hostTime(): number;
  send(address: string): Promise<OrderReply>;
  /** Never settles, except when the script is killed. */
  hang(): Promise<never>;
  reboot(): void;
}

/** Thrown where the script ends with a sentence and no answer. */
export class ScriptFailed extends Error {
  override readonly name = "ScriptFailed";
}

const NOTHING: SnapshotAnswer = {
  outcome: "not-frozen",
  checkpoint: false,
  frozen: false,
  frozenAt: null,
  thawedAt: null,
  milliseconds: null,
  thaw: "none",
  snapshots: [],
  error: null,
  repeated: false,
};

export async function runSnapshot(host: SnapshotHost, environment: Environment): Promise<SnapshotAnswer> {
  const key = textOf(environment, "TOJI_KEY");
  const ledger = host.ledgerOf(key);
  if (ledger.isGivenUp)
    throw new ScriptFailed(`the backup ${key} was given up, so nothing is frozen any more: take a new one.`);
  if (ledger.sent !== undefined) {
    const unknown = {
      ...NOTHING,
      outcome: "unanswered" as const,
      error: "an earlier run sent the order and did not end",
    };
    return { ...(ledger.sent ?? unknown), repeated: true };
  }
  const limit = numberOf(environment, "TOJI_FREEZE_LIMIT");
  const acceptCrash = textOf(environment, "TOJI_ACCEPT_CRASH") === "yes";
  const mounts = wordsOf(environment, "TOJI_MOUNTS");
  const isBroken = host.mounts.diskOf("database")?.database?.isBroken !== false;
  const checkpoint = !host.takeFault("checkpoint-fails") && !isBroken;
  const why = checkpoint ? freezeAll(host, key, mounts, limit) : "CHECKPOINT failed";
  const frozen = why === null;
  if (!frozen && !acceptCrash) return { ...NOTHING, checkpoint, error: why };
  const frozenAt = frozen ? host.hostTime() : null;
  const startedAt = host.clock.now();
  if (host.takeFault("hangs-frozen")) await host.hang();
  if (host.takeFault("reboots-frozen")) {
    host.reboot();
    await host.hang();
  }
  ledger.sent = null;
  const reply = await host.send(textOf(environment, "TOJI_SNAPSHOT_URL"));
  if (host.takeFault("hangs-after-order")) await host.hang();
  const thawed = [...mounts].reverse().map((mount) => host.mounts.thaw(mount));
  const byTimer = frozen && thawed.includes(false);
  const answer: SnapshotAnswer = {
    ...NOTHING,
    ...outcomeOf(reply),
    checkpoint,
    frozen: frozen && !byTimer,
    frozenAt,
    thawedAt: frozen ? host.hostTime() : null,
    milliseconds: frozen ? Math.round((host.clock.now() - startedAt) * 1000) : null,
    thaw: !frozen ? "none" : byTimer ? "timer" : "explicit",
  };
  ledger.sent = reply.kind === "unreachable" ? undefined : answer;
  return { ...answer, error: answer.error ?? why };
}

/** Null = all are frozen; else why not, and none is. */
function freezeAll(host: SnapshotHost, key: string, names: readonly string[], limit: number): string | null {
  const { mounts } = host;
  for (const mount of names)
    if (mounts.freezes.some((each) => each.key === key && each.to === null)) mounts.thaw(mount);
  const done: string[] = [];
  for (const mount of names) {
    const fails = host.takeFault("freeze-fails");
    if (fails || mounts.isFrozen(mount) || mounts.volumeOf(mount) === null) {
      for (const each of done.reverse()) mounts.thaw(each);
      return fails
        ? `${mount} could not be frozen: Operation not supported`
        : mounts.isFrozen(mount)
          ? `${mount} was frozen already, and not by this backup`
          : `${mount} is not mounted`;
    }
    mounts.freeze(mount, key, limit);
    done.push(mount);
  }
  return null;
}

function outcomeOf(reply: OrderReply): Pick<SnapshotAnswer, "outcome" | "snapshots" | "error"> {
  switch (reply.kind) {
    case "answered":
      return { outcome: "answered", snapshots: [...reply.snapshots], error: null };
    case "lost":
      return {
        outcome: "unanswered",
        snapshots: [],
        error: `CreateSnapshots was sent and not answered (${reply.why})`,
      };
    case "refused":
    case "unreachable":
      return { outcome: "refused", snapshots: [], error: `EC2 refused CreateSnapshots: ${reply.why}` };
    default:
      return reply satisfies never;
  }
}
