// Last step of a switch, whatever happened: says by what the hub has how it ended, and writes that down.

import { askAll, HubFault, listReadyRepos } from "../../hub/index.ts";
import type { MirrorsPorts } from "../ports.ts";
import { type SwitchRecord, switches } from "../states.ts";
import { countText } from "../words.ts";
import { failuresOf, readSwitchEvent, type SwitchEvent } from "./event.ts";
import { endOf } from "./plan.ts";
import { addressNow, writeRecord } from "./record.ts";

export interface SwitchEnded {
  readonly outcome: "done" | "already" | "refused" | "undone" | "failed";
}

export async function endSwitch(ports: MirrorsPorts, event: unknown): Promise<SwitchEnded> {
  const read = readSwitchEvent(event);
  const outcome = await outcomeOf(ports, read);
  // All of them, so that an alarm on one has a value to look at.
  for (const each of ["done", "already", "refused", "undone", "failed"] as const) {
    ports.telemetry.metric("MirrorSwitches", "Count", each === outcome ? 1 : 0, { outcome: each });
  }
  return { outcome };
}

async function outcomeOf(ports: MirrorsPorts, read: SwitchEvent): Promise<SwitchEnded["outcome"]> {
  const { execution, progress } = read;
  const { telemetry, store, clock } = ports;
  const { repo } = progress;
  if (progress.run?.already === true) {
    telemetry.info(`switch ${execution} of ${repo}: nothing was to be done`);
    return "already";
  }
  const why = failuresOf(read);
  const kept = await switches.get(store, repo);
  if (kept?.value.id !== execution) {
    telemetry.warn(`switch ${execution} of ${repo} changed nothing: ${why.join("; ")}`);
    return "refused";
  }
  const url = await addressNow(ports, repo);
  const { state, sentences } = endOf({ record: kept.value, url, isConfirmed: progress.confirm !== undefined });
  const notes = [...why, ...sentences];
  const last = state === "done" ? [...notes, await wordsOfOld(ports, kept.value)] : notes;
  const said = `switch ${execution} of ${repo} to ${kept.value.to} is ${state}: ${last.join("; ")}`;
  if (state === "done") telemetry.info(said);
  else telemetry.warn(said);
  // A repeat has nothing to add.
  if (kept.value.endedAt === null) {
    const { retiring: earlier, from, to } = kept.value;
    // On the hub's own disk nothing can be looked at.
    const left = /^https?:/.test(from) ? [...earlier, from] : earlier;
    const retiring = state === "done" ? [...new Set(left)].filter((url) => url !== to) : earlier;
    await writeRecord(ports, kept, { state, retiring, endedAt: clock.now(), notes: [...kept.value.notes, ...last] });
  }
  return state;
}

/** Kept by the hub until they expire, and used by builds that began with them. */
async function wordsOfOld({ hubReader }: MirrorsPorts, { from, tags }: SwitchRecord): Promise<string> {
  const { ready } = await askAll(hubReader, { ready: listReadyRepos() });
  // Hubs before 1.35 list none.
  if (ready instanceof HubFault) return `older READY repos may take rpms from ${from}: it must go on serving them`;
  const old = ready.filter(({ id, tag_name }) => tags.some(({ tag, repo }) => tag === tag_name && repo !== id));
  return `${countText(old.length, "older READY repo")} may take rpms from ${from}: it must go on serving them`;
}
