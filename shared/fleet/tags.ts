// The EC2 tags from which any pass rebuilds the state of every builder.

import type { TaggedInstance } from "../aws/ec2.ts";
import type { Slot } from "./slots.ts";
import type { Instance, Launch } from "./types.ts";

export const TAG = {
  fleet: "toji:fleet",
  slot: "toji:slot",
  profile: "toji:profile",
  launch: "toji:launch",
  templateVersion: "toji:template-version",
  checkInAfter: "toji:check-in-after",
  enabledAt: "toji:enabled-at",
  drainingAt: "toji:draining-at",
  spotNoticeAt: "toji:spot-notice-at",
  rebalanceAt: "toji:rebalance-at",
  /** Set by persons: any value counts. */
  pin: "toji:pin",
  drainNow: "toji:drain-now",
} as const;

/** `check-in-after` of a slot whose host had never checked in. */
const NEVER = "never";

/** Everything about a launch that EC2 can set as it makes the instance, so that no moment exists without it. */
export function launchTags(fleet: string, change: Launch, templateVersion: string): Record<string, string> {
  return {
    Name: change.slot,
    [TAG.fleet]: fleet,
    [TAG.slot]: change.slot,
    [TAG.profile]: change.profile,
    [TAG.launch]: change.token,
    [TAG.templateVersion]: templateVersion,
    [TAG.checkInAfter]: change.checkInAfter === null ? NEVER : String(change.checkInAfter),
  };
}

/** What an instance gets back that somebody took the tags from. `isUp`: its kojid has checked in since the launch. */
export function adoptionTags(
  fleet: string,
  { name, profile, host }: Slot,
  instance: Instance,
  { isUp, enabledAt }: { readonly isUp: boolean; readonly enabledAt: number | null },
): Record<string, string> {
  const checkIn = host?.update_ts ?? null;
  return {
    Name: name,
    [TAG.fleet]: fleet,
    [TAG.slot]: name,
    [TAG.profile]: profile.name,
    ...(instance.launch === null ? {} : { [TAG.launch]: instance.launch }),
    ...(instance.templateVersion === null ? {} : { [TAG.templateVersion]: instance.templateVersion }),
    [TAG.checkInAfter]: isUp || checkIn === null ? NEVER : String(checkIn),
    ...(enabledAt === null ? {} : { [TAG.enabledAt]: String(enabledAt) }),
  };
}

export function readTags(instance: TaggedInstance): Instance {
  const { tags, ...seen } = instance;
  return {
    ...seen,
    slot: tags[TAG.slot] ?? null,
    profile: tags[TAG.profile] ?? null,
    // Without its tag the launch itself is the line: an older check-in is never taken for this instance's.
    checkInAfter: tags[TAG.checkInAfter] === NEVER ? null : (readSeconds(tags[TAG.checkInAfter]) ?? seen.launchedAt),
    enabledAt: readSeconds(tags[TAG.enabledAt]),
    drainingAt: readSeconds(tags[TAG.drainingAt]),
    spotNoticeAt: readSeconds(tags[TAG.spotNoticeAt]),
    // EC2 sets the second one itself.
    templateVersion: tags[TAG.templateVersion] ?? tags["aws:ec2launchtemplate:version"] ?? null,
    launch: tags[TAG.launch] ?? null,
    untagged: false,
    rebalanceAt: readSeconds(tags[TAG.rebalanceAt]),
    pinned: tags[TAG.pin] !== undefined,
    drainNow: tags[TAG.drainNow] !== undefined,
  };
}

function readSeconds(text: string | undefined): number | null {
  if (text === undefined || text.trim() === "") return null;
  const seconds = Number(text);
  return Number.isFinite(seconds) ? seconds : null;
}

/** Where a launch's identity lies in the bucket. */
export function identityKey(slot: string, token: string): string {
  return `identities/${slot}/${token}.pem`;
}

/** The launch that an identity's address belongs to; null = it is none of that slot. */
export function launchOf(identityUrl: string, slot: string): string | null {
  const path = URL.canParse(identityUrl) ? decodeURIComponent(new URL(identityUrl).pathname) : "";
  const [, token = null] = /\/([0-9a-f]+)\.pem$/.exec(path) ?? [];
  return path.includes(`identities/${slot}/`) ? token : null;
}

const DESCRIPTION = "toji launch ";

/** How a launch's template version is found again, and whose it is: "toji launch TOKEN of SLOT". */
export function templateDescription(token: string, slot: string): string {
  return `${DESCRIPTION}${token} of ${slot}`;
}

/** null = no launch made the version. */
export function readDescription(description: string): { readonly token: string; readonly slot: string } | null {
  if (!description.startsWith(DESCRIPTION)) return null;
  const [token = "", slot = ""] = description.slice(DESCRIPTION.length).split(" of ");
  return { token, slot };
}
