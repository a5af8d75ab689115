// One pass: observe, decide, apply, record. And one invocation: passes every few seconds while there is something to do.

import { AwsCallFailed } from "../aws/errors.ts";
import { acquireLease, type Lease } from "../aws/lease.ts";
import { apply } from "./apply.ts";
import { decide } from "./decide.ts";
import { readHand } from "./hand.ts";
import { type ObserveCache, observe } from "./observe.ts";
import type { FleetPorts } from "./ports.ts";
import { emitMetrics, logDecision, recordDecision } from "./record.ts";
import { readMemory } from "./stored-memory.ts";
import { readUnderWay, shownLaunches } from "./template.ts";
import { type Decision, EMPTY_MEMORY, type Memory, type Snapshot } from "./types.ts";

const LEASE_KEY = "fleet/lease.json";
const MEMORY_KEY = "fleet/memory.json";

/** Longer than an invocation can live (serverless.yml: 90 s), so that it never ends under a pass that is at work. */
const LEASE_SECONDS = 120;
/** A change is not begun with less than this left: the slowest one is a few calls. */
const LEASE_MARGIN_SECONDS = 30;
/** Between passes of one invocation; a schedule cannot tick faster than once a minute. */
const PASS_GAP_SECONDS = 10;
/** After this the next tick's invocation takes over. */
const INVOCATION_SECONDS = 50;

export interface InvocationResult {
  readonly passes: number;
  /** Why there was no pass, or null. */
  readonly skipped: string | null;
  readonly last: Decision | null;
}

/** `owner` names this invocation in the lease. Another one at work is no error: its passes see what this one would. */
export async function runInvocation(ports: FleetPorts, cache: ObserveCache, owner: string): Promise<InvocationResult> {
  const lease = await acquireLease(ports.store, ports.clock, LEASE_KEY, owner, LEASE_SECONDS);
  if ("heldBy" in lease) {
    const skipped = `no pass: ${lease.heldBy} is the one writer until ${new Date(lease.until * 1000).toISOString()}`;
    ports.telemetry.info(skipped);
    return { passes: 0, skipped, last: null };
  }
  const end = ports.clock.now() + INVOCATION_SECONDS;
  let passes = 0;
  let last: Decision;
  try {
    let memory = await loadMemory(ports);
    for (;;) {
      const pass = await runPass(ports, cache, memory, lease);
      passes += 1;
      last = pass.decision;
      memory = pass.memory;
      const goesOn = ports.site.builders.watchAtRest || hasMoreToDo(last);
      if (!goesOn || ports.clock.now() + PASS_GAP_SECONDS >= end) break;
      await ports.clock.sleep(PASS_GAP_SECONDS);
      await lease.renew();
    }
  } finally {
    await lease.release();
  }
  return { passes, skipped: null, last };
}

async function runPass(
  ports: FleetPorts,
  cache: ObserveCache,
  stored: StoredMemory,
  lease: Lease,
): Promise<{ readonly decision: Decision; readonly memory: StoredMemory }> {
  const { hand } = await readHand(ports.store, ports.clock.now());
  const seen = await observe(ports, cache, stored.memory.lookups, hand);
  const { snapshot, memory: known } = stored.isNew
    ? await withUnderWay(ports, seen, stored.memory)
    : { snapshot: seen, memory: stored.memory };
  const decision = decide(snapshot, ports.site, known, ports.clock.now());
  logDecision(ports.telemetry, decision);
  const instances = snapshot.ec2.kind === "seen" ? snapshot.ec2.instances : [];
  const applied = await apply(decision, instances, ports, () => lease.remaining() > LEASE_MARGIN_SECONDS);
  const memory = await saveMemory(ports, stored, applied.memory, lease.epoch);
  await recordDecision(ports, decision, applied.outcomes, lease.epoch);
  emitMetrics(ports.telemetry, snapshot, decision, applied.outcomes);
  return { decision, memory };
}

/** When the memory of launches under way is lost, the template tells of them: they count in the budget. */
async function withUnderWay(
  ports: FleetPorts,
  snapshot: Snapshot,
  memory: Memory,
): Promise<{ readonly snapshot: Snapshot; readonly memory: Memory }> {
  if (snapshot.ec2.kind !== "seen") return { snapshot, memory };
  const shown = shownLaunches(snapshot.ec2.instances);
  try {
    return { snapshot, memory: { ...memory, uncertain: await readUnderWay(ports, shown) } };
  } catch (error) {
    if (!(error instanceof AwsCallFailed)) throw error;
    return { snapshot: { ...snapshot, ec2: { kind: "failed", reason: error.message } }, memory };
  }
}

/** Tasks wait that a builder can serve, or a builder is on its way in or out: the next look should come soon. */
function hasMoreToDo({ queue, unserved, changes, builders }: Decision): boolean {
  const waiting = queue.reduce((sum, bin) => sum + bin.free, 0) - unserved.length;
  const moving = builders.some(({ phase }) => phase !== "serving" && phase !== "stopped" && phase !== "unknown");
  return waiting > 0 || changes.length > 0 || moving;
}

interface StoredMemory {
  readonly memory: Memory;
  /** The same as it was last read or written, for comparing. */
  readonly json: string;
  readonly etag: string;
  /** There was none, or none that could be read. */
  readonly isNew: boolean;
}

async function loadMemory({ store, telemetry }: FleetPorts): Promise<StoredMemory> {
  const stored = await store.get(MEMORY_KEY);
  const { memory, forgotten } = stored === null ? { memory: EMPTY_MEMORY, forgotten: null } : readMemory(stored.text);
  if (forgotten !== null) telemetry.warn(forgotten);
  const isNew = stored === null || forgotten !== null;
  return { memory, json: JSON.stringify(memory), etag: stored?.etag ?? "absent", isNew };
}

/** Conditional on what was read: a writer that lost its lease unnoticed cannot overwrite its successor's memory. */
async function saveMemory(
  ports: FleetPorts,
  stored: StoredMemory,
  memory: Memory,
  epoch: number,
): Promise<StoredMemory> {
  const json = JSON.stringify(memory);
  if (json === stored.json) return stored;
  const { etag } = await ports.store.put(MEMORY_KEY, `{"epoch":${epoch},${json.slice(1)}`, stored.etag);
  return { memory, json, etag, isNew: false };
}
