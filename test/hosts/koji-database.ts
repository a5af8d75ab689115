// A real PostgreSQL in a directory of its own, and in it databases with the shape of a Koji hub's.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "./builder-host.ts";
import { missing, PATH } from "./commands.ts";
import { busyHubSql, KOJI_SCHEMA } from "./koji-schema.ts";
import { type KojiTree, makeTree } from "./koji-tree.ts";

export const DRILL = join(REPOSITORY, "infra/hosts/hub/drill");

const VERSIONS = "/usr/lib/postgresql";
const version = existsSync(VERSIONS) ? readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a))[0] : undefined;
const BIN = version === undefined ? undefined : join(VERSIONS, version, "bin");

/** Why tests with a database are skipped, or empty. PostgreSQL refuses to run as root, so root has to become another. */
export const noPostgres =
  missing("the package postgresql", "psql", "runuser") ||
  (BIN === undefined && !process.env.CI
    ? " (skipped: no PostgreSQL server found, install the package postgresql)"
    : "") ||
  (process.getuid?.() !== 0 && !process.env.CI
    ? " (skipped: only root can start PostgreSQL as the user postgres)"
    : "");

export class Postgres {
  readonly directory: string;
  readonly #cluster: string;

  /** `cluster`: where its data lie. Default: in its own directory. */
  constructor(cluster?: string) {
    this.directory = mkdtempSync(join(tmpdir(), "toji-pg-"));
    this.#cluster = cluster ?? join(this.directory, "data");
    chmodSync(this.directory, 0o777);
    mkdirSync(this.#cluster, { recursive: true });
    execFileSync("chown", ["postgres", this.#cluster]);
    this.#asPostgres(
      "initdb",
      "--pgdata",
      this.#cluster,
      "--auth",
      "trust",
      "--no-sync",
      "--encoding",
      "UTF8",
      "--locale",
      "C",
    );
    this.#asPostgres(
      ...["pg_ctl", "start", "--wait", "--pgdata", this.#cluster, "--log", join(this.directory, "log")],
      ...["--options", `-c listen_addresses= -c unix_socket_directories=${this.directory} -c fsync=off`],
    );
  }

  /** What libpq needs to find it. */
  environment(database: string): Record<string, string> {
    return { PATH, PGHOST: this.directory, PGUSER: "postgres", PGDATABASE: database };
  }

  /** Lines of the answer, columns separated by "|". Throws psql's own words. */
  query(database: string, sql: string): string[] {
    const asked = spawnSync("psql", ["-X", "-qAt", "-v", "ON_ERROR_STOP=1"], {
      env: this.environment(database),
      input: sql,
      encoding: "utf8",
      maxBuffer: 256 * 2 ** 20,
    });
    if (asked.status !== 0) throw new Error(asked.stderr);
    return asked.stdout.split("\n").filter((line) => line !== "");
  }

  /** A hub with so many builds, and its tree at `top`. */
  addHub(database: string, top: string, { builds, tasks }: { builds: number; tasks: number }): KojiTree {
    const tree = makeTree(top, builds);
    this.query("postgres", `CREATE DATABASE ${database}`);
    this.query(database, KOJI_SCHEMA + busyHubSql(tasks) + tree.sql);
    return tree;
  }

  /** Where a program of this version is. */
  program(name: string): string {
    return join(BIN ?? "", name);
  }

  stop(): void {
    this.#asPostgres("pg_ctl", "stop", "--wait", "--mode", "immediate", "--pgdata", this.#cluster);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #asPostgres(program: string, ...args: readonly string[]): void {
    execFileSync("runuser", ["-u", "postgres", "--", this.program(program), ...args], {
      cwd: "/",
      stdio: ["ignore", "ignore", "inherit"],
    });
  }
}
