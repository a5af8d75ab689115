// A hub with its volumes in the sandbox's AWS, and the backup machine's steps in the order of statemachines/backup.asl.yaml.

import type * as z from "zod";
import { backupAws, type HubSeed } from "../../sandbox/world/backup-aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { Random } from "../../sandbox/world/random.ts";
import { listSnapshots, tagResources } from "../../shared/aws/snapshots.ts";
import type { BackupPorts } from "../../shared/backup/index.ts";
import {
  begin,
  copy,
  end,
  expire,
  host,
  lock,
  look,
  openBackupPorts,
  readManifest,
  seal,
  setIdOf,
  watch,
} from "../../shared/backup/index.ts";
import { updateManifest } from "../../shared/backup/manifest.ts";
import type { Manifest } from "../../shared/backup/types.ts";
import { backupSchema } from "../../shared/config/index.ts";
import type { Telemetry } from "../../shared/telemetry.ts";
import { makeSite } from "../fleet/world.ts";

export const HOME = "eu-west-1";
export const AWAY = "eu-central-1";
export const HOUR = 3600;
export const START = Date.parse("2026-11-23T02:00:00Z") / 1000;
const BUCKET = "toji-test";
const MACHINES = { backup: "arn:backup", drill: "arn:drill", restore: "arn:restore" };

export type BackupInput = z.input<typeof backupSchema>;

interface Metric {
  readonly name: string;
  readonly value: number;
  readonly state: string | undefined;
}

/** What the machine's state holds after its steps, by ResultPath. */
export type Progress = Readonly<Record<string, unknown>>;

export function openBackupWorld(config: BackupInput = {}, seed: Partial<HubSeed> = {}) {
  const clock = new VirtualClock(START);
  const aws = backupAws({ clock, random: new Random(1), home: HOME, regions: [AWAY], buckets: [BUCKET] });
  const hub = aws.addHub({ fleet: "toji", kmsKeyId: "key-of-hub", ...seed });
  const metrics: Metric[] = [];
  const warnings: string[] = [];
  const telemetry: Telemetry = {
    info() {},
    warn: (sentence) => void warnings.push(sentence),
    metric: (name, _, value, { state } = {}) => void metrics.push({ name, value, state }),
  };
  const backup = backupSchema.parse({ mounts: hub.mounts.points, ...config });
  const ports: BackupPorts = openBackupPorts({
    site: { ...makeSite(), backup },
    clients: aws.clients,
    clock,
    telemetry,
    region: HOME,
    bucket: BUCKET,
    script: (name) => `#!/bin/sh\n# the script ${name}\n`,
  });
  const { ec2 } = aws.clients;

  /** Runs to the end of `work`, in as much virtual time as it takes. */
  const play = async <T>(work: () => Promise<T>): Promise<T> => {
    let isOver = false;
    const result = clock.actor(work).finally(() => {
      isOver = true;
    });
    result.catch(() => {});
    while (!isOver) await clock.runUntil(clock.now() + 1);
    return await result;
  };
  const wait = (seconds: number) => clock.runUntil(clock.now() + seconds);

  /** One execution: its steps one by one. */
  const execution = (name: string) => {
    const startedAt = new Date(clock.now() * 1000).toISOString();
    const event = (progress: Progress) => ({ execution: name, startedAt, progress });
    return {
      setId: setIdOf(name, startedAt),
      begin: (request: Progress = { kind: "scheduled", by: "nightly", reason: "" }) =>
        play(() => begin(ports, event(request))),
      host: (action: string, progress: Progress) => play(() => host(ports, { ...event(progress), action })),
      look: (progress: Progress) => play(() => look(ports, event(progress))),
      seal: (progress: Progress) => play(() => seal(ports, event(progress))),
      copy: (target: unknown) => play(() => copy(ports, { execution: name, startedAt, target })),
      lock: (progress: Progress) => play(() => lock(ports, event(progress))),
      end: (progress: Progress) => play(() => end(ports, event(progress))),
    };
  };
  type Execution = ReturnType<typeof execution>;

  /** Up to the order: what the machine's state holds then. */
  const order = async (run: Execution): Promise<Progress> => {
    const progress: Record<string, unknown> = { run: await run.begin() };
    for (const action of ["survey", "pause", "snapshot", "resume"]) progress[action] = await run.host(action, progress);
    return progress;
  };

  const complete = async (run: Execution, progress: Progress): Promise<Progress> => {
    for (;;) {
      const seen = await run.look(progress);
      if (seen.status !== "pending") return { ...progress, look: seen, seal: await run.seal(progress) };
      await wait(60);
    }
  };

  const copyAll = async (run: Execution) => {
    const records = [];
    for (const target of backup.copies) {
      let record = await run.copy(target);
      while (record.state === "pending") {
        await wait(300);
        record = await run.copy(target);
      }
      records.push(record);
    }
    return records;
  };

  return {
    clock,
    aws,
    hub,
    ports,
    metrics,
    warnings,
    play,
    wait,
    execution,
    order,
    complete,
    copyAll,
    /** A whole backup as the machine makes it when nothing fails; its set. */
    async backUp(name: string): Promise<Manifest> {
      const run = execution(name);
      let progress = await complete(run, await order(run));
      progress = { ...progress, copies: await copyAll(run) };
      await run.end({ ...progress, lock: await run.lock(progress) });
      return await readSet(ports, run.setId);
    },
    /** As a drill's judge does it, in manifest and tags. */
    async verify(id: string): Promise<void> {
      await updateManifest(ports.store, id, (manifest) => ({ ...manifest, state: "verified" }));
      for (const region of [HOME, AWAY]) {
        const ids = await play(() => listSnapshots(ec2({ region }), { key: "toji:set", value: id }));
        await play(() =>
          tagResources(
            ec2({ region }),
            ids.map(({ snapshot }) => snapshot),
            { "toji:set-state": "verified" },
          ),
        );
      }
    },
    readSet: (id: string) => readSet(ports, id),
    watch: () => play(() => watch(ports, MACHINES)),
    expire: () => play(() => expire(ports)),
    snapshotsIn: (region: string) => play(() => listSnapshots(ec2({ region }), { key: "toji:backup", value: "toji" })),
    valueOf: (name: string, state?: string) =>
      metrics.findLast((each) => each.name === name && each.state === state)?.value ?? null,
  };
}

export type BackupWorld = ReturnType<typeof openBackupWorld>;

async function readSet(ports: BackupPorts, id: string): Promise<Manifest> {
  const manifest = await readManifest(ports.store, id);
  if (manifest === null) throw new Error(`there is no set ${id}`);
  return manifest;
}
