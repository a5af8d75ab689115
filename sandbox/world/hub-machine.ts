// The hub's instance: its tree and database on EBS volumes, the scripts that SSM runs on it, and what can go wrong there.

import type { VirtualClock } from "./clock.ts";
import type { Ec2Model } from "./ec2/index.ts";
import { pause, resume, startHub, stopHub, survey, thaw } from "./hub-machine/actions.ts";
import { type BuildRow, compareDisks, type Difference, type FileRow } from "./hub-machine/disk.ts";
import { type Environment, readEnvironment, WrongVariable } from "./hub-machine/environment.ts";
import { type MountPoints, Mounts } from "./hub-machine/mounts.ts";
import { type OrderReply, sendOrder } from "./hub-machine/order.ts";
import { type HubFault, type KeyLedger, runSnapshot, ScriptFailed } from "./hub-machine/snapshot.ts";
import { Units } from "./hub-machine/units.ts";
import type { CommandHost, ScriptResult } from "./run-command.ts";

export { HubDisk } from "./hub-machine/disk.ts";
export { presignedOrder } from "./hub-machine/order.ts";
export type { HubFault } from "./hub-machine/snapshot.ts";

export interface HubMachineInput {
  readonly clock: VirtualClock;
  readonly ec2: Ec2Model;
  readonly instanceId: string;
  readonly mounts: MountPoints;
  /** How long EC2 takes to answer the order; default 0.8. */
  readonly orderSeconds?: number;
}

/** Deleting the files of a build takes so long before its row is committed. */
const DELETION_SECONDS = 60;
const LONGEST_FILE = 50_000_000;

export class HubMachine implements CommandHost {
  readonly clock: VirtualClock;
  readonly instanceId: string;
  readonly mounts: Mounts;
  readonly units: Units;
  readonly stopped = new Map<string, readonly string[]>();
  readonly #ec2: Ec2Model;
  readonly #orderSeconds: number;
  readonly #ledgers = new Map<string, KeyLedger>();
  readonly #faults: HubFault[] = [];
  #isOn = true;
  #clockError = 0;
  #builds = 0;
  #boots = 0;
  /** Of the script that runs now. */
  #killer = new AbortController();

  constructor({ clock, ec2, instanceId, mounts, orderSeconds = 0.8 }: HubMachineInput) {
    this.clock = clock;
    this.instanceId = instanceId;
    this.#ec2 = ec2;
    this.#orderSeconds = orderSeconds;
    this.mounts = new Mounts(clock, ec2.storage, instanceId, mounts);
    this.units = new Units(clock);
    this.#mountAll();
  }

  isReachable(): boolean {
    return this.#isOn;
  }

  /** As the agent runs it: exit 0 with the answer as the last line, 1 with a sentence, 2 for a wrong variable. */
  async run(script: string, signal: AbortSignal): Promise<ScriptResult> {
    const killer = new AbortController();
    this.#killer = killer;
    signal.addEventListener("abort", () => killer.abort());
    const environment = readEnvironment(script);
    const action = environment.TOJI_ACTION ?? "";
    try {
      const answer = await this.#act(action, environment);
      return { exitCode: 0, stdout: `${action} begins\n${JSON.stringify(answer)}\n`, stderr: "" };
    } catch (error) {
      if (error instanceof ScriptFailed) return { exitCode: 1, stdout: "", stderr: `${action}: ${error.message}\n` };
      if (error instanceof WrongVariable) return { exitCode: 2, stdout: "", stderr: `${action}: ${error.message}\n` };
      throw error;
    }
  }

  async #act(action: string, environment: Environment): Promise<object> {
    switch (action) {
      case "survey":
        return survey(this, environment);
      case "pause":
        return await pause(this, environment);
      case "snapshot":
        return await runSnapshot(this, environment);
      case "thaw":
        return thaw(this, environment);
      case "resume":
        return resume(this, environment);
      case "stop-hub":
        return stopHub(this, environment);
      case "start-hub":
        return startHub(this, environment);
      default:
        throw new WrongVariable(`TOJI_ACTION is "${action}", which the model of the hub does not know`);
    }
  }

  // --- what the scripts work with

  ledgerOf(key: string): KeyLedger {
    const ledger = this.#ledgers.get(key) ?? { sent: undefined, isGivenUp: false };
    this.#ledgers.set(key, ledger);
    return ledger;
  }

  takeFault(fault: HubFault): boolean {
    const index = this.#faults.indexOf(fault);
    if (index < 0) return false;
    this.#faults.splice(index, 1);
    return true;
  }

  hostTime(): number {
    return this.clock.now() + this.#clockError;
  }

  async send(address: string): Promise<OrderReply> {
    await this.clock.sleep(this.#orderSeconds / 2);
    const reply = await sendOrder(this.#ec2, address, this.clock.now());
    await this.clock.sleep(this.#orderSeconds / 2);
    return reply;
  }

  async hang(): Promise<never> {
    const { signal } = this.#killer;
    if (signal.aborted) throw new ScriptFailed("killed");
    const killed = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new ScriptFailed("killed")));
    });
    return await this.clock.wait(killed);
  }

  /** Everything in memory is gone, timers too; what is on the volumes stays. */
  reboot(): void {
    this.lose();
    this.start();
  }

  // --- what happens to the machine

  /** The next script that comes to this point meets it. */
  inject(fault: HubFault): void {
    this.#faults.push(fault);
  }

  /** The agent takes no command until it is reconnected; what runs on the machine goes on. */
  disconnect(): void {
    this.#isOn = false;
  }

  reconnect(): void {
    this.#isOn = true;
  }

  /** The instance is off. */
  lose(): void {
    this.#isOn = false;
    this.mounts.powerOff();
    this.#killer.abort();
  }

  /** It boots: mounts what it finds, and every enabled unit starts. */
  start(): void {
    this.#isOn = true;
    this.#boots++;
    this.units.reboot();
    this.#mountAll();
  }

  /** Its clock is off by so many seconds more. */
  stepClock(seconds: number): void {
    this.#clockError += seconds;
  }

  // --- what Koji does

  /** A build is imported: its files, then its row. Its id. */
  importBuild(fileCount = 3): number {
    this.#builds++;
    const id = this.#builds;
    const files = Array.from({ length: fileCount }, (_, index): FileRow => {
      const size = 1000 + ((id * 7919 + index * 104_729) % LONGEST_FILE);
      return { path: `packages/p${id}/1/1/noarch/p${id}-${index}-1-1.noarch.rpm`, size, sum: `${id}.${index}` };
    });
    const build: BuildRow = { id, name: `p${id}-1-1`, files };
    this.mounts.write("tree", (disk) => disk.withFiles(files));
    this.mounts.write("database", (disk) => disk.withBuild(build));
    return id;
  }

  /** koji-gc deletes a build: its files now, its row later. False = its timer is stopped, so nothing begins. */
  deleteBuild(id: number, seconds = DELETION_SECONDS): boolean {
    if (!this.units.isActive("koji-gc.timer")) return false;
    const build = this.mounts.diskOf("database")?.database?.builds.get(id);
    if (build === undefined) throw new Error(`the hub has no build ${id}`);
    this.units.set("koji-gc.service", true);
    this.mounts.write("tree", (disk) => disk.withoutFiles(build.files.map(({ path }) => path)));
    const boot = this.#boots;
    this.clock.after(seconds, () => {
      // After a reboot, or without its database, the deletion was cut off.
      if (boot !== this.#boots || this.mounts.volumeOf(this.mounts.points.database) === null) return;
      this.mounts.write("database", (disk) => {
        this.units.set("koji-gc.service", false);
        return disk.withoutBuild(id);
      });
    });
    return true;
  }

  // --- what a person or a bad disk does

  /** A file that has a row is gone. */
  loseFile(path: string): void {
    this.mounts.write("tree", (disk) => disk.withoutFiles([path]));
  }

  truncateFile(path: string): void {
    this.mounts.write("tree", (disk) => disk.withFiles([{ path, size: 0, sum: "" }]));
  }

  /** Other bytes, the same size. */
  corruptFile(path: string): void {
    const size = this.mounts.diskOf("tree")?.tree?.get(path)?.size ?? 0;
    this.mounts.write("tree", (disk) => disk.withFiles([{ path, size, sum: "rotten" }]));
  }

  breakDatabase(): void {
    this.mounts.write("database", (disk) => disk.withBrokenDatabase());
  }

  // --- what an onlooker sees

  /** Files that have a row, in the order of the rows. */
  files(): string[] {
    const builds = this.mounts.diskOf("database")?.database?.builds ?? new Map<number, BuildRow>();
    return [...builds.values()].flatMap(({ files }) => files.map(({ path }) => path));
  }

  builds(): number[] {
    return [...(this.mounts.diskOf("database")?.database?.builds.keys() ?? [])];
  }

  /** Where database and tree differ now; null = one of them is not there. */
  differences(): Difference[] | null {
    const tree = this.mounts.diskOf("tree")?.tree ?? null;
    const database = this.mounts.diskOf("database")?.database ?? null;
    return tree === null || database === null ? null : compareDisks(database, tree);
  }

  /** Sentences about what must never be: something frozen beyond its limit, something paused that should run again. */
  invariants(): string[] {
    const now = this.clock.now();
    const long = this.mounts.freezes
      .map((freeze) => ({ ...freeze, seconds: (freeze.to ?? now) - freeze.from }))
      .filter(({ seconds, limitSeconds }) => seconds > limitSeconds + 0.001)
      .map(
        ({ mount, seconds, limitSeconds }) => `${mount} was frozen for ${seconds} s, the limit is ${limitSeconds} s`,
      );
    return [...long, ...this.units.overdue().map((name) => `${name} is still paused`)];
  }

  #mountAll(): void {
    for (const mount of this.mounts.all()) this.mounts.mount(mount);
  }
}
