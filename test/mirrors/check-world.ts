// A hub with two external repos and two build tags, their mirrors in memory, and the machine mirror-check from its file.

import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import type * as z from "zod";
import type { AroundCall } from "../../sandbox/backup/functions.ts";
import { machineFile, StepFunctionsModel } from "../../sandbox/machines/index.ts";
import { mirrorFunctions } from "../../sandbox/mirrors/functions.ts";
import { MemoryWeb } from "../../sandbox/mirrors/memory-web.ts";
import { makeRepository, type PackageSeed, packagesOf } from "../../sandbox/mirrors/repository.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { createHub, type Hub } from "../../sandbox/world/hub/index.ts";
import { openModelWire } from "../../sandbox/world/hub/wire.ts";
import { S3Model } from "../../sandbox/world/s3.ts";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { openStore } from "../../shared/aws/store.ts";
import { mirrorsSchema, type Site } from "../../shared/config/index.ts";
import { connectAnonymously, connectWithCertificate } from "../../shared/hub/index.ts";
import { named } from "../../shared/hub/xmlrpc/encode.ts";
import { type MirrorStatus, type MirrorsPorts, readMirrorStatus, switches } from "../../shared/mirrors/index.ts";
import type { Telemetry } from "../../shared/telemetry.ts";
import { makeSite } from "../fleet/world.ts";

export const START = 1_900_000_000;
export const QUARTER = 900;
export const BASE_URL = "https://base.example.org/9/$arch/";
export const BASE = "https://base.example.org/9/x86_64/";
export const EPEL = "https://epel.example.org/9/";
export const OTHER_URL = "https://other.example.org/9/$arch/";
export const OTHER = "https://other.example.org/9/x86_64/";
const TOP_URL = "https://koji.example.org/kojifiles";
const BUCKET = "toji-test";
const ARCH = "x86_64";

export interface CheckWorldInput {
  readonly mirrors?: z.input<typeof mirrorsSchema>;
  /** hub.admin of the site; default true. */
  readonly admin?: boolean;
  readonly around?: AroundCall;
  /** So often the functions' ports cannot be opened; default 0. */
  readonly failingOpens?: number;
}

interface Metric {
  readonly name: string;
  readonly value: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

export function openCheckWorld(input: CheckWorldInput = {}) {
  const clock = new VirtualClock(START);
  const hub = makeHub(clock);
  const web = new MemoryWeb();
  /** What each mirror has, as it was published. */
  const published = new Map<string, readonly PackageSeed[]>();
  const metrics: Metric[] = [];
  const told: string[] = [];
  const telemetry: Telemetry = {
    info: (sentence) => void told.push(sentence),
    warn: (sentence) => void told.push(sentence),
    metric: (name, _, value, dimensions = {}) => void metrics.push({ name, value, dimensions }),
  };
  const ports = openPorts(clock, hub, web, telemetry, input);
  let opens = 0;
  const open = async () => {
    opens += 1;
    if (opens <= (input.failingOpens ?? 0)) throw new Error("the parameter of the hub's CA cannot be read");
    return ports;
  };
  const machines = new StepFunctionsModel({
    clock,
    machines: {
      CheckMachine: machineFile("mirror-check"),
      // The switch has its own tests: here it only matters that it is begun, and with what.
      SwitchMachine: {
        name: "toji-mirror-switch",
        text: "{ StartAt: Done, TimeoutSeconds: 9, States: { Done: { Type: Succeed } } }",
      },
    },
    functions: mirrorFunctions(open, input.around),
  });
  let runs = 0;

  /** At `base`: what it has from now on. */
  const publish = (base: string, packages: readonly PackageSeed[], timestamp = Math.floor(clock.now())) => {
    published.set(base, packages);
    web.serve(base, makeRepository({ packages, timestamp }).files);
  };

  /** A READY repo as createrepo would merge it now. */
  const makeRepo = (tag: string): number => {
    const { id, externals } = hub.makeRepo(tag);
    const packages = externals.flatMap(({ url }) => {
      const base = url.replaceAll("$arch", ARCH);
      return (published.get(base) ?? []).map((seed) => ({ ...seed, base }));
    });
    const files = makeRepository({ packages, timestamp: Math.floor(clock.now()) }).files;
    web.serve(`${TOP_URL}/repos/${tag}/${id}/${ARCH}/`, files);
    return id;
  };

  publish(BASE, packagesOf(6, { arch: ARCH }), START - 7200);
  publish(EPEL, [{ name: "epel-tool", version: "1.0", release: "1", arch: ARCH }], START - 7200);
  publish(OTHER, packagesOf(6, { arch: ARCH }), START - 7200);
  for (const tag of ["el9-build", "epel-build"]) makeRepo(tag);

  const start = async (name: string) => {
    const stateMachineArn = machines.arnOf("toji-mirror-check");
    await machines.send(new StartExecutionCommand({ stateMachineArn, name, input: "{}" }));
  };
  const administrator = connectWithCertificate({ ...connectionTo(hub, clock, "kojiadmin"), certificate: CERTIFICATE });

  const status = async (): Promise<MirrorStatus> => {
    const found = await readMirrorStatus(ports.store);
    if (found === null) throw new Error("no run has written a status");
    return found;
  };

  return {
    ...{ clock, hub, web, ports, machines, metrics, told, publish, makeRepo, status, opened: () => opens },
    start,
    /** A quarter of an hour later, one execution of the machine, to its end. */
    async run(name = `check-${++runs}`): Promise<string> {
      await clock.runUntil(clock.now() + QUARTER);
      await start(name);
      await clock.runUntil(clock.now() + 300);
      return machines.execution(name).status;
    },
    /** The repo has the new address, the tags' READY repos still the old one, as at the end of a switch. */
    async leave(repo: string, to: string): Promise<void> {
      const { url: from } = hub.externalRepo(repo);
      publish(to, published.get(from) ?? []);
      await administrator.call("editExternalRepo", named([repo], { url: to }));
      const done = { state: "done", startedAt: clock.now(), editedAt: clock.now(), endedAt: clock.now() } as const;
      const about = { id: "switch-1", repo, from, to, by: "ann", reason: "", automatic: false };
      await switches.put(ports.store, { ...about, ...done, tags: [], retiring: [from], notes: [] }, "absent", repo);
    },
    /** What the hub was asked for and has not made yet, made. */
    async serveQueue(): Promise<void> {
      for (const tag of ["el9-build", "epel-build"]) {
        const id = hub.tagId(tag);
        if (hub.repoRequests().some((each) => each.active && each.tag_id === id)) makeRepo(tag);
      }
    },
    /** Names of the tags that were asked for, in order. */
    requested: () =>
      hub.repoRequests().map(({ tag_id }) => (tag_id === hub.tagId("el9-build") ? "el9-build" : "epel-build")),
    /** Inputs of the switches that were begun. */
    switched: () =>
      machines
        .executions()
        .filter(({ machineArn }) => machineArn.endsWith("mirror-switch"))
        .map(({ input: text }): unknown => JSON.parse(text)),
    /** The verdict of the newest look, as the status shows it. */
    async verdict(repo: string, role = "current"): Promise<string | undefined> {
      const looks = (await status()).repos.find(({ name }) => name === repo)?.looks ?? [];
      return looks.find((look) => look.role === role)?.verdict;
    },
    /** The newest value. */
    valueOf: (name: string, dimensions: Readonly<Record<string, string>> = {}) =>
      metrics.findLast((each) => each.name === name && JSON.stringify(each.dimensions) === JSON.stringify(dimensions))
        ?.value,
  };
}

/** epel-build takes from both. */
function makeHub(clock: VirtualClock) {
  const hub = createHub({ clock });
  hub.addUser("toji", ["repo"]);
  const ids = new Map<string, number>();
  for (const tag of ["el9-build", "epel-build"]) {
    ids.set(tag, hub.addTag(tag, { arches: ARCH }));
    hub.addTarget(tag, tag, tag);
  }
  hub.addExternalRepo("base", BASE_URL);
  hub.addExternalRepo("epel", EPEL);
  hub.addTagExternalRepo("el9-build", "base", { priority: 10 });
  hub.addTagExternalRepo("epel-build", "base", { priority: 10 });
  hub.addTagExternalRepo("epel-build", "epel", { priority: 20 });
  return Object.assign(hub, { tagId: (tag: string) => ids.get(tag) });
}

function connectionTo(hub: Hub, clock: VirtualClock, user: string) {
  const openWire = openModelWire({ hub, clock, encoding: "values", commonNameOf: () => user });
  return { url: "https://koji.example.org/kojihub", clock, retries: 1, openWire };
}

function openPorts(
  clock: VirtualClock,
  hub: Hub,
  web: MemoryWeb,
  telemetry: Telemetry,
  { mirrors = {}, admin = true }: CheckWorldInput,
): MirrorsPorts {
  const config = mirrorsSchema.parse(mirrors);
  const site: Site = { ...makeSite({ hub: { topUrl: TOP_URL, admin } }), mirrors: config };
  const connection = connectionTo(hub, clock, "toji");
  const writer = connectWithCertificate({ ...connection, certificate: CERTIFICATE });
  const s3 = new S3Model({ clock, buckets: [BUCKET] });
  const send = ((command: object) => s3.send(command)) as AwsClients["s3"]["send"];
  const presignGet: AwsClients["presignGet"] = async (bucket, key, seconds) => s3.presignGet(bucket, key, seconds);
  const store = openStore({ s3: { send }, presignGet }, BUCKET);
  const hubReader = connectAnonymously(connection);
  return { site, mirrors: config, clock, store, telemetry, fetcher: web, hubReader, hubWriter: async () => writer };
}

const CERTIFICATE = [
  "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
  "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
].join("\n");
