// What a look at the account finds besides the sets: snapshots nobody knows, and a hub one mistake could delete.

import type { HubInstance, HubVolume } from "./types.ts";

/** A snapshot this account owns, whatever made it. */
export interface OwnSnapshot {
  readonly snapshot: string;
  readonly volume: string;
  readonly region: string;
  readonly startedAt: number;
  readonly sizeGiB: number;
  readonly description: string;
}

export interface UnknownSnapshot extends OwnSnapshot {
  readonly ageDays: number;
  readonly sentence: string;
}

const DAY = 86_400;

/** Those that are in no set, oldest first. They are told, never deleted: somebody may count on them. */
export function auditSnapshots(
  own: readonly OwnSnapshot[],
  known: ReadonlySet<string>,
  now: number,
): readonly UnknownSnapshot[] {
  return own
    .filter(({ snapshot }) => !known.has(snapshot))
    .toSorted((a, b) => a.startedAt - b.startedAt || (a.snapshot < b.snapshot ? -1 : 1))
    .map((each) => {
      const ageDays = Math.max(0, Math.floor((now - each.startedAt) / DAY));
      const words = each.description.trim();
      const about = words === "" ? "no description" : `"${words}"`;
      const sentence = `${each.snapshot} in ${each.region} is in no set: ${ageDays} d old, ${each.sizeGiB} GiB, ${about}; it stays`;
      return { ...each, ageDays, sentence };
    });
}

/**
 * Many accounts hold more than a hub: one sentence for all of a region that are of volumes which no set knows. null = there
 * are none.
 */
export function tellOthers(others: readonly UnknownSnapshot[], region: string): string | null {
  const [oldest] = others;
  if (oldest === undefined) return null;
  const size = others.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
  const are = others.length === 1 ? "snapshot is of a volume" : "snapshots are of volumes";
  return `${others.length} more ${are} that no set knows, in ${region}: ${size} GiB, the oldest ${oldest.ageDays} d old (${oldest.snapshot}); they stay`;
}

/** What a mistaken terminate would destroy, each with the command that mends it. Empty = protected. */
export function judgeProtection(hub: HubInstance, { bootVolume }: { readonly bootVolume: boolean }): readonly string[] {
  const { instanceId, terminationProtected, volumes } = hub;
  const region = regionOf(hub);
  const modify = `aws ec2 modify-instance-attribute --region ${region} --instance-id ${instanceId}`;
  const findings: string[] = [];
  if (!terminationProtected)
    findings.push(`${instanceId} has no termination protection: ${modify} --disable-api-termination`);
  for (const volume of volumes.filter((each) => bootVolume || !each.isBoot)) {
    if (volume.deleteOnTermination) {
      const mapping = JSON.stringify([{ DeviceName: volume.device, Ebs: { DeleteOnTermination: false } }]);
      findings.push(`${nameOf(volume)} is deleted with the instance: ${modify} --block-device-mappings '${mapping}'`);
    }
  }
  return findings;
}

/** No mistake can mend or worsen it, so it is advice: there is no encrypting in place, only volumes made anew. */
export function judgeEncryption(hub: HubInstance, { bootVolume }: { readonly bootVolume: boolean }): readonly string[] {
  return hub.volumes
    .filter(({ encrypted, isBoot }) => !encrypted && (bootVolume || !isBoot))
    .map(
      (volume) =>
        `${nameOf(volume)} is not encrypted: aws ec2 enable-ebs-encryption-by-default --region ${regionOf(hub)}, then restore a set made of it`,
    );
}

/** Of a zone, and of a local zone. */
function regionOf({ zone }: Pick<HubInstance, "zone">): string {
  return /^[a-z]{2}(-[a-z]+)+-\d/.exec(zone)?.[0] ?? zone;
}

function nameOf({ volume, device, isBoot }: HubVolume): string {
  return `${volume} (${device}${isBoot ? ", boot" : ""})`;
}
