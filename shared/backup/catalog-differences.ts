// One manifest held against the snapshots that AWS shows: what its set has left, and where the two do not agree. Pure.

import { BACKUP_TAG } from "./tags.ts";
import type { CopyRecord, Manifest, Member, MemberState, SetState } from "./types.ts";

export interface SetView {
  readonly manifest: Manifest;
  /** All snapshots found, whatever set their tag names. */
  readonly byId: ReadonlyMap<string, Member>;
  /** Those whose tag names this set. */
  readonly tagged: readonly Member[];
  readonly looked: ReadonlySet<string>;
  /** It may still be in the making. */
  readonly isYoung: boolean;
}

export interface Differences {
  readonly members: readonly Member[];
  readonly disagreements: readonly string[];
  readonly notes: readonly string[];
  /** false: deletion was decided, it is no set any more. */
  readonly counts: boolean;
}

/** A snapshot that the manifest names. */
interface Expected {
  readonly member: Member;
  /** What the manifest says of it. */
  readonly recorded: MemberState | null;
}

export function differences(view: SetView): Differences {
  const { manifest, tagged } = view;
  if (manifest.expiredAt !== null || manifest.expiring !== null) return leaving(view);
  const say = speakerOf(manifest.id);
  const failed = manifest.copies.filter(({ state }) => state === "failed");
  const expected = expectedOf(view).filter(({ member }) => view.looked.has(member.region));
  const known = new Set(expected.map(({ member }) => member.snapshot));
  const others = tagged.filter(({ snapshot }) => !known.has(snapshot));
  // What a failed copy left behind is no part of the set: its record says that it failed.
  const remains = others.filter((each) => failed.some((copy) => isOfCopy(each, copy)));
  const extra = others.filter((each) => !remains.includes(each));
  for (const { region, why } of failed) say.note(`its copy to ${region} failed${why === null ? "" : `: ${why}`}`);
  if (remains.length > 0) say.note(`${namesOf(remains)} are left of a failed copy`);
  for (const region of unseenRegions(view)) say.wrong(`has members in ${region}, which was not looked at`);
  for (const each of expected) compareMember(each, view, say);
  const making = extra.filter((each) => isCopyUnderWay(each, view));
  const unnamed = extra.filter((each) => !making.includes(each));
  if (making.length > 0) say.note(`copies under way: ${namesOf(making)}`);
  if (unnamed.length > 0) {
    const words = `${namesOf(unnamed)} are tagged as its members, and its manifest does not name them`;
    // A set in the making names them at its end; a failed one counts for nothing, and they go with it.
    if (isSound(manifest.state)) say.wrong(words);
    else say.note(words);
  }
  compareTags(view, say);
  compareCounts(view, say);
  return { ...say.said, members: [...expected.map(({ member }) => member), ...extra], counts: true };
}

function speakerOf(id: string) {
  const disagreements: string[] = [];
  const notes: string[] = [];
  return {
    said: { disagreements, notes },
    wrong: (words: string) => void disagreements.push(`set ${id}: ${words}`),
    note: (words: string) => void notes.push(`set ${id}: ${words}`),
  };
}
type Speaker = ReturnType<typeof speakerOf>;

/** A set whose deletion was decided may be half gone; one that is recorded as gone may not. */
function leaving({ manifest, tagged }: SetView): Differences {
  const say = speakerOf(manifest.id);
  if (manifest.expiredAt !== null) {
    if (tagged.length > 0) say.wrong(`is recorded as deleted, yet ${namesOf(tagged)} are there`);
  } else say.note(`is being deleted, ${tagged.length} of its snapshots are left`);
  return { ...say.said, members: [], counts: false };
}

/** Members, and copies that are made or in the making; as AWS shows them, or `missing`. */
function expectedOf({ manifest, byId }: SetView): Expected[] {
  const sources = new Map(manifest.members.map((each) => [each.snapshot, each]));
  const own = manifest.members.map((each) => ({
    member: byId.get(each.snapshot) ?? { ...each, state: "missing" as const },
    recorded: each.state,
  }));
  const copies = manifest.copies
    .filter(({ state }) => state !== "failed")
    .flatMap((copy) =>
      copy.members.map(({ snapshot, copyOf }) => ({
        member: byId.get(snapshot) ?? missingCopy(snapshot, copy.region, sources.get(copyOf)),
        recorded: copy.state === "complete" ? ("completed" as const) : null,
      })),
    );
  return [...own, ...copies];
}

function missingCopy(snapshot: string, region: string, source: Member | undefined): Member {
  return {
    volume: source?.volume ?? "",
    sizeGiB: source?.sizeGiB ?? 0,
    holds: source?.holds ?? "",
    startedAt: source?.startedAt ?? 0,
    encrypted: source?.encrypted ?? false,
    progress: "",
    tags: {},
    snapshot,
    region,
    state: "missing",
  };
}

function unseenRegions({ manifest, looked }: SetView): readonly string[] {
  const named = [
    ...manifest.members.map(({ region }) => region),
    ...manifest.copies
      .filter(({ state, members }) => state !== "failed" && members.length > 0)
      .map(({ region }) => region),
  ];
  return [...new Set(named)].filter((region) => !looked.has(region));
}

function compareMember({ member, recorded }: Expected, { manifest }: SetView, say: Speaker): void {
  const { snapshot, region, state, tags } = member;
  if (state === "missing") {
    // A set that was never whole may lack what its manifest says is missing.
    if (recorded !== "missing") say.wrong(`its snapshot ${snapshot} in ${region} is missing`);
    return;
  }
  if (recorded === "completed" && state !== "completed")
    say.wrong(`its snapshot ${snapshot} in ${region} is ${state}, and its manifest says completed`);
  const set = tags[BACKUP_TAG.set];
  if (set !== manifest.id)
    say.wrong(
      `its snapshot ${snapshot} in ${region} is tagged ${set === undefined ? "with no set" : `as of set ${set}`}`,
    );
}

function isCopyUnderWay({ region, tags }: Member, { manifest, isYoung }: SetView): boolean {
  const copyOf = tags[BACKUP_TAG.copyOf];
  const recorded = manifest.copies.some((copy) => copy.region === region && copy.state === "complete");
  return isYoung && !recorded && manifest.members.some(({ snapshot }) => snapshot === copyOf);
}

function isOfCopy({ snapshot, region, tags }: Member, copy: CopyRecord): boolean {
  return (
    copy.members.some((each) => each.snapshot === snapshot) ||
    (region === copy.region && tags[BACKUP_TAG.copyOf] !== undefined)
  );
}

/** State and grade as the tags say them: an operator reads those when the bucket is gone. */
function compareTags({ manifest, tagged }: SetView, say: Speaker): void {
  const told = { [BACKUP_TAG.state]: manifest.state, [BACKUP_TAG.grade]: manifest.grade };
  // A set in the making has neither yet.
  if (manifest.state === "pending") return;
  for (const [tag, wanted] of Object.entries(told)) {
    const wrong = tagged.filter(({ tags }) => tags[tag] !== undefined && tags[tag] !== wanted);
    const said = [...new Set(wrong.map(({ tags }) => tags[tag]))].join(", ");
    if (wrong.length > 0) say.wrong(`the tag ${tag} of ${namesOf(wrong)} says ${said}, its manifest ${wanted}`);
  }
}

/** Sets that count have as many snapshots in the hub's region as their tags promise. */
function compareCounts({ manifest, tagged }: SetView, say: Speaker): void {
  if (!isSound(manifest.state)) return;
  const home = tagged.filter(({ region, tags }) => region === manifest.region && tags[BACKUP_TAG.copyOf] === undefined);
  const promised = [...new Set(home.map(({ tags }) => tags[BACKUP_TAG.members]))].filter((each) => each !== undefined);
  for (const each of promised)
    if (Number(each) !== home.length)
      say.wrong(`has ${home.length} snapshots in ${manifest.region}, and its tags promise ${each}`);
}

/** Counts for retention, now or after its drill. */
function isSound(state: SetState): boolean {
  return state === "verified" || state === "unverified";
}

function namesOf(members: readonly Member[]): string {
  return members.map(({ snapshot }) => snapshot).join(", ");
}
