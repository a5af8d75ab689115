// The record of a switch as its own steps read and write it, and what else all of them ask.

import { ask, getExternalRepo, HubFault } from "../../hub/index.ts";
import type { MirrorsPorts } from "../ports.ts";
import { type Kept, type SwitchRecord, switches } from "../states.ts";
import { SwitchOvertaken } from "./errors.ts";
import type { SwitchEvent } from "./event.ts";

/** Throws SwitchOvertaken when another switch has taken the repo's record, or there is none. */
export async function ownRecord({ store }: MirrorsPorts, event: SwitchEvent): Promise<Kept<SwitchRecord>> {
  const { repo } = event.progress;
  const kept = await switches.get(store, repo);
  if (kept?.value.id === event.execution) return kept;
  const holder = kept === null ? "it has no record" : `${kept.value.id} has taken it over`;
  throw new SwitchOvertaken(`${repo} is no longer this switch's to change: ${holder}`);
}

/** Throws StoreConflict when somebody wrote it meanwhile: the step is tried again. */
export async function writeRecord(
  { store, telemetry }: MirrorsPorts,
  kept: Kept<SwitchRecord>,
  changes: Partial<SwitchRecord>,
  note?: string,
): Promise<Kept<SwitchRecord>> {
  if (note !== undefined) telemetry.info(`switch ${kept.value.id} of ${kept.value.repo}: ${note}`);
  const notes = note === undefined ? kept.value.notes : [...kept.value.notes, note];
  const value: SwitchRecord = { ...kept.value, notes, ...changes };
  return { value, etag: await switches.put(store, value, kept.etag, value.repo) };
}

/** The address as the hub has it now; null = it has no such repo. */
export async function addressNow({ hubReader }: MirrorsPorts, repo: string): Promise<string | null> {
  return (await ask(hubReader, getExternalRepo(repo)))?.url ?? null;
}

/** The hub's answer to a name of a tag that is gone (kojihub get_tag, strict). */
export function isUnknownTag(error: unknown): error is HubFault {
  return error instanceof HubFault && error.code === 1000 && error.faultString.startsWith("No such tagInfo");
}

export function isDenied(error: unknown): error is HubFault {
  return error instanceof HubFault && error.code === 1004;
}

/**
 * The hub's clock is known to about 3 s (shared/hub/session.ts takes less for no difference, and rounds): what it says to
 * be so near to the edit may have been before or after it.
 */
const CLOCK_SLACK_SECONDS = 4;

/** When the hub had the address, on its own clock: surely before `from`, surely after `until`. Throws before the edit. */
export function editSpan(
  { hubReader }: MirrorsPorts,
  { editedAt, repo }: SwitchRecord,
): { from: number; until: number } {
  if (editedAt === null)
    throw new SwitchOvertaken(`${repo} was not edited by this switch: there is nothing to wait for`);
  const at = editedAt + hubReader.clockAhead;
  return { from: at - CLOCK_SLACK_SECONDS, until: at + CLOCK_SLACK_SECONDS };
}
