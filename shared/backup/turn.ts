// One drill at a time, one restore at a time: the lease of an execution, taken anew by each of its steps.

import { acquireLease, type Lease } from "../aws/lease.ts";
import type { BackupPorts } from "./ports.ts";

export const DRILL_LEASE = "backup/drill-lease.json";
export const RESTORE_LEASE = "backup/restore-lease.json";

/** Another execution is at work. */
export class TurnTaken extends Error {
  override readonly name = "TurnTaken";
  readonly retryable = false;
}

/** Steps come minutes apart; a lease lasts an hour at most (shared/aws/lease.ts). */
const TURN_SECONDS = 45 * 60;

type TurnPorts = Pick<BackupPorts, "store" | "clock">;

/** Takes it, or keeps it for as long again. Throws TurnTaken while another execution holds it. */
export async function takeTurn({ store, clock }: TurnPorts, key: string, execution: string): Promise<Lease> {
  const lease = await acquireLease(store, clock, key, execution, TURN_SECONDS);
  if (!("heldBy" in lease)) return lease;
  const until = new Date(lease.until * 1000).toISOString();
  throw new TurnTaken(
    `${lease.heldBy} is at work and holds ${key} until ${until} or longer: start again when it has ended`,
  );
}

/** Fine when another execution holds it: then there is nothing to give back. Cut off half-way it is held for a second more. */
export async function endTurn({ store, clock }: TurnPorts, key: string, execution: string): Promise<void> {
  const lease = await acquireLease(store, clock, key, execution, 1);
  if (!("heldBy" in lease)) await lease.release();
}
