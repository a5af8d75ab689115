// `toji mirrors check`: looks at mirrors from here, as the deployed functions do, and says what it thinks of each.

import { setFlagsFromString } from "node:v8";
import { systemClock } from "../../shared/clock.ts";
import { type MirrorsConfig, mirrorsSchema } from "../../shared/config/index.ts";
import {
  type Depth,
  eachOf,
  expandArch,
  gather,
  type Judgement,
  judge,
  type LookOrder,
  lookSettings,
  type MirrorFetcher,
  type MirrorRules,
  openFetcher,
  rulesOf,
} from "../../shared/mirrors/look.ts";
import type { Answer } from "../fleet/scene.ts";
import { EXIT, type Io, readInput, UsageError } from "../io.ts";
import type { HubLook } from "./check-hub.ts";
import { readLast } from "./last-file.ts";
import { lookLines } from "./words.ts";

export const CHECK_OPTIONS = {
  arch: { type: "string", multiple: true },
  reference: { type: "string" },
  metalink: { type: "string" },
  key: { type: "string", multiple: true },
  last: { type: "string" },
  depth: { type: "string", default: "full" },
  config: { type: "string" },
  hub: { type: "string" },
  ca: { type: "string" },
  timeout: { type: "string" },
  json: { type: "boolean" },
} as const;

export interface CheckArgs {
  readonly arch?: readonly string[] | undefined;
  readonly reference?: string | undefined;
  readonly metalink?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly last?: string | undefined;
  readonly depth?: string | undefined;
  readonly config?: string | undefined;
  readonly hub?: string | undefined;
  readonly ca?: string | undefined;
  readonly timeout?: string | undefined;
  readonly json?: boolean | undefined;
}

/** What is looked at: a URL with $arch replaced, and the rules it is judged by. */
export interface Target {
  readonly url: string;
  readonly arch: string;
  readonly rules: MirrorRules;
  readonly live: LookOrder["live"];
}

/** One element of the JSON answer, which `--last` reads again. */
export interface Looked extends Pick<Judgement, "verdict" | "checks" | "metadata" | "accepted"> {
  readonly url: string;
  readonly arch: string;
}

/** Looks at one time; each host has its own limit (8 connections). */
const LOOKS_AT_ONCE = 48;
const DEPTHS: readonly Depth[] = ["head", "metadata", "full"];

export async function check(args: CheckArgs, urls: readonly string[], io: Io): Promise<Answer> {
  keepYoungSmall();
  const { mirrors, timeoutSeconds } = await settingsOf(args);
  const depth = readDepth(args.depth);
  const last = args.last === undefined ? [] : readLast(args.last);
  const fetcher = openFetcher(caOf(args, mirrors));
  try {
    const targets =
      urls.length > 0 || args.metalink !== undefined
        ? targetsOf(args, urls, mirrors)
        : await targetsOfHub(args, fetcher, depth, timeoutSeconds, io);
    const settings = {
      ...lookSettings(mirrors),
      ...(timeoutSeconds === null ? {} : { budgetSeconds: timeoutSeconds }),
    };
    const looked = await eachOf(targets, LOOKS_AT_ONCE, async ({ url, arch, rules, live }) => {
      const before = last.find((each) => each.url === url && each.arch === arch)?.accepted ?? null;
      const order = { url, arch, depth, trust: rules.trust, last: before, live, settings, turn: 0 };
      return await lookAt(fetcher, order, rules);
    });
    const bad = looked.some(({ entry }) => entry.verdict !== "ok");
    return {
      code: bad ? EXIT.problem : EXIT.fine,
      json: looked.map(({ entry }) => entry),
      lines: looked.flatMap(({ lines }) => lines),
    };
  } finally {
    await fetcher.close();
  }
}

async function lookAt(fetcher: MirrorFetcher, order: LookOrder, rules: MirrorRules) {
  const evidence = await gather(fetcher, order, systemClock.now());
  const judgement = judge(evidence, order.last, rules, systemClock.now());
  const { verdict, checks, metadata, accepted } = judgement;
  const entry: Looked = { url: order.url, arch: order.arch, verdict, checks, metadata, accepted };
  return { entry, lines: lookLines(evidence, judgement) };
}

/** A person's look verifies everything anew: nothing is left out because an earlier look has read it. */
async function settingsOf(
  args: CheckArgs,
): Promise<{ readonly mirrors: MirrorsConfig; readonly timeoutSeconds: number | null }> {
  const timeoutSeconds = args.timeout === undefined ? null : Number(args.timeout);
  if (timeoutSeconds !== null && !(timeoutSeconds > 0))
    throw new UsageError(`--timeout ${args.timeout}: give seconds for each look, for example --timeout 60`);
  const configured =
    args.config === undefined ? undefined : (await hubSide()).readLook({ config: args.config }).site.mirrors;
  return { mirrors: { ...(configured ?? mirrorsSchema.parse({})), metadataHours: 0 }, timeoutSeconds };
}

/** The code for hubs and site documents, which a look at named addresses does not need. */
async function hubSide() {
  const [{ readLook }, { looksOfHub }] = await Promise.all([import("../look.ts"), import("./check-hub.ts")]);
  return { readLook, looksOfHub };
}

/**
 * What a look allocates is short-lived. V8 answers by giving new objects 32 MB instead of some 8, a quarter of all the
 * memory that a look at a large repository takes, and is not faster for it. Read by V8 each time it would grow.
 */
function keepYoungSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

function caOf({ ca }: CheckArgs, mirrors: MirrorsConfig) {
  const own = ca === undefined ? mirrors.ca : readInput(ca);
  if (ca !== undefined && !own?.includes("BEGIN CERTIFICATE"))
    throw new UsageError(`--ca ${ca}: it holds no PEM certificate`);
  return own === undefined ? {} : { ca: own };
}

function readDepth(text = "full"): Depth {
  const depth = DEPTHS.find((each) => each === text);
  if (depth === undefined) throw new UsageError(`--depth ${text}: give head, metadata or full`);
  return depth;
}

/** Given URLs, or what a metalink leads to. */
function targetsOf(args: CheckArgs, urls: readonly string[], mirrors: MirrorsConfig): Target[] {
  if (args.hub !== undefined) throw new UsageError("give addresses or --hub, not both");
  if (args.reference !== undefined && args.metalink !== undefined)
    throw new UsageError("give --reference or --metalink, not both");
  const rules = rulesOf(mirrors, null);
  const keys = (args.key ?? []).map(readKey);
  const of = (arch: string) => (url: string | undefined) =>
    url === undefined ? null : expandArch(requireUrl(url), arch);
  const named = urls.length > 0 ? urls : [args.metalink ?? ""];
  return named.flatMap((url) => {
    const arches = args.arch ?? [archIn(url)];
    return arches.map((arch) => {
      const expand = of(arch);
      const trust = { keys, metalink: expand(args.metalink), reference: expand(args.reference) };
      return { url: expandArch(requireUrl(url), arch), arch, rules: { ...rules, trust }, live: null };
    });
  });
}

async function targetsOfHub(
  args: CheckArgs,
  fetcher: MirrorFetcher,
  depth: Depth,
  timeoutSeconds: number | null,
  io: Io,
): Promise<readonly HubLook[]> {
  if (args.reference !== undefined || args.key !== undefined)
    throw new UsageError("--reference and --key go with addresses: those of a hub's repos stand in --config");
  if (args.hub === undefined && args.config === undefined)
    throw new UsageError("name what to check: addresses, or --hub URL or --config toji.yml for a hub's external repos");
  // --ca is for the mirrors: hub and mirrors of a site have one CA of their own, if any.
  const { readLook, looksOfHub } = await hubSide();
  const look = readLook({ hub: args.hub, config: args.config, ca: args.ca });
  return await looksOfHub(look, { fetcher, depth, arches: args.arch ?? null, budgetSeconds: timeoutSeconds, io });
}

function requireUrl(text: string): string {
  const url = URL.parse(text.replaceAll("$arch", "arch").replaceAll("$basearch", "arch"));
  // First: a password is not to be said back.
  if (url !== null && (url.username !== "" || url.password !== ""))
    throw new UsageError("leave user and password out of the address");
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new UsageError(`${text}: give an http or https address, for example https://mirror.example.org/el9/x86_64/`);
  return text;
}

const KNOWN_ARCH = /^(x86_64|aarch64|ppc64le|ppc64|s390x|s390|i386|armhfp|riscv64|noarch)$/;

/** The arch that the address names, for what is told; builders' usual one when it names none. */
function archIn(url: string): string {
  const parts = requireUrl(url).split(/[/?&=]/);
  const found = parts.findLast((part) => KNOWN_ARCH.test(part));
  if (found === undefined && url.includes("$arch")) throw new UsageError(`${url}: say for which --arch`);
  return found ?? "x86_64";
}

function readKey(file: string): string {
  const text = readInput(file);
  if (text.includes("-----BEGIN PGP PUBLIC KEY BLOCK-----")) return text;
  throw new UsageError(`--key ${file}: it holds no armored OpenPGP public key`);
}
