// What a pass leaves behind: the decision record and the metrics. The records answer "why was nothing launched at 14:02?".

import { TASK_STATE } from "../hub/index.ts";
import type { Telemetry } from "../telemetry.ts";
import type { Outcome } from "./apply.ts";
import { changeSentence } from "./explain.ts";
import { type HubPace, type MeasuredPath, measuredPaths } from "./forecast/advice.ts";
import type { FleetPorts } from "./ports.ts";
import type { Decision, Snapshot } from "./types.ts";

/** The newest decision, for `status` and the console. */
export const LATEST_DECISION = "fleet/decisions/latest.json";

/** What a task waits for before it is OPEN, as far as it was measured. */
export interface RecordedPath extends HubPace {
  readonly profiles: readonly MeasuredPath[];
}

/** Stored for every pass; kept by time only where something changed or a note was made. */
export async function recordDecision(
  { store, site }: Pick<FleetPorts, "store" | "site">,
  decision: Decision,
  outcomes: readonly Outcome[],
  epoch: number,
): Promise<void> {
  const { memory, ...record } = decision;
  const path: RecordedPath = {
    profiles: measuredPaths(memory.forecast.paths),
    runInterval: site.hub.options.runInterval,
    pollSeconds: site.builders.pollSeconds,
  };
  const text = JSON.stringify({ epoch, ...record, path, outcomes, sentences: decision.changes.map(changeSentence) });
  await store.put(LATEST_DECISION, text);
  if (decision.changes.length > 0 || decision.notes.length > 0) await store.put(decisionKey(decision.at, epoch), text);
}

/** Sorts by time: fleet/decisions/2026-11-22/13-14-36.137-7.json */
function decisionKey(at: number, epoch: number): string {
  const [day, time] = new Date(at * 1000).toISOString().slice(0, 23).split("T");
  return `fleet/decisions/${day}/${time?.replaceAll(":", "-")}-${epoch}.json`;
}

export function emitMetrics(
  telemetry: Telemetry,
  snapshot: Snapshot,
  decision: Decision,
  outcomes: readonly Outcome[],
): void {
  const seen = snapshot.hub.seen && snapshot.ec2.kind === "seen";
  telemetry.metric("PassSucceeded", "Count", seen ? 1 : 0);
  telemetry.metric("ChangesDone", "Count", outcomes.filter((each) => each.done).length);
  telemetry.metric("ChangesFailed", "Count", outcomes.filter((each) => !each.done).length);
  for (const [kind, changes] of Map.groupBy(outcomes, (each) => each.kind)) {
    telemetry.metric("Changes", "Count", changes.length, { kind });
  }
  if (!seen) return;
  if (snapshot.hub.seen) telemetry.metric("HubLatency", "Seconds", snapshot.hub.latencySeconds);
  telemetry.metric("OldestFreeSeconds", "Seconds", Math.max(0, ...decision.queue.map((bin) => bin.oldestSeconds)));
  telemetry.metric(
    "FreeTasks",
    "Count",
    decision.queue.reduce((sum, bin) => sum + bin.free, 0),
  );
  telemetry.metric("UnservedTasks", "Count", decision.unserved.length);
  telemetry.metric("StuckTasks", "Count", countStuck(snapshot, decision));
  const stopped = Map.groupBy(decision.breakers, (each) => each.stops);
  telemetry.metric("ProfilesHeldByBreaker", "Count", stopped.get("launches")?.length ?? 0);
  telemetry.metric("TerminationStopped", "Count", stopped.get("terminations")?.length ?? 0);
  telemetry.metric("StrangerInstances", "Count", countStrangers(snapshot));
  for (const { channel, arch, free, oldestSeconds } of decision.queue) {
    telemetry.metric("FreeTasks", "Count", free, { channel, arch });
    telemetry.metric("OldestFreeSeconds", "Seconds", oldestSeconds, { channel, arch });
  }
  for (const [state, builders] of Map.groupBy(decision.builders, (each) => each.phase)) {
    telemetry.metric("Builders", "Count", builders.length, { state });
  }
}

/** Tasks of builders that are silent for longer than the hub waits before it frees them. */
function countStuck({ hub }: Snapshot, { builders }: Decision): number {
  if (!hub.seen) return 0;
  const { hosts, tasks, now, options } = hub.state;
  const ours = new Set(builders.map((each) => each.slot));
  const silent = hosts.filter(
    ({ name, update_ts }) => ours.has(name) && now - (update_ts ?? now) > options.hostTimeout,
  );
  const ids = new Set(silent.map((each) => each.id));
  return tasks.filter(({ host_id, state }) => state !== TASK_STATE.FREE && host_id !== null && ids.has(host_id)).length;
}

/** Instances with our fleet's tag that are none of our builders. */
function countStrangers({ ec2 }: Snapshot): number {
  if (ec2.kind !== "seen") return 0;
  return ec2.instances.filter((each) => !each.slot && each.state !== "terminated").length;
}

/** The pass in the log: every sentence of it in one entry. */
export function logDecision(telemetry: Telemetry, decision: Decision): void {
  telemetry.info("decision", {
    changes: decision.changes.map(changeSentence),
    keep: decision.keep.map(({ builder, reason }) => `keep ${builder}: ${reason}`),
    unserved: decision.unserved.map(unservedSentence),
    notes: decision.notes,
    pricePerHour: decision.pricePerHour,
  });
}

export function unservedSentence({ taskId, method, channel, arch, reason }: Decision["unserved"][number]): string {
  return `leave task ${taskId} (${method}, ${channel}:${arch}): ${reason}`;
}
