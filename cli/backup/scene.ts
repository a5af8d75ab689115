// Where a `toji backup` command acts, and by whose hand: options, environment, site document and bucket put together.

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { type BackupClients, openBackupClients } from "../../shared/aws/backup-clients.ts";
import type { ObjectStore } from "../../shared/aws/store.ts";
import { type CatalogFile, CatalogUnreadable, readCatalogFile } from "../../shared/backup/catalog-file.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import { parseSite, type Site } from "../../shared/config/index.ts";
import { Problem } from "../fleet/scene.ts";
import { oneLine } from "../fleet/words.ts";
import { readInput, UsageError } from "../io.ts";
import { bucketOf, clientOptions, regionOf, requireMachineArn, storeIn } from "../place.ts";
import { processUserName } from "../user-name.ts";

export const BACKUP_OPTIONS = {
  bucket: { type: "string" },
  region: { type: "string" },
  endpoint: { type: "string" },
  config: { type: "string" },
  json: { type: "boolean" },
  machine: { type: "string" },
  reason: { type: "string" },
  by: { type: "string" },
  wait: { type: "boolean" },
  to: { type: "string" },
  confirm: { type: "string" },
  "accept-unproven": { type: "boolean" },
} as const;

type OptionName = keyof typeof BACKUP_OPTIONS;
export type BackupArgs = {
  readonly [Name in OptionName]?:
    | ((typeof BACKUP_OPTIONS)[Name]["type"] extends "boolean" ? boolean : string)
    | undefined;
};

/** Options of every action; the others are named by those that take them. */
export const COMMON_OPTIONS: readonly OptionName[] = ["bucket", "region", "endpoint", "config", "json"];

export type MachineName = "backup" | "drill" | "restore";
export const MACHINE_NAMES: readonly MachineName[] = ["backup", "drill", "restore"];

export type SceneClients = Pick<BackupClients, "s3" | "presignGet" | "sfn">;

/** What the command has of the world outside. */
export interface BackupWorld {
  open(region: string, options: { readonly endpoint?: string; readonly timeoutSeconds: number }): SceneClients;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  userName(): string;
  /** Four hexadecimal digits that nobody else has just now. */
  token(): string;
  /** One line that a person types; empty at the end of the input. */
  ask(question: string): Promise<string>;
}

/** The process's own world; tests bring another. */
export const PROCESS_WORLD: BackupWorld = {
  open: openBackupClients,
  clock: systemClock,
  env: process.env,
  userName: processUserName,
  token: () => randomBytes(2).toString("hex"),
  // The question is no result: stdout stays free for those.
  ask(question) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    return new Promise((resolve) => {
      lines.once("close", () => resolve(""));
      // Not question(): it does not get a last line that no line end follows.
      lines.once("line", (answer) => {
        resolve(answer);
        lines.close();
      });
      lines.setPrompt(question);
      lines.prompt();
    });
  },
};

export interface BackupScene {
  readonly args: BackupArgs;
  /** null = no --config. */
  readonly site: Site | null;
  readonly clients: SceneClients;
  /** Throws UsageError when no bucket is named. */
  store(): ObjectStore;
  readonly clock: Clock;
  readonly now: number;
  /** Read once; null = nobody has written it yet, or no bucket is named. */
  catalog(): Promise<CatalogFile | null>;
  /** Throws Problem when nobody says where it is. */
  machine(name: MachineName): Promise<string>;
  by(): string;
  token(): string;
  ask(question: string): Promise<string>;
  /** For persons who wait; not a word of it with --json. */
  say(line: string): void;
}

export function openScene(args: BackupArgs, world: BackupWorld, out: (line: string) => void): BackupScene {
  const { env, clock } = world;
  const site = args.config === undefined ? null : parseSite(readInput(args.config), args.config);
  const bucket = bucketOf(args, env);
  const clients = world.open(regionOf(args, env), clientOptions(args));
  const store = () => storeIn(clients, bucket);
  let read: Promise<CatalogFile | null> | undefined;
  const catalog = () => {
    read ??= bucket === null ? Promise.resolve(null) : readCatalog(store());
    return read;
  };
  return {
    ...{ args, site, clients, store, clock, catalog },
    now: clock.now(),
    machine: (name) => machineArn(name, args, env, catalog),
    by() {
      const by = oneLine(args.by ?? world.userName());
      if (by === "") throw new UsageError("--by: say who you are");
      return by;
    },
    token: () => world.token(),
    ask: (question) => world.ask(question),
    say(line) {
      if (args.json !== true) out(line);
    },
  };
}

async function readCatalog(store: ObjectStore): Promise<CatalogFile | null> {
  try {
    return await readCatalogFile(store);
  } catch (error) {
    if (error instanceof CatalogUnreadable) throw new Problem(error.message, { cause: error });
    throw error;
  }
}

/** --machine, the environment, or what the last look at the sets wrote into the bucket. */
async function machineArn(
  name: MachineName,
  args: BackupArgs,
  env: BackupWorld["env"],
  catalog: () => Promise<CatalogFile | null>,
): Promise<string> {
  const variable = `TOJI_${name.toUpperCase()}_MACHINE`;
  const given = args.machine ?? env[variable];
  const arn = given === undefined || given === "" ? (await catalog())?.machines[name] : given;
  if (arn === undefined || arn === null) {
    throw new Problem(
      `nobody says where the ${name} machine is: give its ARN as --machine or ${variable}, or --bucket once the stack's hourly look at the sets has run`,
    );
  }
  return requireMachineArn(arn);
}
