// `toji plan`: which builders Toji would launch, drain and keep for a hub right now, and why. Anonymous, read-only, no AWS.

import { parseArgs } from "node:util";
import { systemClock } from "../../shared/clock.ts";
import { PRICE_TABLE } from "../../shared/config/index.ts";
import { type Change, type Decision, decide, EMPTY_MEMORY, observe, type Snapshot } from "../../shared/fleet/index.ts";
import { type Command, EXIT, type Io } from "../io.ts";
import { LOOK_OPTIONS, openReader, readLook } from "../look.ts";

export const plan: Command = {
  summary: "which builders would be launched, drained and kept right now, and why (read-only)",
  usage: [
    "usage: npx toji plan --hub URL [--config FILE] [--ca FILE] [--timeout SECONDS] [--json]",
    "",
    "Reads the hub anonymously and changes nothing; needs no AWS account. Without --config the built-in example",
    "config is used: profiles for channel default on x86_64 and aarch64 and for livemedia on x86_64. --ca names the",
    "CA certificate of a hub that no public CA vouches for.",
  ].join("\n"),
  async run(args, io) {
    const { values } = parseArgs({ args: [...args], options: { ...LOOK_OPTIONS, json: { type: "boolean" } } });
    const look = readLook(values);
    const { site, url, example } = look;
    const hubReader = openReader(look);
    try {
      const snapshot = await observe(
        { site, clock: systemClock, hubReader, ec2: null, launchTemplateId: null },
        { channelIds: [] },
        EMPTY_MEMORY.lookups,
      );
      const decision = decide(snapshot, site, EMPTY_MEMORY, systemClock.now());
      const answer = planAnswer(url, snapshot, decision, example);
      if (values.json === true) io.out(JSON.stringify(answer));
      else printPlan(answer, io);
      if (snapshot.hub.seen) return EXIT.fine;
      io.err(`toji plan: ${snapshot.hub.reason}`);
      return EXIT.problem;
    } finally {
      await hubReader.close();
    }
  },
};

interface PlanAnswer {
  readonly hub: { readonly url: string; readonly version: string | null; readonly offline: boolean };
  readonly queue: Decision["queue"];
  readonly launch: readonly { readonly profile: string; readonly count: number; readonly reason: string }[];
  readonly drain: readonly { readonly builder: string; readonly reason: string }[];
  readonly keep: readonly { readonly builder: string; readonly reason: string }[];
  readonly unserved: Decision["unserved"];
  readonly notes: readonly string[];
}

function planAnswer(url: string, { hub }: Snapshot, decision: Decision, example: boolean): PlanAnswer {
  const notes = [...decision.notes];
  if (example) {
    notes.unshift(
      "no --config was given: judged by the built-in example config (default on x86_64 and aarch64, livemedia on x86_64)",
    );
  }
  const leaves = decision.changes.filter(takesAway);
  const others = decision.changes.filter((each) => !takesAway(each) && each.kind !== "launch");
  return {
    hub: { url, version: hub.version, offline: !hub.seen && hub.offline },
    queue: decision.queue,
    launch: launchesByProfile(decision.changes),
    drain: leaves.map((each) => ({ builder: each.slot, reason: each.reason })),
    keep: [...decision.keep, ...others.map((each) => ({ builder: each.slot, reason: otherReason(each) }))],
    unserved: decision.unserved,
    notes,
  };
}

/** EC2 was not asked, and a host is enabled as its builder is launched: a silent one may be lost or on its way. */
function otherReason({ kind, reason }: Change): string {
  if (kind !== "disable-lost") return `${kind}: ${reason}`;
  return "enabled and silent, without a task: its builder boots, or is lost; a pass sees which, and disables a lost one";
}

function takesAway(change: Change): boolean {
  return change.kind === "drain" || change.kind === "terminate";
}

function launchesByProfile(changes: readonly Change[]): PlanAnswer["launch"] {
  const launches = changes.filter((each) => each.kind === "launch");
  return [...Map.groupBy(launches, (each) => each.profile)].map(([profile, group]) => {
    const first = group[0]?.offerings[0];
    const what =
      first === undefined ? "" : `${first.instanceType} ${first.market}, $${first.pricePerHour.toFixed(4)} an hour: `;
    return { profile, count: group.length, reason: `${what}${group[0]?.reason ?? ""}` };
  });
}

function printPlan(answer: PlanAnswer, io: Io): void {
  const { hub, queue, launch, drain, keep, unserved, notes } = answer;
  io.out(`hub ${hub.url} (Koji ${hub.version ?? "version unknown"})`);
  const free = queue.reduce((sum, bin) => sum + bin.free, 0);
  io.out(free === 0 ? "queue: no FREE task" : `queue: ${free} FREE task(s)`);
  for (const bin of queue) {
    io.out(`  ${bin.channel}:${bin.arch}  ${bin.free} free, oldest ${bin.oldestSeconds} s, weight ${bin.weight}`);
  }
  for (const each of launch) io.out(`launch ${each.count} ${each.profile} (${each.reason})`);
  for (const each of drain) io.out(`drain ${each.builder}: ${each.reason}`);
  for (const each of keep) io.out(`keep ${each.builder}: ${each.reason}`);
  for (const each of unserved) {
    io.out(`leave task ${each.taskId} (${each.method}, ${each.channel}:${each.arch}): ${each.reason}`);
  }
  if (launch.length + drain.length + keep.length === 0) io.out("no change: nothing to launch, drain or keep");
  for (const note of notes) io.out(`note: ${note}`);
  if (launch.length > 0)
    io.out(`note: prices of ${PRICE_TABLE.region}, ${PRICE_TABLE.asOf}, where the config gives none`);
}
