// `toji fleet hold` and `toji fleet release`: a person's word that nothing is launched, drained or terminated for a while.

import { activeHolds, addHold, changeHand, type Hold, releaseHold } from "../../shared/fleet/index.ts";
import { EXIT, UsageError } from "../io.ts";
import { type Answer, type FleetScene, hintOf, Problem, readReason, requireStore } from "./scene.ts";
import { durationText, oneLine, readDuration, timeText } from "./words.ts";

export async function hold(scene: FleetScene): Promise<Answer> {
  const { args, now } = scene;
  const reason = readReason(args);
  if (reason === null) throw new UsageError('say why, for those who find it: --reason "hub upgrade"');
  const profile = readProfile(scene);
  if (profile !== null) requireKnown(profile, scene);
  const until = args.for === undefined ? null : now + readDuration(args.for, "--for");
  const made: Hold = { profile, since: now, by: scene.by(), reason, until };
  const { before, after } = await changeHand(requireStore(scene), now, (hand) => addHold(hand, made));
  const replaced = before.holds.find((each) => each.profile === profile && !isSame(each, made)) ?? null;
  const holds = activeHolds(after, now);
  const notes =
    profile !== null && scene.site === null
      ? [`nobody checked that a profile "${profile}" exists: --config toji.yml does`]
      : [];
  return {
    code: EXIT.fine,
    json: { ok: true, hold: made, replaced, holds, notes },
    lines: [
      ...(replaced === null ? [] : [`replaced: ${holdText(replaced, now)}`]),
      `from the next pass on nothing is launched, drained or terminated in ${scopeText(profile)} ${endText(made, now)}`,
      ...others(holds, profile).map((each) => `also held: ${holdText(each, now)}`),
      ...notes.map((note) => `note: ${note}`),
    ],
  };
}

export async function release(scene: FleetScene): Promise<Answer> {
  const { now } = scene;
  const profile = readProfile(scene);
  const { before, after } = await changeHand(requireStore(scene), now, (hand) => releaseHold(hand, profile));
  const released = before.holds.find((each) => each.profile === profile) ?? null;
  if (released === null) explainMiss(profile, before.holds, scene);
  const holds = activeHolds(after, now);
  const what = scopeText(profile);
  return {
    code: EXIT.fine,
    json: { ok: true, released, holds },
    lines: [
      released === null ? `${what} was not held: nothing to release` : `released: ${holdText(released, now)}`,
      ...holds.map((each) => `still held: ${holdText(each, now)}`),
    ],
  };
}

/** "the whole fleet, by ann since 2026-11-22 13:14:36 UTC, for another 20 min: hub upgrade" */
export function holdText(hold: Hold, now: number): string {
  const end = hold.until === null ? "until it is released" : `for another ${durationText(hold.until - now)}`;
  return oneLine(`${scopeText(hold.profile)}, by ${hold.by} since ${timeText(hold.since)}, ${end}: ${hold.reason}`);
}

function scopeText(profile: string | null): string {
  return profile === null ? "the whole fleet" : `profile ${profile}`;
}

function endText({ until, profile }: Hold, now: number): string {
  const command = `toji fleet release${profile === null ? "" : ` --profile ${profile}`}`;
  if (until === null) return `until \`${command}\``;
  return `for ${durationText(until - now)}, until ${timeText(until)} or \`${command}\``;
}

/** The answer to a write may be lost and the write tried again: then what it finds is its own. */
function isSame(a: Hold, b: Hold): boolean {
  return a.since === b.since && a.by === b.by && a.reason === b.reason;
}

function others(holds: readonly Hold[], profile: string | null): Hold[] {
  return holds.filter((each) => each.profile !== profile);
}

function readProfile({ args }: FleetScene): string | null {
  if (args.profile === "") throw new UsageError("--profile: give its name, or leave it out for the whole fleet");
  return args.profile ?? null;
}

function requireKnown(profile: string, { site, args }: FleetScene): void {
  const names = site?.builders.profiles.map((each) => each.name);
  if (names === undefined || names.includes(profile)) return;
  const hint = hintOf(profile, names) || `: it has ${names.join(", ")}`;
  throw new UsageError(`${args.config} has no profile "${profile}"${hint}`);
}

/** Nothing to release is fine, unless another name was meant. A profile that left the config may still be held. */
function explainMiss(profile: string | null, holds: readonly Hold[], scene: FleetScene): void {
  if (profile === null) return;
  const hint = hintOf(
    profile,
    holds.flatMap((each) => each.profile ?? []),
  );
  if (hint !== "") throw new Problem(`there is no hold on profile "${profile}"${hint}`);
  requireKnown(profile, scene);
}
