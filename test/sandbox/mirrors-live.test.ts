// Mirrors of a running sandbox as a person meets them: the lines of terminal and page, and `toji mirrors --endpoint URL`.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PROCESS_WORLD } from "../../cli/backup/scene.ts";
import { backupCommand } from "../../cli/commands/backup.ts";
import { mirrorsCommand } from "../../cli/commands/mirrors.ts";
import { main } from "../../cli/main.ts";
import { type LiveBackups, openLiveBackups } from "../../sandbox/backup/live.ts";
import { DAY_START, furnishHub } from "../../sandbox/day.ts";
import { type LiveMirrors, openLiveMirrorWorld, startLiveMirrors, summaryOf } from "../../sandbox/mirrors/live.ts";
import { BASE, mirrorsOf } from "../../sandbox/mirrors/site.ts";
import { BUCKET, openSandbox, type Sandbox } from "../../sandbox/sandbox.ts";

let sandbox: Sandbox;
let backups: LiveBackups;
let mirrors: LiveMirrors;

beforeEach(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "sandbox");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "sandbox");
  sandbox = await openSandbox({ seed: "1", start: DAY_START });
  furnishHub(sandbox);
  const world = openLiveMirrorWorld(sandbox, "1");
  const { beside } = world;
  backups = await openLiveBackups(sandbox.clock, { seed: "1", port: 0, buildsDone: () => 0, beside });
  mirrors = startLiveMirrors(sandbox, world, backups);
});
afterEach(async () => {
  mirrors.close();
  await backups.close();
  await sandbox.close();
  vi.unstubAllEnvs();
});

async function toji(...args: string[]) {
  const said = { out: [] as string[], err: [] as string[] };
  const io = { out: (text: string) => said.out.push(text), err: (text: string) => said.err.push(text) };
  const world = { ...PROCESS_WORLD, env: {}, clock: sandbox.clock };
  const commands = { mirrors: mirrorsCommand(world), backup: backupCommand(world) };
  const code = await main([...args, "--bucket", BUCKET, "--endpoint", backups.endpoint], io, commands);
  return { code, stdout: said.out.join("\n"), stderr: said.err.join("\n") };
}

const pass = (minutes: number) => sandbox.clock.runUntil(sandbox.clock.now() + minutes * 60);

it("says what there is: first nothing, then the verdicts, then the switch under way", async () => {
  expect(mirrors.look()).toMatchObject({ summary: "not looked at yet", running: [], news: null });
  await pass(3);
  expect(mirrors.look().summary).toMatch(/^4 ok; candidates 4 ok; 0 of \d+ live rpms gone; looked at \d min ago$/);
  expect(mirrors.look().command).toContain(`toji mirrors list --endpoint ${backups.endpoint} --bucket ${BUCKET}`);
  const [, second] = mirrorsOf(BASE);
  expect(await toji("mirrors", "switch", BASE.name, second, "--by", "ann")).toMatchObject({ code: 0, stderr: "" });
  await pass(1);
  expect(mirrors.look().running).toEqual([expect.stringMatching(/: WaitForRepos$/)]);
  // The hub's backups are another line's.
  expect(backups.look().running.join()).not.toContain("WaitForRepos");
  await pass(30);
  expect(mirrors.look().running).toEqual([]);
  expect(mirrors.look().news).toMatch(/^06:\d\d .*example-/);
  expect(sandbox.hub.externalRepo(BASE.name).url).toBe(second);
});

it("is listed and switched at the address where the backups are, too", async () => {
  expect(await toji("mirrors", "list")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no mirror has been looked at yet"),
  });
  await pass(10);
  const { code, stdout, stderr } = await toji("mirrors", "list");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^repo +arch +verdict +lag +live rpms +looked at +url$/m);
  expect(stdout).toMatch(
    /^example-base +x86_64 +ok +\S.* +12\/12 +.* ago +https:\/\/mirror\.example\.org\/base\/x86_64\/$/m,
  );
  expect(stdout).toMatch(/^example-updates +aarch64 +ok \(candidate\) .*mirror2\.example\.org/m);
  const refused = await toji("mirrors", "switch", "example-bas", "https://mirror2.example.org/base/$arch/");
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean "example-base"?') });
  expect((await toji("backup", "list")).code).toBeLessThan(2);
});

it("tells the machines' addresses as the stack does, and nothing of it stays behind", async () => {
  expect(process.env.TOJI_MIRROR_SWITCH_MACHINE).toMatch(/:stateMachine:toji-mirror-switch$/);
  mirrors.close();
  expect(process.env.TOJI_MIRROR_SWITCH_MACHINE).toBeUndefined();
});

it("counts verdicts of what builds use, best first, and rpms that are gone", async () => {
  await pass(3);
  const status = await mirrors.deployed.status();
  const repos = (status?.repos ?? []).map((repo) => ({
    ...repo,
    looks: repo.looks.map((look) => {
      const isBad = look.role === "current" && look.arch === "x86_64";
      return isBad ? { ...look, verdict: "rolled_back" as const, live: { total: 9, missing: 2 } } : look;
    }),
  }));
  const changed = status === null ? null : summaryOf({ ...status, repos }, status.at + 600);
  expect(changed).toBe("2 ok, 2 rolled back; candidates 4 ok; 4 of 46 live rpms gone; looked at 10 min ago");
});
