// The commands by name. What each is for stands here, and its code is read when it is run: together they are some 600
// modules and 200 MB, of which each command needs a part.

import type { Command } from "../io.ts";

export interface ListedCommand extends Pick<Command, "summary"> {
  load(): Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, ListedCommand>> = {
  plan: {
    summary: "which builders would be launched, drained and kept right now, and why (read-only)",
    load: async () => (await import("./plan.ts")).plan,
  },
  fleet: {
    summary: "what the last pass did and why; hold the fleet, pin or drain a builder",
    load: async () => (await import("./fleet.ts")).fleetCommand(),
  },
  backup: {
    summary: "backup sets of the hub: make, list, prove by a restore, bring back",
    load: async () => (await import("./backup.ts")).backupCommand(),
  },
  mirrors: {
    summary: "external repos: checked before a build trusts them, listed, switched",
    load: async () => (await import("./mirrors.ts")).mirrorsCommand(),
  },
  snapshot: {
    summary: "a hub's hosts, tasks, runs and refusals as one line of JSON (read-only)",
    load: async () => (await import("./snapshot.ts")).snapshot,
  },
  schedule: {
    summary: "what the hub's scheduler would do to a state from a file",
    load: async () => (await import("./schedule.ts")).schedule,
  },
  trace: {
    summary: "a hub's history of tasks as a file for toji replay (read-only)",
    load: async () => (await import("./trace.ts")).trace,
  },
  replay: {
    summary: "a history of tasks played against Toji and other scalers: waits, dollars, bounds",
    load: async () => (await import("./replay.ts")).replay,
  },
  config: {
    summary: "check FILE, print the schema, or explain how the secrets are made (init)",
    load: async () => (await import("./config.ts")).config,
  },
};
