// Instances of drills: they boot, look at what their volumes hold, and say on their console what they found.

import { gunzipSync } from "node:zlib";
import type { DrillLine } from "../../shared/backup/host-answers.ts";
import type { VirtualClock } from "./clock.ts";
import type { BootedInstance, Ec2Model } from "./ec2/index.ts";
import { compareDisks, type Database, HubDisk, type TreeFile } from "./hub-machine/disk.ts";

/** What goes wrong with the next drill's instance. */
export type DrillFault =
  /** Not a word on the console. */
  | "never-boots"
  /** It falls silent after the tree was compared. */
  | "goes-silent"
  /** Its last line is cut in the middle. */
  | "console-cut"
  /** koji-hub of the image does not start. */
  | "hub-does-not-answer";

export interface DrillMachinesInput {
  readonly clock: VirtualClock;
  readonly ec2: Ec2Model;
  /** Other programs write on the console too; default true. */
  readonly noise?: boolean;
}

type Step = DrillLine["step"];
type Finding = DrillLine["findings"][number];

/** Seconds of uptime at which each step ends: volumes from snapshots are slow at first. */
const UPTIME: Readonly<Record<Step, number>> = {
  booted: 20,
  mounted: 45,
  database: 140,
  checked: 600,
  sanitised: 640,
  hub: 700,
  verdict: 705,
};

interface Drill {
  readonly instanceId: string;
  readonly id: string;
  readonly limitSeconds: number;
  readonly bootedAt: number;
  readonly fault: DrillFault | null;
}

export class DrillMachines {
  readonly #clock: VirtualClock;
  readonly #ec2: Ec2Model;
  readonly #noise: boolean;
  readonly #faults: DrillFault[] = [];
  readonly #off = new Set<string>();

  constructor({ clock, ec2, noise = true }: DrillMachinesInput) {
    this.#clock = clock;
    this.#ec2 = ec2;
    this.#noise = noise;
  }

  injectNext(fault: DrillFault): void {
    this.#faults.push(fault);
  }

  /** The instance is off: nothing more is said. */
  lose(instanceId: string): void {
    this.#off.add(instanceId);
  }

  /** User data would run now. False = it is no drill's instance. */
  boot({ instanceId, userData }: BootedInstance): boolean {
    const script = unpack(userData);
    const id = variable(script, "TOJI_DRILL");
    if (id === null) return false;
    const fault = this.#faults.shift() ?? null;
    if (fault === "never-boots") return true;
    const limitSeconds = Number(variable(script, "TOJI_LIMIT") ?? Number.POSITIVE_INFINITY);
    void this.#clock.after(0, () => this.#run({ instanceId, id, limitSeconds, bootedAt: this.#clock.now(), fault }));
    return true;
  }

  async #run(drill: Drill): Promise<void> {
    this.#write(drill.instanceId, "[    0.000000] Linux version 6.1.0 (brew@build) #1 SMP\n");
    await this.#say(drill, "booted", {});
    const disks = this.#ec2.storage
      .disksOf(drill.instanceId)
      .flatMap(({ content }) => (content instanceof HubDisk ? [content] : []));
    const tree = disks.find((each) => each.tree !== null)?.tree ?? null;
    const database = disks.find((each) => each.database !== null)?.database ?? null;
    if (tree === null || database === null) {
      const what = tree === null ? "the tree" : "the database";
      return this.#giveUp(drill, "mounted", `nothing is attached that holds ${what}`);
    }
    await this.#say(drill, "mounted", {});
    if (database.isBroken)
      return this.#giveUp(drill, "database", "PostgreSQL does not start: could not locate a valid checkpoint record");
    await this.#say(drill, "database", {});
    await this.#compare(drill, database, tree);
  }

  async #compare(drill: Drill, database: Database, tree: ReadonlyMap<string, TreeFile>): Promise<void> {
    const findings = findingsOf(compareDisks(database, tree));
    const files = [...database.builds.values()].reduce((sum, build) => sum + build.files.length, 0);
    const counts = { builds: database.builds.size, rpms: files, payloads: files };
    const isSound = findings.length === 0;
    await this.#say(drill, "checked", { ok: isSound, findings, counts });
    if (drill.fault === "goes-silent") return;
    await this.#say(drill, "sanitised", { counts: { sessions: 3, tasks: 2, hosts: 4 } });
    if (drill.fault === "hub-does-not-answer") {
      return this.#giveUp(drill, "hub", "the hub's API does not answer at http://127.0.0.1/kojihub");
    }
    await this.#say(drill, "hub", {});
    await this.#say(drill, "verdict", { ok: isSound, findings, counts });
  }

  async #giveUp(drill: Drill, step: Step, error: string): Promise<void> {
    await this.#say(drill, step, { ok: false, error });
    await this.#say(drill, "verdict", { ok: false, error });
  }

  /** One line, when its time has come; nothing from a machine that is off. */
  async #say(
    drill: Drill,
    step: Step,
    said: Partial<Pick<DrillLine, "ok" | "findings" | "counts" | "error">>,
  ): Promise<void> {
    const { instanceId, id, bootedAt, fault } = drill;
    const now = this.#clock.now();
    const at = Math.max(now, bootedAt + UPTIME[step]);
    await this.#clock.sleep(at - now);
    if (this.#off.has(instanceId)) return;
    const uptime = Math.round(this.#clock.now() - bootedAt);
    const line: DrillLine = { drill: id, step, uptime, ok: true, findings: [], counts: {}, error: null, ...said };
    const text = `toji-drill ${JSON.stringify(line)}`;
    const isCut = fault === "console-cut" && step === "verdict";
    if (this.#noise) this.#write(instanceId, `[  ${uptime}.401] cloud-init[812]: step ${step} at an end\r\n`);
    // The script begins a line of its own: the kernel may have left one unfinished.
    this.#write(instanceId, isCut ? `\n${text.slice(0, Math.floor(text.length / 2))}` : `\n${text}\n`);
    if (this.#noise && !isCut)
      this.#write(instanceId, `[  ${uptime}.402] cloud-init[812]: ${text}\r\n[  ${uptime}.5] audit: type=1400`);
  }

  #write(instanceId: string, text: string): void {
    this.#ec2.storage.writeConsole(instanceId, text);
  }
}

/** Grouped as the drill's scripts do: the first three paths of each kind. */
function findingsOf(differences: ReturnType<typeof compareDisks>): Finding[] {
  return [...Map.groupBy(differences, ({ kind }) => kind)].map(([kind, all]) => {
    const detail = all
      .slice(0, 3)
      .map(({ path }) => path)
      .join(", ");
    return { kind, detail, count: all.length };
  });
}

/** User data may be gzipped, as cloud-init allows. */
function unpack(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
}

function variable(script: string, name: string): string | null {
  return new RegExp(`^(?:export )?${name}='([^']*)'$`, "m").exec(script)?.[1] ?? null;
}
