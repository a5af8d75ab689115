// sanitise.sql on a copy of a busy hub: nobody is logged in, nothing is at work, history stays, a second run changes nothing.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./commands.ts";
import { DRILL, noPostgres, Postgres } from "./koji-database.ts";

describe.skipIf(noPostgres)(`sanitise.sql${noPostgres}`, () => {
  let directory: string;
  let postgres: Postgres;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "toji-sanitise-"));
    postgres = new Postgres();
    postgres.addHub("source", join(directory, "tree"), { builds: 200, tasks: 30_000 });
    postgres.query("source", "INSERT INTO build_reservations SELECT id, 'token', now() FROM build WHERE state = 0");
    postgres.query("postgres", "CREATE DATABASE copy TEMPLATE source");
    expect(await sanitise("copy")).toMatchObject({ exit: 0, stderr: "" });
  });

  afterAll(() => {
    postgres?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const sanitise = (database: string) =>
    run(
      "psql",
      ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", join(DRILL, "sanitise.sql")],
      postgres.environment(database),
    );

  const count = (database: string, from: string) => Number(postgres.query(database, `SELECT count(*) FROM ${from}`)[0]);
  const before = (from: string) => count("source", from);
  const after = (from: string) => count("copy", from);

  it.each([
    ["sessions", "nobody is logged in"],
    ["task WHERE state IN (0, 1, 4)", "no task is free, open or assigned"],
    ["build WHERE state = 0", "no build is at work"],
    ["standard_buildroot WHERE state IN (0, 1, 2)", "no buildroot is in use"],
    ["host_config WHERE active AND enabled", "no host is enabled"],
    ["host WHERE ready OR task_load > 0", "no host is ready"],
    ["repo WHERE state IN (0, 1, 2)", "no repo can be used"],
    ["repo_queue WHERE active", "no repo is asked for"],
    ["build_notifications", "nobody gets mails"],
    ["build_reservations", "no build is reserved"],
    ["scheduler_task_runs", "the scheduler remembers no runs"],
    ["scheduler_task_refusals", "nor refusals"],
    ["scheduler_host_data", "nor hosts"],
    ["scheduler_sys_data", "nor itself"],
    ["scheduler_log_messages", "nor messages"],
    ["proton_queue", "no message waits to be sent"],
  ])("%s: %s", (from) => {
    expect(before(from)).toBeGreaterThan(0);
    expect(after(from)).toBe(0);
  });

  it("cancels exactly what was at work, now", () => {
    const [tasks, builds] = [before("task WHERE state IN (0, 1, 4)"), before("build WHERE state = 0")];
    expect(after("task WHERE state = 3")).toBe(before("task WHERE state = 3") + tasks);
    expect(after("task WHERE completion_time > now() - interval '1 hour'")).toBe(tasks);
    expect(after("build WHERE state = 4 AND completion_time > now() - interval '1 hour'")).toBe(builds);
  });

  it("disables hosts as the hub does: the live row is revoked and a new one made, in one event", () => {
    const enabled = before("host_config WHERE active AND enabled");
    expect(after("host_config WHERE active AND NOT enabled")).toBe(before("host"));
    expect(after("host_config")).toBe(before("host_config") + enabled);
    expect(after("events")).toBe(before("events") + 1);
    const newest = "(SELECT max(id) FROM events)";
    expect(after(`host_config WHERE create_event = ${newest} AND creator_id = 2 AND arches = 'x86_64'`)).toBe(enabled);
    expect(after(`host_config WHERE revoke_event = ${newest} AND revoker_id = 2 AND active IS NULL`)).toBe(enabled);
    expect(after(`standard_buildroot WHERE retire_event = ${newest}`)).toBe(
      before("standard_buildroot WHERE state IN (0, 1, 2)"),
    );
  });

  it.each([
    "task WHERE state IN (2, 5)",
    "build WHERE state IN (1, 2)",
    "rpminfo",
    "archiveinfo",
    "rpmsigs",
    "users",
    "tag",
    "host",
    "host_channels WHERE active",
    "host_config WHERE revoke_event = 2",
    "repo",
    "repo WHERE state = 4",
    "repo_queue",
    "buildroot",
    "standard_buildroot",
    "locks",
  ])("leaves %s", (from) => {
    expect(before(from)).toBeGreaterThan(0);
    expect(after(from)).toBe(before(from));
  });

  it("sets no sequence back", () => {
    const sequences =
      "SELECT sequencename || last_value FROM pg_sequences WHERE sequencename <> 'events_id_seq' ORDER BY 1";
    expect(postgres.query("copy", sequences)).toEqual(postgres.query("source", sequences));
  });

  it("changes nothing when it runs again", async () => {
    // pg_dump ends its output with a key of its own each time.
    const dump = async () =>
      (await run("pg_dump", ["--data-only"], postgres.environment("copy"))).stdout.replace(
        /^\\(un)?restrict .*$/gm,
        "",
      );
    const once = await dump();
    expect(await sanitise("copy")).toMatchObject({ exit: 0, stderr: "" });
    expect(await dump()).toBe(once);
  });

  it("does all or nothing, and runs on the database of an older hub", async () => {
    postgres.query("postgres", "CREATE DATABASE old TEMPLATE source");
    postgres.query(
      "old",
      "DROP TABLE repo_queue, scheduler_task_runs, scheduler_task_refusals, scheduler_host_data, scheduler_sys_data, " +
        "scheduler_log_messages, proton_queue, build_reservations; ALTER TABLE repo DROP COLUMN state_time",
    );
    postgres.query("postgres", "CREATE DATABASE broken TEMPLATE old");
    expect(await sanitise("old")).toMatchObject({ exit: 0, stderr: "" });
    expect(count("old", "task WHERE state IN (0, 1, 4)")).toBe(0);

    postgres.query("broken", "DROP TABLE build_notifications");
    expect(await sanitise("broken")).toMatchObject({ exit: 3, stderr: expect.stringContaining("build_notifications") });
    expect(count("broken", "sessions")).toBe(before("sessions"));
  });
});
