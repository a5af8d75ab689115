// What a restore makes: one volume a snapshot, of the kind, in the zone and under the device name that it had.

import type { HubInstance, HubVolume, Manifest, Member } from "../types.ts";

export type RestoreTo = "new-volumes" | "replace";

export interface VolumePlan {
  readonly snapshot: string;
  /** A mount point, "boot" or "unmounted". */
  readonly holds: string;
  /** EC2's device name. When it replaces, as it is on the hub now; else as it was when the set was made. */
  readonly device: string;
  readonly zone: string;
  readonly type: string;
  readonly iops: number | null;
  readonly throughput: number | null;
  readonly sizeGiB: number;
  /** null = the snapshot's own key. */
  readonly kmsKeyId: string | null;
  /** The hub's volume that makes room for it; null = none does. */
  readonly replaces: string | null;
}

export type RestorePlan =
  | { readonly kind: "planned"; readonly volumes: readonly VolumePlan[] }
  | { readonly kind: "refused"; readonly why: string };

/** One sentence, or null when the set may be restored. Pure. */
export function whyNotRestored(manifest: Manifest, home: string, acceptUnproven: boolean): string | null {
  const { id, state, region, members, expiring, expiredAt } = manifest;
  if (expiredAt !== null) return `${id} is gone: retention has deleted its snapshots`;
  if (expiring !== null) return `${id} is being deleted (${expiring.reason}): choose another set`;
  if (region !== home) return `${id} is of ${region} and the hub is in ${home}: restore it from there`;
  if (state === "unverified" && !acceptUnproven) {
    return `no drill has proved ${id}: drill it first, or say that you accept an unproven set`;
  }
  if (state !== "verified" && state !== "unverified")
    return `${id} is ${state}: its manifest says why; choose another set`;
  return members.length === 0 ? `${id} has no snapshots: choose another set` : null;
}

/**
 * `hub`: as it is now; null = there is none, which only `replace` minds. `replace` takes the volumes of all `mounts` and
 * never the boot volume: a hub with half of a set would have rows without files. Pure.
 */
export function planRestore(
  manifest: Manifest,
  hub: HubInstance | null,
  to: RestoreTo,
  mounts: readonly string[],
): RestorePlan {
  const members = manifest.members.filter(({ region }) => region === manifest.region);
  switch (to) {
    case "new-volumes": {
      const zone = hub?.zone ?? manifest.hub.zone;
      return { kind: "planned", volumes: members.map((member) => planBeside(member, manifest.hub, zone)) };
    }
    case "replace":
      return hub === null
        ? refuse("there is no hub whose volumes could be replaced")
        : planInPlace(members, manifest, hub, mounts);
    default: {
      const never: never = to;
      return never;
    }
  }
}

function planBeside(member: Member, then: HubInstance, zone: string): VolumePlan {
  const like = then.volumes.find(({ volume }) => volume === member.volume);
  return { ...speedOf(like), ...basics(member, zone), device: like?.device ?? "", replaces: null };
}

function planInPlace(
  members: readonly Member[],
  manifest: Manifest,
  hub: HubInstance,
  mounts: readonly string[],
): RestorePlan {
  const mounted = members.filter(({ holds }) => holds.startsWith("/"));
  const missing = mounts.filter((mount) => !mounted.some(({ holds }) => holds === mount));
  if (missing.length > 0)
    return refuse(`${manifest.id} holds no volume of ${missing.join(" and ")}: choose another set`);
  const volumes: VolumePlan[] = [];
  for (const member of mounted) {
    const device = manifest.hub.volumes.find(({ volume }) => volume === member.volume)?.device;
    const now = hub.volumes.find((volume) => volume.device === device);
    if (device === undefined || now === undefined) {
      const where = device === undefined ? "no device name is known" : `nothing is attached as ${device}`;
      return refuse(
        `${member.holds} of ${manifest.id} has no place on ${hub.instanceId}: ${where}; restore to new volumes`,
      );
    }
    if (now.isBoot) return refuse(`${device} of ${hub.instanceId} is its boot volume, which a restore never replaces`);
    const sizeGiB = Math.max(member.sizeGiB, now.sizeGiB);
    volumes.push({ ...speedOf(now), ...basics(member, hub.zone), sizeGiB, device, replaces: now.volume });
  }
  const twice = volumes.find(({ device }, index) => volumes.findIndex((other) => other.device === device) !== index);
  return twice === undefined
    ? { kind: "planned", volumes }
    : refuse(`two snapshots of ${manifest.id} were ${twice.device}: its manifest is wrong`);
}

function basics({ snapshot, holds, sizeGiB }: Member, zone: string) {
  return { snapshot, holds, sizeGiB, zone };
}

/** EC2 takes a speed for these types only, though it tells one for others too (EC2 API: CreateVolume). */
function speedOf(like: HubVolume | undefined): Pick<VolumePlan, "type" | "iops" | "throughput" | "kmsKeyId"> {
  const type = like?.type ?? "gp3";
  return {
    type,
    iops: ["gp3", "io1", "io2"].includes(type) ? (like?.iops ?? null) : null,
    throughput: type === "gp3" ? (like?.throughput ?? null) : null,
    kmsKeyId: like?.kmsKeyId ?? null,
  };
}

function refuse(why: string): RestorePlan {
  return { kind: "refused", why };
}
