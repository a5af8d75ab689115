// Copies of a set in another region or account: looks what is there, starts what is missing, and says when it takes too long.

import * as z from "zod";
import { AwsCallFailed } from "../aws/errors.ts";
import { copySnapshot, listSnapshots, type Snapshot, shareSnapshot } from "../aws/snapshots.ts";
import type { CopyTarget } from "../config/index.ts";
import { setOf, stepEvent } from "./event.ts";
import { needManifest } from "./manifest.ts";
import { accountOf, nameOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { CopyRecord, Manifest, Member } from "./types.ts";

const copyEvent = stepEvent.omit({ progress: true }).extend({
  /** As `begin` answered it. */
  target: z.object({
    region: z.string(),
    roleArn: z.string().optional(),
    kmsKeyId: z.string(),
    withinHours: z.number(),
  }),
});

/** Only so many copies may be under way to one region (EBS quota); the rest is started by a later look. */
const QUOTA = "ResourceLimitExceeded";

export async function copy(ports: BackupPorts, event: unknown): Promise<CopyRecord> {
  const step = copyEvent.parse(event);
  const { target } = step;
  const manifest = await needManifest(ports.store, setOf(step));
  const ec2 = ports.clients.ec2(target);
  const there = copiesIn(await listSnapshots(ec2, { key: BACKUP_TAG.set, value: manifest.id }));
  const verdict = judgeCopies(manifest.members, there, target, ports.clock.now());
  const record = { region: target.region, account: accountOf(target) };
  if (verdict.missing.length === 0 || verdict.state === "failed") {
    if (verdict.why !== null)
      ports.telemetry.warn(`copy of set ${manifest.id} to ${nameOf(target)}: ${verdict.why}`, { setId: manifest.id });
    return { ...record, state: verdict.state, why: verdict.why, members: verdict.members };
  }
  // CopySnapshot has no token, and EC2 shows a copy only after a while: what an attempt just now may have started waits.
  const started = (await hasJustTried(ports, manifest.id, target))
    ? []
    : await start(ports, manifest, target, verdict.missing);
  return { ...record, state: "pending", why: null, members: [...verdict.members, ...started] };
}

/** EC2 shows a new snapshot within seconds, as a rule. */
const SHOWN_WITHIN_SECONDS = 120;

const attemptSchema = z.object({ set: z.string(), at: z.number() });

function attemptKey(target: CopyTarget): string {
  return `backup/copying/${[target.region, accountOf(target)].filter((each) => each !== null).join("-")}.json`;
}

async function hasJustTried({ store, clock }: BackupPorts, set: string, target: CopyTarget): Promise<boolean> {
  const stored = await store.get(attemptKey(target));
  const attempt = stored === null ? null : attemptSchema.parse(JSON.parse(stored.text));
  return attempt !== null && attempt.set === set && Math.abs(clock.now() - attempt.at) < SHOWN_WITHIN_SECONDS;
}

type Copy = Pick<Snapshot, "snapshot" | "state" | "startedAt" | "stateMessage"> & { readonly copyOf: string };

function copiesIn(snapshots: readonly Snapshot[]): Copy[] {
  return snapshots.flatMap((each) => {
    const copyOf = each.tags[BACKUP_TAG.copyOf];
    return copyOf === undefined ? [] : [{ ...each, copyOf }];
  });
}

export interface CopiesVerdict extends Pick<CopyRecord, "state" | "why" | "members"> {
  readonly missing: readonly Member[];
}

/**
 * Pure. A member's copy that failed makes the whole copy fail; one that was started twice (EC2 has no token for it) is
 * recorded twice, so that both are known and go with the set.
 */
export function judgeCopies(
  members: readonly Member[],
  copies: readonly Copy[],
  { withinHours }: Pick<CopyTarget, "withinHours">,
  now: number,
): CopiesVerdict {
  const ours = copies.filter(({ copyOf }) => members.some(({ snapshot }) => snapshot === copyOf));
  const good = ours.filter(isGood);
  const named = good.map(({ snapshot, copyOf }) => ({ snapshot, copyOf }));
  const without = members.filter(({ snapshot }) => !good.some(({ copyOf }) => copyOf === snapshot));
  const broken = ours.filter((each) => !isGood(each) && without.some(({ snapshot }) => snapshot === each.copyOf));
  const [first] = broken;
  if (first !== undefined) {
    const why = `${first.snapshot}, the copy of ${first.copyOf}, is in state ${first.state}: ${first.stateMessage ?? "EC2 gives no reason"}`;
    return { state: "failed", why, members: named, missing: [] };
  }
  const isOpen = without.length > 0 || good.some(({ state }) => state === "pending");
  const since = good.length === 0 ? now : Math.min(...good.map(({ startedAt }) => startedAt));
  if (isOpen && now - since > withinHours * 3600) {
    const why = `slow: not complete after ${withinHours} h`;
    return { state: "failed", why, members: named, missing: without };
  }
  return { state: isOpen ? "pending" : "complete", why: null, members: named, missing: without };
}

function isGood({ state }: Pick<Snapshot, "state">): boolean {
  return state === "pending" || state === "completed";
}

async function start(ports: BackupPorts, manifest: Manifest, target: CopyTarget, missing: readonly Member[]) {
  const { clients, telemetry } = ports;
  const account = accountOf(target);
  await ports.store.put(attemptKey(target), JSON.stringify({ set: manifest.id, at: ports.clock.now() }));
  const started: CopyRecord["members"][number][] = [];
  for (const member of missing) {
    const { snapshot } = member;
    telemetry.info(`copy ${snapshot} of set ${manifest.id} to ${nameOf(target)}`, { setId: manifest.id, snapshot });
    if (account !== null) await shareSnapshot(clients.ec2({ region: member.region }), snapshot, account);
    try {
      const copied = await copySnapshot(clients.ec2(target), {
        from: member.region,
        snapshot,
        kmsKeyId: target.kmsKeyId,
        tags: tagsOf(manifest, member),
        description: `Toji backup set ${manifest.id}: copy of ${snapshot} from ${member.region}`,
      });
      started.push({ snapshot: copied, copyOf: snapshot });
    } catch (error) {
      if (!(error instanceof AwsCallFailed) || error.code !== QUOTA) throw error;
      telemetry.info(`${nameOf(target)} takes no further copy now: the next look goes on`, { setId: manifest.id });
      break;
    }
  }
  return started;
}

function tagsOf({ id, site, instant, grade, state, members }: Manifest, { snapshot, holds }: Member) {
  return {
    [BACKUP_TAG.site]: site,
    [BACKUP_TAG.set]: id,
    [BACKUP_TAG.members]: String(members.length),
    [BACKUP_TAG.copyOf]: snapshot,
    [BACKUP_TAG.holds]: holds,
    [BACKUP_TAG.grade]: grade,
    [BACKUP_TAG.state]: state,
    ...(instant === null ? {} : { [BACKUP_TAG.instant]: new Date(instant * 1000).toISOString() }),
  };
}
