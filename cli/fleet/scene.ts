// Where a `toji fleet` command acts, and by whose hand: options, environment and site document put together.

import type { AwsClients, ClientOptions } from "../../shared/aws/clients.ts";
import { type ObjectStore, openStore } from "../../shared/aws/store.ts";
import type { Clock } from "../../shared/clock.ts";
import { nearestOf, parseSite, type Site } from "../../shared/config/index.ts";
import { readInput, UsageError } from "../io.ts";
import { oneLine } from "./words.ts";

export const FLEET_OPTIONS = {
  bucket: { type: "string" },
  region: { type: "string" },
  endpoint: { type: "string" },
  fleet: { type: "string" },
  config: { type: "string" },
  json: { type: "boolean" },
  profile: { type: "string" },
  reason: { type: "string" },
  for: { type: "string" },
  by: { type: "string" },
} as const;

type OptionName = keyof typeof FLEET_OPTIONS;
export type FleetArgs = {
  readonly [Name in OptionName]?:
    | ((typeof FLEET_OPTIONS)[Name]["type"] extends "boolean" ? boolean : string)
    | undefined;
};

/** Options of every action; the others are named by those that take them. */
export const COMMON_OPTIONS: readonly OptionName[] = ["bucket", "region", "endpoint", "fleet", "config", "json"];

/** What the command has of the world outside. */
export interface FleetWorld {
  open(options: ClientOptions): Pick<AwsClients, "ec2" | "s3" | "presignGet">;
  readonly clock: Pick<Clock, "now">;
  readonly env: Readonly<Record<string, string | undefined>>;
  userName(): string;
}

export interface FleetScene {
  readonly args: FleetArgs;
  readonly ec2: AwsClients["ec2"];
  readonly fleet: string;
  /** null = no --config. */
  readonly site: Site | null;
  /** null = not named; only what cannot do without it asks for it. */
  readonly bucket: string | null;
  readonly store: ObjectStore | null;
  readonly now: number;
  /** Who acts; asked only where it is written down. */
  by(): string;
}

/** What an action answers: lines for persons, or one object for programs. */
export interface Answer {
  readonly code: number;
  readonly lines: readonly string[];
  readonly json: object;
}

/** It cannot be done as the world is: one sentence on stderr, exit 1, and nothing was done. */
export class Problem extends Error {
  override readonly name = "Problem";
}

const FLEET_NAME = /^[a-z0-9][a-z0-9-]*$/;
/** A person waits for it. */
const TIMEOUT_SECONDS = 15;

export function openScene(args: FleetArgs, world: FleetWorld): FleetScene {
  const site = args.config === undefined ? null : parseSite(readInput(args.config), args.config);
  const fleet = args.fleet ?? site?.builders.fleet ?? "toji";
  // EC2's tag filters know wildcards: a name like "*" would mean every fleet of the account.
  if (!FLEET_NAME.test(fleet)) throw new UsageError(`--fleet ${fleet}: use lower-case letters, digits and dashes`);
  const bucket = args.bucket ?? world.env.TOJI_BUCKET ?? null;
  if (bucket === "") throw new UsageError("--bucket: give its name");
  const clients = world.open(clientOptions(args, world.env));
  return {
    args,
    ec2: clients.ec2,
    fleet,
    site,
    bucket,
    store: bucket === null ? null : openStore(clients, bucket),
    now: world.clock.now(),
    by() {
      const by = oneLine(args.by ?? world.userName());
      if (by === "") throw new UsageError("--by: say who you are");
      return by;
    },
  };
}

function clientOptions({ region, endpoint }: FleetArgs, env: FleetWorld["env"]): ClientOptions {
  if (endpoint === undefined) return { timeoutSeconds: TIMEOUT_SECONDS, ...(region === undefined ? {} : { region }) };
  const url = URL.parse(endpoint);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new UsageError(`--endpoint ${endpoint}: give an address, for example http://127.0.0.1:4082`);
  }
  // A sandbox has no regions, and signing needs one.
  return { timeoutSeconds: TIMEOUT_SECONDS, endpoint, region: region ?? env.AWS_REGION ?? "us-east-1" };
}

export function requireStore({ store }: FleetScene): ObjectStore {
  if (store !== null) return store;
  throw new UsageError("name Toji's bucket: --bucket NAME or TOJI_BUCKET (output BucketName of the stack)");
}

/** "--reason is missing" in the words of the action; null = not given. */
export function readReason({ reason }: FleetArgs): string | null {
  if (reason === undefined) return null;
  const text = oneLine(reason);
  if (text === "") throw new UsageError('--reason: say why, for example --reason "hub upgrade"');
  return text;
}

/** The nearest name; a host name may also be meant by its first part. */
export function hintOf(word: string, names: readonly string[]): string {
  const nearest = names.find((name) => name.startsWith(`${word}.`)) ?? nearestOf(word, names);
  return nearest === undefined ? "" : `, did you mean "${nearest}"?`;
}
