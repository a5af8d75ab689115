// The user data of one launch: the variables of infra/hosts/builder/bootstrap, its files, and the call that starts it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

/** What one launch needs to know. The only secret is `identityUrl`: it expires, and its object goes at check-in. */
export interface BuilderLaunch {
  /** The hub's name for this host; also the CN of its certificate. */
  readonly slot: string;
  readonly hubUrl: string;
  /** One or more addresses, separated by spaces. */
  readonly topUrl: string;
  /** Presigned address of one PEM file with this launch's key and certificate. */
  readonly identityUrl: string;
  readonly maxJobs: number;
  readonly minSpaceMb: number;
  /** kojid's sleeptime. */
  readonly sleepSeconds: number;
  readonly hubCaPem?: string | undefined;
  /** For example /dev/nvme1n1; without it mock and kojid work on the root volume. */
  readonly dataDevice?: string | undefined;
  /** kojid's allowed_scms; without it the hub's build_from_scm policy decides. */
  readonly allowedScms?: string | undefined;
  readonly rpmbuildTimeoutSeconds?: number | undefined;
  readonly vendor?: string | undefined;
  readonly packager?: string | undefined;
  readonly distribution?: string | undefined;
  readonly mockHost?: string | undefined;
  /** kojid's plugins, separated by spaces. */
  readonly plugins?: string | undefined;
}

/** Text of each host file by its path below infra/hosts/builder. */
export type BuilderScripts = Readonly<Record<string, string>>;

/** The launch cannot be written as user data. Trying again changes nothing. */
export class UserDataError extends Error {
  override readonly name = "UserDataError";
  readonly retryable = false;
}

/** EC2's limit on user data before base64, in bytes. Source: EC2 API, RequestLaunchTemplateData.UserData. */
export const USER_DATA_LIMIT_BYTES = 16_384;

const PROGRAMS = ["bootstrap", "spot-watcher", "stop-kojid"] as const;
const OTHER_FILES = [
  "imds-guard.nft",
  "systemd/kojid.service.d/toji.conf",
  "systemd/toji-imds-guard.service",
  "systemd/toji-spot-notice.path",
  "systemd/toji-spot-watcher.service",
  "systemd/toji-stop-kojid.service",
] as const;
export const BUILDER_FILES: readonly string[] = [...PROGRAMS, ...OTHER_FILES];

const START_OF_FILES = 'mkdir -p "$toji/systemd/kojid.service.d"';
const END_OF_FILE = "TOJI_END_OF_FILE";

/** Reads the files of `<root>/infra/hosts/builder`; `root` is the repository or an unpacked Lambda bundle. */
export function readBuilderScripts(root: string): BuilderScripts {
  const directory = join(root, "infra/hosts/builder");
  return Object.fromEntries(BUILDER_FILES.map((path) => [path, readFileSync(join(directory, path), "utf8")]));
}

/**
 * The user data of a launch, gzipped (cloud-init unpacks it) and in base64, as LaunchTemplateData.UserData takes it.
 * Pure. Throws UserDataError when a field holds a private key or a control character, or the result is over 16 KB.
 */
export function renderUserData(launch: BuilderLaunch, scripts: BuilderScripts): string {
  const script = [
    "#!/bin/sh",
    "# First boot of a builder. Holds no secret but an address that expires.",
    'toji="$TOJI_ROOT/opt/toji"', // TOJI_ROOT is for tests: unset on an instance
    "set -eu",
    "umask 022",
    ...Object.entries(variablesOf(launch)).map(([name, value]) => `export ${name}=${quoteForShell(value)}`),
    START_OF_FILES,
    ...Object.entries(scripts).map(([path, text]) => writeFileCommand(path, text)),
    ...PROGRAMS.map((program) => `chmod 0755 "$toji/${program}"`),
    'exec "$toji/bootstrap"',
    "",
  ].join("\n");
  const packed = gzipSync(script, { level: 9 });
  if (packed.length > USER_DATA_LIMIT_BYTES) {
    throw new UserDataError(
      `the user data of ${launch.slot} has ${packed.length} bytes and EC2 takes ${USER_DATA_LIMIT_BYTES}: put the hub's CA into the builder image instead of hubCaPem`,
    );
  }
  return packed.toString("base64");
}

/** The variables that user data made by `renderUserData` exports. Throws UserDataError on anything else. */
export function parseUserData(base64: string): Record<string, string> {
  let script: string;
  try {
    script = gunzipSync(Buffer.from(base64, "base64")).toString("utf8");
  } catch (cause) {
    throw new UserDataError("this is not the user data of a builder: it is not gzip in base64", { cause });
  }
  const variables: Record<string, string> = {};
  for (const line of script.split("\n")) {
    if (line === START_OF_FILES) return variables;
    const exported = /^export (TOJI_[A-Z0-9_]+)='(.*)'$/s.exec(line);
    if (exported?.[1] !== undefined && exported[2] !== undefined) {
      variables[exported[1]] = exported[2].replaceAll("'\\''", "'");
    }
  }
  throw new UserDataError("this is not the user data of a builder: it starts no bootstrap");
}

function variablesOf(launch: BuilderLaunch): Record<string, string> {
  const { hubCaPem } = launch;
  if (hubCaPem !== undefined) refusePrivateKey("TOJI_HUB_CA_PEM_B64", hubCaPem);
  const values: Record<string, string | number | undefined> = {
    TOJI_SLOT: launch.slot,
    TOJI_HUB_URL: launch.hubUrl,
    TOJI_TOP_URL: launch.topUrl,
    TOJI_IDENTITY_URL: launch.identityUrl,
    TOJI_MAX_JOBS: launch.maxJobs,
    TOJI_MIN_SPACE_MB: launch.minSpaceMb,
    TOJI_SLEEP_TIME: launch.sleepSeconds,
    TOJI_HUB_CA_PEM_B64: hubCaPem === undefined ? undefined : Buffer.from(hubCaPem).toString("base64"),
    TOJI_DATA_DEVICE: launch.dataDevice,
    TOJI_ALLOWED_SCMS: launch.allowedScms,
    TOJI_RPMBUILD_TIMEOUT: launch.rpmbuildTimeoutSeconds,
    TOJI_VENDOR: launch.vendor,
    TOJI_PACKAGER: launch.packager,
    TOJI_DISTRIBUTION: launch.distribution,
    TOJI_MOCKHOST: launch.mockHost,
    TOJI_PLUGINS: launch.plugins,
  };
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) variables[name] = checkValue(name, value);
  }
  return variables;
}

/** What the shell, or kojid.conf after it, could not carry. The value itself is never repeated. */
function checkValue(name: string, value: string | number): string {
  if (typeof value === "number" && !(Number.isSafeInteger(value) && value >= 1)) {
    throw new UserDataError(`${name} must be a whole number from 1, not ${value}`);
  }
  const text = String(value);
  refusePrivateKey(name, text);
  if (/\p{Cc}/u.test(text)) throw new UserDataError(`${name} holds a control character: it must be one line of text`);
  return text;
}

function refusePrivateKey(name: string, text: string): void {
  if (text.includes("PRIVATE KEY")) {
    throw new UserDataError(`${name} holds a private key, which user data must never hold: pass its certificate only`);
  }
}

/** In single quotes a POSIX shell interprets nothing; a quote itself is closed, escaped and reopened. */
function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function writeFileCommand(path: string, text: string): string {
  if (!BUILDER_FILES.includes(path)) throw new UserDataError(`${path} is not a file of a builder`);
  if (!text.endsWith("\n") || text.split("\n").includes(END_OF_FILE)) {
    throw new UserDataError(`${path} must end with a line break and hold no line "${END_OF_FILE}"`);
  }
  return `cat >"$toji/${path}" <<'${END_OF_FILE}'\n${text}${END_OF_FILE}`;
}
