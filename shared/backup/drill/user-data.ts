// The user data of a drill's instance: the variables of infra/hosts/hub/drill/drill, its files, and the call that starts it.

import { gzipSync } from "node:zlib";

export interface DrillUserData {
  /** Id of the drill. */
  readonly drill: string;
  /** The tree first, the database last; one entry if they share a volume. `device` is the name that RunInstances is given. */
  readonly mounts: readonly { readonly mount: string; readonly device: string }[];
  /** Name of Koji's database. */
  readonly database: string;
  /** So many files are read and their checksums compared. */
  readonly sample: number | "all";
  /** Chooses which. */
  readonly seed: string;
  /** For the whole script, from its start. */
  readonly limitSeconds: number;
  /** Text of a file by its path below infra/hosts/hub. */
  readonly scripts: (name: string) => string;
}

/** What the instance is given, by their paths below infra/hosts/hub. */
export const DRILL_FILES = [
  "drill/drill",
  "drill/check-tree",
  "drill/check-payloads",
  "drill/expected-files.sql",
  "drill/sanitise.sql",
  "drill/smoke",
] as const;

/** EC2's limit on user data before base64, in bytes. Source: EC2 API, RunInstancesRequest.UserData. */
const LIMIT_BYTES = 16_384;

const END_OF_FILE = "TOJI_END_OF_FILE";

/** Gzipped (cloud-init unpacks it) and in base64, as RunInstances takes it. Pure. Throws a TypeError or RangeError. */
export function drillUserData(input: DrillUserData): string {
  const { drill, mounts, database, sample, seed, limitSeconds, scripts } = input;
  if (mounts.length === 0) throw new TypeError("a drill needs at least one mount");
  const variables = {
    TOJI_DRILL: drill,
    TOJI_MOUNTS: mounts.map(pair).join(" "),
    TOJI_DATABASE: database,
    TOJI_SAMPLE: String(sample),
    TOJI_SEED: seed,
    TOJI_LIMIT: String(limitSeconds),
  };
  const text = [
    "#!/bin/bash",
    "# The drill of a backup set. Holds no secret.",
    'toji="$TOJI_ROOT/opt/toji"', // TOJI_ROOT is for tests: unset on an instance
    "set -eu",
    "umask 022",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoteForShell(name, value)}`),
    'mkdir -p "$toji/drill"',
    ...DRILL_FILES.map((path) => writeFileCommand(path, scripts(path))),
    'exec bash "$toji/drill/drill"',
    "",
  ].join("\n");
  const packed = gzipSync(text, { level: 9 });
  if (packed.length > LIMIT_BYTES)
    throw new RangeError(`the drill's user data has ${packed.length} bytes and EC2 takes ${LIMIT_BYTES}: shorten it`);
  return packed.toString("base64");
}

function pair({ mount, device }: DrillUserData["mounts"][number]): string {
  if (/[\s=]/.test(mount + device)) throw new TypeError(`a mount or device may hold no space and no "=": ${mount}`);
  return `${mount}=${device}`;
}

function quoteForShell(name: string, value: string): string {
  if (/\p{Cc}/u.test(value))
    throw new TypeError(`${name} holds a control character, which a shell variable cannot carry`);
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function writeFileCommand(path: string, text: string): string {
  if (text.split("\n").includes(END_OF_FILE)) throw new TypeError(`${path} may not hold the line ${END_OF_FILE}`);
  return `cat >"$toji/${path}" <<'${END_OF_FILE}'\n${text.replace(/\n?$/, "\n")}${END_OF_FILE}`;
}
