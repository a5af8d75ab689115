// What Toji changes on the hub. Every write may be repeated: what is already so is an outcome, not an error.

import { HubFault, HubWriteAlreadyDone } from "./faults.ts";
import type { HubCall, HubCaller } from "./session.ts";
import { named } from "./xmlrpc/encode.ts";
import { XmlRpcDouble, type XmlRpcValue } from "./xmlrpc/values.ts";

export interface HubWrite {
  readonly call: HubCall;
  /** The hub refused because it already is as the write would make it. */
  already(fault: HubFault): boolean;
}

/** `unseen`: the multiCall was done and its reply lost, so this part of it was done unless the hub refused it. */
export type WriteOutcome = "done" | "already" | "unseen";

/** Throws the hub's fault, and what else `HubCaller.call` throws but HubWriteAlreadyDone, which is "done". */
export async function write(caller: HubCaller, { call, already }: HubWrite): Promise<"done" | "already"> {
  try {
    await caller.call(call.method, call.params);
    return "done";
  } catch (error) {
    if (error instanceof HubWriteAlreadyDone) return "done";
    if (error instanceof HubFault && already(error)) return "already";
    throw error;
  }
}

/** All in one multiCall, in this order: a refused one is undone alone and has its fault as the outcome. */
export async function writeAll(
  caller: HubCaller,
  writes: readonly HubWrite[],
): Promise<readonly (WriteOutcome | HubFault)[]> {
  try {
    const outcomes = await caller.multiCall(writes.map(({ call }) => call));
    return outcomes.map((outcome, index) => {
      if (outcome.ok) return "done";
      return writes[index]?.already(outcome.fault) ? "already" : outcome.fault;
    });
  } catch (error) {
    if (error instanceof HubWriteAlreadyDone) return writes.map(() => "unseen" as const);
    throw error;
  }
}

/** Makes the host and its user, enabled at once, in channel `default`, with capacity 2.0. */
export const addHost = (name: string, arches: readonly string[]): HubWrite =>
  // An array: of a string the hub would take every letter for an arch.
  hubWrite("addHost", [name, arches], (text) => text === `host already exists: ${name}`);

export interface HostEdit {
  /** Separated by spaces. */
  readonly arches?: string;
  /** Must be above 1, a constraint of the hub's database. */
  readonly capacity?: number;
  readonly description?: string;
  readonly comment?: string;
}

export const editHost = (name: string, { capacity, ...texts }: HostEdit): HubWrite =>
  hubWrite(
    "editHost",
    named([name], { capacity: capacity === undefined ? undefined : new XmlRpcDouble(capacity), ...texts }),
  );

/** Writes a row of history even when the host is enabled. */
export const enableHost = (name: string): HubWrite => hubWrite("enableHost", [name]);

/** Writes a row of history even when the host is disabled. The hub no longer frees the tasks of a disabled host. */
export const disableHost = (name: string): HubWrite => hubWrite("disableHost", [name]);

export const addHostToChannel = (name: string, channel: string): HubWrite =>
  hubWrite(
    "addHostToChannel",
    [name, channel],
    (text) => text === `host ${name} is already subscribed to the ${channel} channel`,
  );

export const removeHostFromChannel = (name: string, channel: string): HubWrite =>
  hubWrite(
    "removeHostFromChannel",
    [name, channel],
    (text) => text === `host ${name} is not subscribed to the ${channel} channel`,
  );

/** Needs the permission admin; `host` is not enough. */
export const freeTask = (taskId: number): HubWrite =>
  // Of a FREE task the hub says that there is none, for it takes state 0 for a missing one; of a missing one it says
  // "query returned no rows" (transcripts freeTask-already-free, freeTask-missing).
  hubWrite("freeTask", [taskId], (text) => text === `No such task: ${taskId}`);

function hubWrite(
  method: string,
  params: readonly XmlRpcValue[],
  saysAlready: (faultString: string) => boolean = () => false,
): HubWrite {
  // Code 1000 is all that the hub gives these, so its words have to tell; they are those of 1.35.3.
  return { call: { method, params }, already: (fault) => fault.code === 1000 && saysAlready(fault.faultString) };
}
