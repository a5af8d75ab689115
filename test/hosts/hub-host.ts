// A hub for the host scripts to run on: loop devices with real file systems, a real PostgreSQL under write load, EC2's
// CreateSnapshots over real TLS that copies the devices at the moment of the request, and stand-ins for systemd.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { REPOSITORY } from "./builder-host.ts";
import { missing, type Outcome, PATH, run } from "./commands.ts";

export const HUB = join(REPOSITORY, "infra/hosts/hub");
export const SCRIPTS = ["survey", "pause", "resume", "snapshot", "thaw", "stop-hub", "start-hub"];
const VERSIONS = "/usr/lib/postgresql";
const POSTGRES = join(VERSIONS, (existsSync(VERSIONS) && readdirSync(VERSIONS).sort().at(-1)) || "15", "bin");

/** Why the tests on real disks are skipped; on CI they fail instead. */
export const noDisks =
  missing(
    "the packages util-linux, xfsprogs, e2fsprogs and curl",
    "fsfreeze",
    "losetup",
    "mkfs.xfs",
    "mkfs.ext4",
    "curl",
  ) ||
  (existsSync(join(POSTGRES, "postgres")) || process.env.CI ? "" : " (skipped: install the package postgresql-15)") ||
  (process.getuid?.() === 0 || process.env.CI ? "" : " (skipped: only root may mount and freeze loop devices)");

/** Runs a command of the system; throws when it fails. Returns what it printed. */
export function must(command: string, ...args: string[]): string {
  return execFileSync(command, args, { env: { PATH }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function may(command: string, ...args: string[]): void {
  try {
    must(command, ...args);
  } catch {
    // It is so already.
  }
}

export type FileSystem = "xfs" | "ext4";

/** One volume: a sparse file, its loop device, its mount. Only ever freeze these. */
export class Disk {
  readonly image: string;
  readonly mount: string;
  readonly fileSystem: FileSystem;

  constructor(image: string, mount: string, fileSystem: FileSystem) {
    this.image = image;
    this.mount = mount;
    this.fileSystem = fileSystem;
  }

  format(): this {
    writeFileSync(this.image, "");
    truncateSync(this.image, 1024 ** 3); // a writer's minutes fit in
    must(`mkfs.${this.fileSystem}`, "-q", this.image);
    return this;
  }

  attach(...options: string[]): this {
    mkdirSync(this.mount, { recursive: true });
    must("mount", "-o", ["loop", "noatime", ...options].join(","), this.image, this.mount);
    return this;
  }

  detach(): void {
    may("fsfreeze", "--unfreeze", this.mount);
    may("umount", this.mount);
    // Whoever still holds it would keep the loop device; the mount goes all the same.
    may("umount", "--lazy", this.mount);
  }

  /** As a snapshot sees it: the blocks that the device has at this moment. */
  async copy(image: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const child = spawn("cp", ["--sparse=auto", this.image, image], { stdio: "ignore" });
      child.on("close", (exit) => (exit === 0 ? resolve() : reject(new Error(`cp ended with ${exit}`))));
    });
  }
}

/** PostgreSQL on `directory`, to be reached by a socket in it. */
export class Postgres {
  readonly directory: string;
  readonly socket: string;

  constructor(directory: string, socket: string) {
    this.directory = directory;
    this.socket = socket;
  }

  get environment(): Record<string, string> {
    return { PGHOST: this.socket };
  }

  #run(program: string, ...args: string[]): string {
    return must("runuser", "-u", "postgres", "--", join(POSTGRES, program), ...args);
  }

  create(): this {
    must("install", "-d", "-o", "postgres", "-m", "700", this.directory);
    this.#run("initdb", "-D", this.directory, "-A", "trust", "-N", "--no-locale", "-E", "UTF8", "--wal-segsize=1");
    this.start();
    this.query("create database koji", "postgres");
    this.query("create table work (writer int, number int, primary key (writer, number))");
    return this;
  }

  start(): this {
    must("install", "-d", "-o", "postgres", this.socket);
    const options = `-c listen_addresses= -c unix_socket_directories=${this.socket} -c shared_buffers=16MB`;
    this.#run("pg_ctl", "-D", this.directory, "-w", "-s", "-l", join(this.socket, "log"), "-o", options, "start");
    return this;
  }

  stop(mode = "immediate"): void {
    may("runuser", "-u", "postgres", "--", join(POSTGRES, "pg_ctl"), "-D", this.directory, "-s", "-m", mode, "stop");
  }

  query(sql: string, database = "koji"): string {
    return this.#run("psql", "-XAtq", "-h", this.socket, "-d", database, "-c", sql).trim();
  }
}

/**
 * An import without end, as the hub does it: the file into the tree, then the row, then the next. Between, it waits 2 ms
 * for a line that nobody sends: as fast as it can it would fill its volume.
 */
const WRITER = `
coproc psql -XqAt -v ON_ERROR_STOP=1 -U postgres -d koji
number=0
while :; do
  number=$((number + 1))
  echo "$number" >"$TREE/$WRITER.$number"
  printf 'insert into work values (%s, %s);\\n\\\\echo %s\\n' "$WRITER" "$number" "$number" >&"\${COPROC[1]}"
  read -r acknowledged <&"\${COPROC[0]}" || exit 1
  echo "$acknowledged"
  read -rt 0.002 _ <&"\${COPROC[0]}"
done`;

export class Writer {
  /** The last row that PostgreSQL said is committed. */
  acknowledged = 0;
  readonly #child: ChildProcess;
  #waiting: { readonly past: number; readonly resolve: () => void }[] = [];

  constructor(writer: number, tree: string, postgres: Postgres) {
    this.#child = spawn("bash", ["-c", WRITER], {
      env: { PATH, ...postgres.environment, TREE: tree, WRITER: String(writer) },
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("the writer has no stdout");
    createInterface({ input: stdout }).on("line", (line) => {
      this.acknowledged = Number(line);
      this.#waiting = this.#waiting.filter(({ past, resolve }) => {
        if (this.acknowledged <= past) return true;
        resolve();
        return false;
      });
    });
  }

  /** Resolves when it has made progress: two rows more, for the first may have been on its way already. */
  async progress(): Promise<void> {
    const past = this.acknowledged + 1;
    await new Promise<void>((resolve) => this.#waiting.push({ past, resolve }));
  }

  stop(): void {
    const { pid } = this.#child;
    if (pid !== undefined && this.#child.exitCode === null) process.kill(-pid, "SIGKILL");
  }
}

const STAND_IN = readFileSync(new URL("hub-stand-ins.sh", import.meta.url), "utf8");

/** The hub's root disk: what does not lie on a volume. */
export class HubHost {
  readonly directory = mkdtempSync(join(tmpdir(), "toji-hub-"));
  readonly disks: Disk[] = [];
  readonly #units = join(this.directory, "units");
  readonly #bin = join(this.directory, "bin");
  readonly #closers: (() => void)[] = [];
  environment: Record<string, string>;

  constructor() {
    chmodSync(this.directory, 0o755); // postgres passes through
    for (const path of [this.#units, this.#bin]) mkdirSync(path);
    writeFileSync(join(this.#bin, ".stand-in"), STAND_IN, { mode: 0o755 });
    for (const name of ["systemctl", "systemd-run"]) symlinkSync(".stand-in", join(this.#bin, name));
    this.environment = {
      PATH: `${this.#bin}:${PATH}`,
      TOJI_STATE: join(this.directory, "state"),
      TOJI_ROOT: join(this.directory, "root"),
      TOJI_TEST_UNITS: this.#units,
      TOJI_DATABASE: "koji",
      TOJI_KEY: "bs-20261123T020000Z-0a1b2c3d",
    };
  }

  addDisk(name: string, fileSystem: FileSystem): Disk {
    const disk = new Disk(join(this.directory, `${name}.img`), join(this.directory, name), fileSystem);
    this.disks.push(disk);
    return disk.format().attach();
  }

  /** On `disk`, and stopped at the end. */
  addPostgres(disk: Disk): Postgres {
    const postgres = new Postgres(join(disk.mount, "pgdata"), join(this.directory, `socket-${this.#closers.length}`));
    this.#closers.push(() => postgres.stop());
    this.environment = { ...this.environment, ...postgres.environment };
    return postgres;
  }

  addWriter(number: number, tree: Disk, postgres: Postgres): Writer {
    const writer = new Writer(number, tree.mount, postgres);
    this.#closers.push(() => writer.stop());
    return writer;
  }

  closeAtEnd(close: () => void): void {
    this.#closers.push(close);
  }

  /** Found before the system's own. */
  addCommand(name: string, text: string): void {
    writeFileSync(join(this.#bin, name), text, { mode: 0o755 });
  }

  /** systemd is there, or its stand-in: timers are its own. */
  bootSystemd(): void {
    mkdirSync(join(this.directory, "root/run/systemd/system"), { recursive: true });
  }

  addUnit(unit: string, { type = "simple", state = "active", triggeredBy = "" } = {}): void {
    writeFileSync(join(this.#units, `${unit}.type`), type);
    writeFileSync(join(this.#units, `${unit}.triggered-by`), triggeredBy);
    writeFileSync(join(this.#units, unit), state);
  }

  stateOf(unit: string): string {
    return readFileSync(join(this.#units, unit), "utf8").trim();
  }

  /** systemctl fails with VERB UNIT from now on, or no more. */
  refuse(verb: string, unit: string, refused = true): void {
    const path = join(this.#units, `${unit}.refuses-${verb}`);
    if (refused) writeFileSync(path, "");
    else rmSync(path);
  }

  /** What systemd was asked to change, in order. */
  calls(): string[] {
    const path = join(this.#units, "calls");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }

  /** As SSM does it: exported variables, then the script's text, read by sh. */
  run(script: string, env: Record<string, string> = {}, shell = "sh"): Promise<Outcome> {
    const exported = Object.entries({ ...this.environment, ...env })
      .map(([name, value]) => `export ${name}='${value}'\n`)
      .join("");
    const path = join(this.directory, `command-${Math.random()}`);
    writeFileSync(path, exported + readFileSync(join(HUB, script), "utf8"));
    return this.start(shell, [path]);
  }

  /** In a process group of its own, which all its children share but those that leave it. */
  start(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return run(command, args, { ...this.environment, ...env }, { detached: true });
  }

  /** Every file below `state`, for what must not be in one. */
  ledgerText(): string {
    const state = join(this.directory, "state");
    return readdirSync(state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
  }

  remove(): void {
    for (const disk of this.disks) may("fsfreeze", "--unfreeze", disk.mount);
    for (const close of this.#closers.reverse()) close();
    for (const disk of this.disks.reverse()) disk.detach();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
