// A hub with an external repo that two build tags inherit, two mirrors of it, and the switch machine from its file.

import { readFileSync } from "node:fs";
import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import { parseDocument } from "yaml";
import { Board } from "../../sandbox/backup/board.ts";
import { lambdaContext } from "../../sandbox/lambda-context.ts";
import { mirrorMachines, type StepFunction, StepFunctionsModel } from "../../sandbox/machines/index.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { createHub, type Hub, type RepoRow } from "../../sandbox/world/hub/index.ts";
import { openModelWire, type WireMishap, type WireRequest } from "../../sandbox/world/hub/wire.ts";
import { S3Model } from "../../sandbox/world/s3.ts";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { type ObjectStore, openStore, StoreConflict } from "../../shared/aws/store.ts";
import { type MirrorsConfig, parseSite, type Site } from "../../shared/config/index.ts";
import { connectAnonymously, connectWithCertificate, type HubWriter, REPO_STATE } from "../../shared/hub/index.ts";
import type { MirrorsPorts } from "../../shared/mirrors/ports.ts";
import { defaultMirrors, expandArch } from "../../shared/mirrors/rules.ts";
import { switches } from "../../shared/mirrors/states.ts";
import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import * as steps from "../../shared/mirrors/switch/index.ts";
import { packageOf, SwitchWeb } from "./switch-web.ts";

export const START = 1_900_000_000;
export const REPO = "el9-base";
export const OLD = "https://old.example.org/9/$arch/";
export const NEW = "https://new.example.org/9/$arch/";
export const TAGS = ["el9-build", "el9-extra-build"] as const;
export const ARCHES = ["aarch64", "x86_64"] as const;
const BUCKET = "toji-test";
const TOP_URL = "https://koji.example.org/kojifiles";
/** Of a new repo, from its request to READY. */
const REPO_SECONDS = 150;

const STEPS = {
  SwitchBegin: steps.beginSwitch,
  SwitchEdit: steps.editRepo,
  SwitchRegenerate: steps.regenerate,
  SwitchLook: steps.lookForRepos,
  SwitchConfirm: steps.confirmRepos,
  SwitchEnd: steps.endSwitch,
} as const;

/** Stands around each call: what it throws, before or after `run`, is the call's failure. */
export type Around = (name: string, event: unknown, run: () => Promise<unknown>) => Promise<unknown>;

export interface SwitchWorldInput {
  readonly around?: Around;
  /** Of the login; default admin. */
  readonly permissions?: readonly string[];
  /** hub.admin of the site; default true. */
  readonly admin?: boolean;
  readonly mishap?: (request: WireRequest) => WireMishap | null;
  readonly failover?: Partial<MirrorsConfig["failover"]>;
}

export interface SwitchWorld {
  readonly clock: VirtualClock;
  readonly hub: Hub;
  readonly web: SwitchWeb;
  readonly board: Board;
  readonly ports: MirrorsPorts;
  readonly machines: StepFunctionsModel;
  /** Methods that changed the hub, in order. */
  readonly writes: string[];
  /** Tags whose repos the hub does not make. */
  readonly stalled: Set<string>;
  /** The next writes of the bucket that fail. */
  failingPuts: number;
  /** A READY repo of the tag at once, with its metadata. */
  makeRepo(tag: string): void;
  start(name: string, request?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Starts a switch to the new mirror and runs until all has ended. */
  run(request?: Readonly<Record<string, unknown>>, name?: string): Promise<SwitchEnd>;
  /** An administrator besides Toji, whose calls are not among the writes. */
  readonly administrator: HubWriter;
  record(): Promise<Awaited<ReturnType<typeof switches.get>>>;
  /** What the newest READY repo of each tag takes its rpms from. */
  takenFrom(): string[];
}

export interface SwitchEnd {
  readonly status: string;
  /** What the first failed step said; empty = none did. */
  readonly why: string;
}

export function openSwitchWorld(input: SwitchWorldInput = {}): SwitchWorld {
  const clock = new VirtualClock(START);
  const hub = makeHub(clock, input.permissions ?? ["admin"]);
  const web = new SwitchWeb();
  for (const arch of ARCHES) {
    web.publish(expandArch(OLD, arch), ["bash", "glibc"].map(packageOf), START - 7200);
    web.publish(expandArch(NEW, arch), ["bash", "glibc", "zlib"].map(packageOf), START - 3600);
  }
  const writes: string[] = [];
  const mishap = (request: WireRequest) => {
    if (request.writes && request.path === "") writes.push(...request.members);
    return input.mishap?.(request) ?? null;
  };
  const board = new Board(clock);
  const failing = { puts: 0 };
  const site = siteOf(input);
  const ports = portsOf({ clock, hub, web, board, mishap, failing, site });
  const machines = machinesOf(clock, ports, input.around ?? ((_name, _event, run) => run()));
  const administrator = connectWithCertificate({
    ...connectionTo(hub, clock),
    certificate: certificateOf("kojiadmin"),
  });
  const world: SwitchWorld = {
    ...{ clock, hub, web, board, ports, machines, writes, administrator, stalled: new Set() },
    get failingPuts() {
      return failing.puts;
    },
    set failingPuts(puts) {
      failing.puts = puts;
    },
    makeRepo: (tag) => makeRepo(world, tag),
    async start(name, request = {}) {
      const stateMachineArn = machines.arnOf("toji-mirror-switch");
      const input = JSON.stringify({ repo: REPO, to: NEW, by: "ann", reason: "a test", ...request });
      await machines.send(new StartExecutionCommand({ stateMachineArn, name, input }));
    },
    async run(request, name = "switch-1") {
      await world.start(name, request);
      await clock.runUntil(clock.now() + 3 * 3600);
      return endOf(machines, name);
    },
    record: () => switches.get(ports.store, REPO),
    takenFrom: () => [...new Set(TAGS.flatMap((tag) => newestOf(hub, tag)?.externals.map(({ url }) => url) ?? []))],
  };
  for (const tag of TAGS) makeRepo(world, tag);
  runKojira(world);
  return world;
}

function makeHub(clock: VirtualClock, permissions: readonly string[]): Hub {
  const hub = createHub({ clock });
  hub.addUser("toji", permissions);
  hub.addTag("el9-base-tag", { arches: "x86_64 aarch64" });
  for (const tag of TAGS) {
    hub.addTag(tag, { arches: "x86_64 aarch64", parents: ["el9-base-tag"] });
    hub.addTarget(tag, tag, tag);
  }
  hub.addExternalRepo(REPO, OLD);
  hub.addTagExternalRepo("el9-base-tag", REPO, { priority: 10 });
  return hub;
}

function siteOf({ admin = true, failover = {} }: SwitchWorldInput): Site & { readonly mirrors: MirrorsConfig } {
  const document = parseDocument(readFileSync(new URL("../../toji.example.yml", import.meta.url), "utf8"));
  document.delete("mirrors");
  document.setIn(["hub", "admin"], admin);
  document.setIn(["hub", "topUrl"], TOP_URL);
  const mirrors = defaultMirrors();
  const site = parseSite(document.toString(), "a test's site document");
  return { ...site, mirrors: { ...mirrors, failover: { ...mirrors.failover, ...failover } } };
}

/** A login of the model is by the name that its certificate holds. */
const certificateOf = (user: string) =>
  `${user}\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----`;

function connectionTo(hub: Hub, clock: VirtualClock, mishap: PortsInput["mishap"] = () => null) {
  const commonNameOf = (certificate: string) => certificate.split("\n")[0] ?? null;
  const openWire = openModelWire({ hub, clock, encoding: "xml", commonNameOf, mishap });
  return { url: "https://koji.example.org/kojihub", clock, retries: 1, openWire };
}

interface PortsInput extends Pick<SwitchWorld, "clock" | "hub" | "web" | "board"> {
  readonly mishap: (request: WireRequest) => WireMishap | null;
  readonly failing: { puts: number };
  readonly site: Site & { readonly mirrors: MirrorsConfig };
}

function portsOf({ clock, hub, web, board, mishap, failing, site }: PortsInput): MirrorsPorts {
  const connection = connectionTo(hub, clock, mishap);
  const writer = connectWithCertificate({ ...connection, certificate: certificateOf("toji") });
  const s3 = new S3Model({ clock, buckets: [BUCKET] });
  const send = ((command: object) => s3.send(command)) as AwsClients["s3"]["send"];
  const presignGet: AwsClients["presignGet"] = async (bucket, key, seconds) => s3.presignGet(bucket, key, seconds);
  const bucket = openStore({ s3: { send }, presignGet }, BUCKET);
  const store: ObjectStore = {
    ...bucket,
    async put(key, text, expect) {
      if (failing.puts === 0) return await bucket.put(key, text, expect);
      failing.puts -= 1;
      throw new StoreConflict(key);
    },
  };
  const hubReader = connectAnonymously(connection);
  const { mirrors } = site;
  return { site, mirrors, clock, store, telemetry: board, fetcher: web, hubReader, hubWriter: async () => writer };
}

function machinesOf(clock: VirtualClock, ports: MirrorsPorts, around: Around): StepFunctionsModel {
  const functions = Object.entries<(ports: MirrorsPorts, event: unknown) => Promise<unknown>>(STEPS).map(
    ([name, step]): [string, StepFunction] => {
      const handler = mirrorsStep(step, async () => ports);
      const call = async (event: unknown): Promise<unknown> =>
        JSON.parse(JSON.stringify(await handler(event, lambdaContext(name), { signal: new AbortController().signal })));
      return [name, (event) => around(name, event, () => call(event))];
    },
  );
  const machines = { SwitchMachine: mirrorMachines().SwitchMachine };
  return new StepFunctionsModel({ clock, machines, functions: Object.fromEntries(functions) });
}

/** Of the build tags, as makeHub adds them: the first tag is their parent. */
const TAG_IDS: ReadonlyMap<string, number> = new Map(TAGS.map((tag, index) => [tag, index + 2]));

function newestOf(hub: Hub, tag: string): RepoRow | undefined {
  return hub.repos().findLast((repo) => repo.state === REPO_STATE.READY && repo.tag_id === TAG_IDS.get(tag));
}

/** A READY repo and its merged metadata in the hub's tree. */
function makeRepo({ hub, web, clock }: SwitchWorld, tag: string): void {
  const { id, externals } = hub.makeRepo(tag);
  for (const arch of ARCHES) {
    const others = externals.flatMap(({ url }) => web.packagesFrom(expandArch(url, arch)));
    const packages = [packageOf(`${tag}-own`), ...others];
    web.publish(`${TOP_URL}/repos/${tag}/${id}/${arch}/`, packages, Math.floor(clock.now()));
  }
}

/** Makes what was asked for a while ago; a tag that stalls waits for ever. */
function runKojira(world: SwitchWorld): void {
  const { clock, hub, stalled } = world;
  const round = () => {
    for (const [tag, id] of TAG_IDS) {
      const isDue = hub
        .repoRequests()
        .some((each) => each.active && each.tag_id === id && clock.now() - each.create_ts >= REPO_SECONDS);
      if (isDue && !stalled.has(tag)) makeRepo(world, tag);
    }
    clock.after(20, round);
  };
  clock.after(20, round);
}

function endOf(machines: StepFunctionsModel, name: string): SwitchEnd {
  const { status, log } = machines.execution(name);
  const failed = log.find((entry) => entry.kind === "failed");
  return { status, why: failed?.kind === "failed" ? failed.cause : "" };
}
