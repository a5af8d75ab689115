// Rules of the product broken on purpose, one by one: what the simulation must find, or it proves nothing.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./constants.ts";
import type { Rule } from "./rules.ts";

/** `find` stands exactly once in the file. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  readonly name: string;
  /** The rules that it may be found by. */
  readonly breaks: readonly [Rule, ...Rule[]];
  /** More than one where the product looks twice before it acts. */
  readonly edits: readonly [Edit, ...Edit[]];
}

const fleet = (file: string, find: string, replace: string): Edit => ({ file: `shared/fleet/${file}`, find, replace });

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "unlisted-launches-forgotten",
    breaks: ["one-instance-a-slot"],
    edits: [
      fleet("memory.ts", "return [...listed, ...unlisted.map(", "return [...listed, ...unlisted.slice(0, 0).map("),
    ],
  },
  {
    name: "terminates-with-tasks",
    breaks: ["busy-kept"],
    edits: [
      fleet(
        "protocol.ts",
        "if (slot.tasks.length > 0) return { keep: `draining: ",
        "if (false) return { keep: `draining: ",
      ),
      fleet("builders.ts", "if (tasks[0] !== undefined) throw", "if (false) throw"),
    ],
  },
  {
    name: "drain-does-not-disable",
    breaks: ["fleet-empties", "boots-end", "hub-agrees"],
    edits: [
      fleet(
        "builders.ts",
        "TAG.enabledAt);\n  await write(await ports.hubWriter(), disableHost(change.slot));",
        "TAG.enabledAt);",
      ),
    ],
  },
  {
    name: "boot-limit-ignored",
    breaks: ["boots-end"],
    edits: [
      fleet(
        "protocol.ts",
        "if (age <= bootLimitSeconds && !instance.drainNow) {",
        "if (age >= 0 && !instance.drainNow) {",
      ),
    ],
  },
  {
    name: "never-enabled",
    breaks: ["boots-end", "starts-in-time", "queue-served"],
    edits: [
      fleet("host.ts", "await write(hub, enableHost(slot));\n", ""),
      fleet(
        "builders.ts",
        "await write(await ports.hubWriter(), enableHost(change.slot));\n  await putAway",
        "await putAway",
      ),
    ],
  },
  {
    // The decision looks, and the launch once more.
    name: "enabled-at-launch-while-ready",
    breaks: ["enabled-when-safe"],
    edits: [
      fleet(
        "explain.ts",
        'enablesHost: slot.phase === "empty" && !slot.polling',
        'enablesHost: slot.phase === "empty"',
      ),
      fleet("host.ts", "now - host.update_ts <= readyTimeout", "now < host.update_ts"),
    ],
  },
  {
    name: "lost-hosts-stay-enabled",
    breaks: ["no-ghost-hosts", "hub-agrees"],
    edits: [fleet("protocol.ts", "if (!host.enabled) return null;", "if (host !== null) return null;")],
  },
  {
    name: "lost-host-disabled-with-its-tasks",
    breaks: ["tasks-come-back", "queue-served"],
    edits: [
      fleet(
        "protocol.ts",
        "if (slot.tasks.length === 0) {\n    if (!host.enabled)",
        "if (host !== null) {\n    if (!host.enabled)",
      ),
    ],
  },
  {
    name: "lost-tasks-not-freed",
    breaks: ["tasks-come-back", "queue-served"],
    edits: [fleet("builders.ts", ", ...change.taskIds.map(freeTask)", "")],
  },
  {
    name: "max-ignored",
    breaks: ["within-max"],
    edits: [fleet("pack.ts", "if (pool.room < 1) return", "if (pool.room < -99) return")],
  },
  {
    name: "instances-not-counted",
    breaks: ["within-budget"],
    edits: [
      fleet(
        "offerings.ts",
        "({ instances: 1, vcpus, dollarsPerHour: pricePerHour })",
        "({ instances: 0, vcpus, dollarsPerHour: pricePerHour })",
      ),
    ],
  },
  {
    name: "blind-to-ec2-failures",
    breaks: ["no-blind-launch", "one-instance-a-slot"],
    edits: [
      fleet(
        "observe.ts",
        'return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };',
        'return { kind: "seen", instances: [] };',
      ),
    ],
  },
  {
    name: "failed-offerings-avoided-for-ever",
    breaks: ["starts-in-time", "queue-served"],
    edits: [
      fleet("offerings.ts", "failed.filter((each) => each.until > now)", "failed"),
      fleet("memory.ts", "memory.failedOfferings.filter((each) => each.until > now)", "memory.failedOfferings"),
    ],
  },
  {
    name: "idle-builders-kept",
    breaks: ["fleet-empties"],
    edits: [
      fleet(
        "surplus.ts",
        "if (idle >= hold || (kept !== null && unfit === null)) return null;",
        "if (idle < 0) return null;",
      ),
    ],
  },
  {
    name: "called-off-drain-stays-disabled",
    breaks: ["hub-agrees", "fleet-empties", "starts-in-time", "queue-served"],
    edits: [
      fleet(
        "builders.ts",
        "await write(await ports.hubWriter(), enableHost(slot));\n  await untagInstance",
        "await untagInstance",
      ),
    ],
  },
  {
    // Either alone makes up for the other.
    name: "launch-neither-put-away-nor-swept",
    breaks: ["nothing-left-behind"],
    edits: [
      fleet("template.ts", "await ports.store.remove(identityKey(slot, token));", ""),
      fleet("sweep.ts", "removeOrphans(ports, remove, ", "removeOrphans(ports, [], "),
    ],
  },
  {
    name: "untagged-instances-not-adopted",
    breaks: ["tags-return"],
    edits: [fleet("protocol.ts", "if (instance?.untagged === true && ", "if (instance?.untagged === null && ")],
  },
  {
    name: "pin-ignored",
    breaks: ["hand-obeyed"],
    edits: [
      fleet("surplus.ts", "if (slot.instance?.pinned === true) return null;", ""),
      fleet("surplus.ts", "if (instance?.pinned === true) return describePinned(slot);", ""),
      fleet("protocol.ts", "if (instance.pinned) {", "if (false) {"),
    ],
  },
  {
    name: "hold-ignored",
    breaks: ["hand-obeyed"],
    edits: [fleet("restraint.ts", "if (hold === undefined) return null;", "if (hold !== null) return null;")],
  },
  {
    name: "disabling-by-a-person-undone",
    breaks: ["hand-obeyed"],
    edits: [
      fleet("protocol.ts", "if (slot.disabledByPerson) {", "if (false) {"),
      fleet(
        "protocol.ts",
        "if (instance === null || instance.enabledAt !== null) return null;\n  if (instance.spot",
        "if (instance === null || slot.host?.enabled) return null;\n  if (instance.spot",
      ),
    ],
  },
  {
    name: "drain-now-ignored",
    breaks: ["hand-followed"],
    edits: [fleet("surplus.ts", 'if (slot.instance?.drainNow === true) return "unwanted";', "")],
  },
  {
    name: "image-drift-ignored",
    breaks: ["hand-followed"],
    edits: [fleet("surplus.ts", 'if (isDrifted(slot)) return "drifted";', "")],
  },
  {
    name: "sweep-removes-nothing",
    breaks: ["nothing-left-behind"],
    edits: [fleet("sweep.ts", "removeOrphans(ports, remove, ", "removeOrphans(ports, [], ")],
  },
];

export function mutationNamed(name: string): Mutation {
  const found = MUTATIONS.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new Error(`no mutation "${name}": it is one of ${MUTATIONS.map((each) => each.name).join(", ")}`);
}

/** What the mutation makes of a file of the product. Throws unless each text stands in it exactly once. */
export function mutate({ name, edits }: Mutation, file: string, source: string): string {
  return edits
    .filter((edit) => edit.file === file)
    .reduce((text, { find, replace }) => {
      const parts = text.split(find);
      if (parts.length === 2) return parts.join(replace);
      throw new Error(`mutation ${name}: ${file} has its text ${parts.length - 1} times, not once: mend the table`);
    }, source);
}

export function readProduct(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}
