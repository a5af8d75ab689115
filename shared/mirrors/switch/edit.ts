// The edit of the repo's address on the hub, forward or back: looks first, and looks again when it is made.

import { editExternalRepo, HubOutcomeUnknown, write } from "../../hub/index.ts";
import type { MirrorsPorts } from "../ports.ts";
import type { Kept, SwitchRecord } from "../states.ts";
import { administratorCommands, commandText } from "./commands.ts";
import { SwitchNotPermitted, SwitchOvertaken } from "./errors.ts";
import { readSwitchEvent } from "./event.ts";
import { isSameAddress, namesOf, permissionSentence } from "./plan.ts";
import { addressNow, isDenied, ownRecord, writeRecord } from "./record.ts";

export interface Edited {
  /** `left`: nothing was, or is, to be edited, and no new repos are needed for it. */
  readonly status: "edited" | "left";
}

/** Throws SwitchNotPermitted, SwitchOvertaken, and what calls of the hub throw. */
export async function editRepo(ports: MirrorsPorts, event: unknown): Promise<Edited> {
  const read = readSwitchEvent(event);
  const { direction } = read;
  if (direction === undefined) throw new SwitchOvertaken("which way to edit is not said: forward or back");
  const kept = await ownRecord(ports, read);
  return direction === "forward" ? await editForward(ports, kept) : await editBack(ports, kept);
}

async function editForward(ports: MirrorsPorts, kept: Kept<SwitchRecord>): Promise<Edited> {
  const { repo, from, to, state, tags } = kept.value;
  if (state !== "begun" && state !== "edited") throw new SwitchOvertaken(`this switch of ${repo} is ${state} by now`);
  const has = await addressNow(ports, repo);
  if (has === null || !isSameAddress(has, to)) {
    // Edited and not so any more: somebody was here.
    if (state === "edited" || has === null || !isSameAddress(has, from)) throw changedMeanwhile(repo, has);
    await edit(ports, { repo, from, to }, permissionSentence(repo, to, namesOf(tags)));
  }
  if (state === "begun") {
    await writeRecord(ports, kept, { state: "edited", editedAt: ports.clock.now() }, `the hub has ${to}`);
  }
  return { status: "edited" };
}

/** Not over anybody's head: only what this switch has written is taken back. */
async function editBack(ports: MirrorsPorts, kept: Kept<SwitchRecord>): Promise<Edited> {
  const { repo, from, to, state, tags, endedAt } = kept.value;
  if (endedAt !== null) return { status: "left" };
  const has = await addressNow(ports, repo);
  const isOurs = has !== null && isSameAddress(has, to);
  const isBack = has !== null && isSameAddress(has, from);
  if (!isOurs && !isBack) {
    await writeRecord(ports, kept, {}, `somebody changed it meanwhile to ${has ?? "nothing"}, it was left so`);
    return { status: "left" };
  }
  if (isBack && state === "begun") return { status: "left" };
  let undoing = kept;
  if (state !== "undoing") {
    // Before the edit: cut off between the two, the next attempt still knows that new repos are needed.
    const asked = tags.map(({ tag }) => ({ tag, request: null, repo: null }));
    undoing = await writeRecord(ports, kept, { state: "undoing", editedAt: null, tags: asked }, `goes back to ${from}`);
  }
  if (isOurs) {
    const commands = commandText(administratorCommands(repo, from, namesOf(tags)));
    const sentence = `the hub still has ${to} and no longer lets Toji's login edit it, an administrator may: ${commands}`;
    await edit(ports, { repo, from: to, to: from }, sentence);
  }
  if (undoing.value.editedAt === null) {
    await writeRecord(ports, undoing, { editedAt: ports.clock.now() }, `the hub has ${from} again`);
  }
  return { status: "edited" };
}

/** A lost reply is settled by a look: whoever cannot see the edit done throws, and is tried again. */
async function edit(
  ports: MirrorsPorts,
  { repo, from, to }: Pick<SwitchRecord, "repo" | "from" | "to">,
  denied: string,
): Promise<void> {
  ports.telemetry.info(`editing external repo ${repo}: ${from} becomes ${to}`);
  let lost: HubOutcomeUnknown | null = null;
  try {
    await write(await ports.hubWriter(), editExternalRepo(repo, to));
  } catch (error) {
    if (isDenied(error)) throw new SwitchNotPermitted(denied, { cause: error });
    if (!(error instanceof HubOutcomeUnknown)) throw error;
    lost = error;
  }
  const has = await addressNow(ports, repo);
  if (has !== null && isSameAddress(has, to)) return;
  if (lost !== null && has !== null && isSameAddress(has, from)) throw lost;
  throw changedMeanwhile(repo, has);
}

export function changedMeanwhile(repo: string, has: string | null): SwitchOvertaken {
  const what = has === null ? "the hub has no external repo of that name any more" : `the hub has ${has}`;
  return new SwitchOvertaken(`somebody changed ${repo} meanwhile: ${what}`);
}
