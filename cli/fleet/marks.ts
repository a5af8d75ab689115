// `toji fleet pin`, `unpin`, `drain` and `undrain`: a person's mark on one builder, as a tag of its instance.

import { tagInstance, untagInstance } from "../../shared/aws/ec2.ts";
import { AwsCallFailed } from "../../shared/aws/errors.ts";
import { activeHolds, readHand, TAG } from "../../shared/fleet/index.ts";
import { EXIT } from "../io.ts";
import { type Found, findBuilder } from "./find.ts";
import { holdText } from "./holds.ts";
import { type Answer, type FleetScene, Problem, readReason } from "./scene.ts";
import { cut, oneLine, timeText } from "./words.ts";

/** EC2's limit for the value of a tag. */
const VALUE_CHARACTERS = 256;

export async function pin(scene: FleetScene, target: string): Promise<Answer> {
  const found = await findBuilder(scene, target);
  const name = nameOf(found);
  requireSlot(found);
  const marked = found.tags[TAG.drainNow];
  if (marked !== undefined) {
    throw new Problem(`${name} is marked to be drained${quote(marked)}: first \`toji fleet undrain ${target}\``);
  }
  const notes = found.market === "spot" ? ["it is a spot instance, and EC2 may still take it back"] : [];
  if (isDraining(found)) {
    notes.push(
      mayServeAgain(found)
        ? "Toji was draining it: the next pass calls that off"
        : "Toji has put it out of service for good: it is kept, but gets no task any more",
    );
  }
  const sentence = `from the next pass on Toji neither drains nor terminates ${name}, until \`toji fleet unpin ${target}\``;
  return setMark(scene, found, TAG.pin, sentence, notes);
}

export async function drain(scene: FleetScene, target: string): Promise<Answer> {
  const found = await findBuilder(scene, target);
  const name = nameOf(found);
  requireSlot(found);
  const pinned = found.tags[TAG.pin];
  if (pinned !== undefined)
    throw new Problem(`${name} is pinned${quote(pinned)}: first \`toji fleet unpin ${target}\``);
  const sentence = `from the next pass on ${name} gets no new task, finishes those it has, and is then terminated`;
  return setMark(scene, found, TAG.drainNow, sentence, await holdNotes(scene, found));
}

export async function unpin(scene: FleetScene, target: string): Promise<Answer> {
  const found = await findBuilder(scene, target);
  return removeMark(scene, found, TAG.pin, {
    done: `from the next pass on Toji decides about ${nameOf(found)} again`,
    nothing: `${nameOf(found)} was not pinned: nothing to do`,
  });
}

export async function undrain(scene: FleetScene, target: string): Promise<Answer> {
  const found = await findBuilder(scene, target);
  const name = nameOf(found);
  const begun = mayServeAgain(found)
    ? `the drain of ${name} has begun: the next passes call it off only if the queue needs it`
    : `the drain of ${name} has begun and cannot be called off: it finishes and goes; \`toji fleet pin ${target}\` keeps the machine`;
  return removeMark(scene, found, TAG.drainNow, {
    done: isDraining(found) ? begun : `from the next pass on Toji decides about ${name} again`,
    nothing: `${name} was not marked to be drained: nothing to do`,
  });
}

const isDraining = ({ tags }: Found): boolean => tags[TAG.drainingAt] !== undefined;

/** A builder that is put out of service for good loses this mark: shared/fleet/builders.ts. */
const mayServeAgain = ({ tags }: Found): boolean => tags[TAG.enabledAt] !== undefined;

async function setMark(
  scene: FleetScene,
  found: Found,
  tag: string,
  sentence: string,
  notes: readonly string[],
): Promise<Answer> {
  const { slot, instanceId, tags } = found;
  const was = tags[tag] ?? null;
  const value = markValue(scene);
  await tagInstance(scene.ec2, instanceId, { [tag]: value });
  return {
    code: EXIT.fine,
    json: { ok: true, slot, instanceId, tag, value, was, sentence, notes },
    lines: [
      sentence,
      ...(was === null ? [] : [`replaced the mark that was there${quote(was)}`]),
      ...notes.map((note) => `note: ${note}`),
    ],
  };
}

async function removeMark(
  { ec2 }: FleetScene,
  { slot, instanceId, tags }: Found,
  tag: string,
  sentences: { readonly done: string; readonly nothing: string },
): Promise<Answer> {
  const was = tags[tag] ?? null;
  if (was !== null) await untagInstance(ec2, instanceId, tag);
  const sentence = was === null ? sentences.nothing : sentences.done;
  return {
    code: EXIT.fine,
    json: { ok: true, slot, instanceId, tag, value: null, was, sentence, notes: [] },
    lines: [sentence, ...(was === null || was === "" ? [] : [`the mark was: ${oneLine(was)}`])],
  };
}

/** "by ann, 2026-11-22 13:14:36 UTC: looking at its mock"; only the reason is cut. */
function markValue(scene: FleetScene): string {
  const reason = readReason(scene.args);
  const who = `by ${scene.by()}, ${timeText(scene.now)}`;
  return cut(reason === null ? who : `${who}: ${reason}`, VALUE_CHARACTERS);
}

/** A hold comes first. A bucket that is not named, or cannot be read, does not keep a person from draining. */
async function holdNotes({ store, now }: FleetScene, { profile }: Found): Promise<string[]> {
  if (store === null) return ["holds were not looked at, as no --bucket is given: one would come first"];
  try {
    const { hand } = await readHand(store, now);
    const holds = activeHolds(hand, now).filter((each) => each.profile === null || each.profile === profile);
    return holds.map((each) => `it waits for the end of a hold: ${holdText(each, now)}`);
  } catch (error) {
    if (!(error instanceof AwsCallFailed)) throw error;
    return [`holds could not be looked at, and one would come first: ${error.message}`];
  }
}

/** Tags that a person took away come back in a pass: shared/fleet/observe.ts. */
function requireSlot({ slot, instanceId }: Found): void {
  if (slot !== null) return;
  const then =
    "if Toji launched it, the next pass tags it again, and you can repeat this; if not, Toji leaves it alone";
  throw new Problem(`instance ${instanceId} holds no slot: ${then}`);
}

function nameOf({ slot, instanceId }: Found): string {
  return slot === null ? instanceId : `${slot} (${instanceId})`;
}

/** A tag that was set in the console may have no value. */
function quote(value: string): string {
  return value === "" ? "" : ` (${oneLine(value)})`;
}
