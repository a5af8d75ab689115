// What `plan` and `snapshot` share: the config to judge by, and one anonymous, read-only look at a hub.

import { fileURLToPath } from "node:url";
import { systemClock } from "../shared/clock.ts";
import { parseSite, type Site } from "../shared/config/index.ts";
import { connectAnonymously, type HubReader } from "../shared/hub/index.ts";
import { readInput, UsageError } from "./io.ts";

export const LOOK_OPTIONS = {
  hub: { type: "string" },
  config: { type: "string" },
  timeout: { type: "string" },
  ca: { type: "string" },
} as const;

export interface LookArgs {
  readonly hub?: string | undefined;
  readonly config?: string | undefined;
  readonly timeout?: string | undefined;
  readonly ca?: string | undefined;
}

/** What to look at, and how. */
export interface Look {
  readonly site: Site;
  readonly url: string;
  /** No --config: the site is the built-in example. */
  readonly example: boolean;
  readonly timeoutSeconds: number;
  /** PEM, for a hub whose certificate a private CA signed. */
  readonly serverCa: string | undefined;
}

const EXAMPLE = fileURLToPath(new URL("../toji.example.yml", import.meta.url));
const DEFAULT_TIMEOUT_SECONDS = 30;

/** The config and whether it is the built-in example; `--hub` wins over the config's address. */
export function readLook(args: LookArgs): Look {
  const example = args.config === undefined;
  if (example && args.hub === undefined) throw new UsageError("name the hub: --hub https://koji.example.org/kojihub");
  const site = parseSite(readInput(args.config ?? EXAMPLE), args.config ?? "the built-in example config");
  const timeoutSeconds = args.timeout === undefined ? DEFAULT_TIMEOUT_SECONDS : Number(args.timeout);
  if (!(timeoutSeconds > 0)) throw new UsageError(`--timeout ${args.timeout}: give seconds, for example --timeout 30`);
  const serverCa = args.ca === undefined ? undefined : readInput(args.ca);
  if (serverCa !== undefined && !serverCa.includes("BEGIN CERTIFICATE")) {
    throw new UsageError(`--ca ${args.ca}: it holds no PEM certificate`);
  }
  return { site, url: args.hub === undefined ? site.hub.url : hubUrl(args.hub), example, timeoutSeconds, serverCa };
}

function hubUrl(text: string): string {
  const parsed = URL.parse(text);
  if (parsed === null || (parsed.protocol !== "https:" && parsed.protocol !== "http:")) {
    throw new UsageError(`--hub ${text}: give the hub's address, for example https://koji.example.org/kojihub`);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new UsageError("--hub: leave user and password out, the hub is only read and needs no login");
  }
  return text.replace(/\/+$/, "");
}

/** Bounded: a hub that does not answer costs at most two tries. */
export function openReader({ url, timeoutSeconds, serverCa }: Look): HubReader {
  const ca = serverCa === undefined ? {} : { serverCa };
  return connectAnonymously({ url, clock: systemClock, timeoutSeconds, retries: 1, ...ca });
}
