// `toji backup --endpoint URL`: the command's own clients against a sandbox's address, as a person would use it.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PROCESS_WORLD } from "../../cli/backup/scene.ts";
import { backupCommand } from "../../cli/commands/backup.ts";
import { main } from "../../cli/main.ts";
import { type AwsEndpoint, startAwsEndpoint } from "../../sandbox/server/aws-endpoint.ts";
import { BUCKET, openBackupWorld, SET } from "./backup-world.ts";

let world: Awaited<ReturnType<typeof openBackupWorld>>;
let endpoint: AwsEndpoint;

beforeEach(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "sandbox");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "sandbox");
  world = await openBackupWorld();
  endpoint = await startAwsEndpoint({
    s3: world.s3,
    stepFunctions: world.script.model,
    now: () => world.script.clock.now(),
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await endpoint.close();
});

async function toji(...args: string[]) {
  const said = { out: [] as string[], err: [] as string[] };
  const io = { out: (text: string) => said.out.push(text), err: (text: string) => said.err.push(text) };
  const command = backupCommand({ ...PROCESS_WORLD, env: {}, clock: world.script.clock });
  const where = ["--bucket", BUCKET, "--endpoint", endpoint.url];
  const code = await main(["backup", ...args, ...where], io, { backup: command });
  return { code, stdout: said.out.join("\n"), stderr: said.err.join("\n") };
}

it("lists, shows, starts and follows a set", async () => {
  expect(await toji("list")).toMatchObject({ code: 0, stdout: expect.stringContaining(SET) });
  expect(await toji("show", SET)).toMatchObject({ code: 0, stdout: expect.stringContaining("VERIFIED") });
  const begun = JSON.parse((await toji("now", "--by", "ann", "--json")).stdout);
  expect(begun).toMatchObject({ ok: true, input: { kind: "on-demand", by: "ann" } });
  await world.script.run(60);
  expect((await toji("status", begun.execution.name)).stdout).toMatch(/: done, at the end in Done/);
  expect((await toji("retention")).code).toBeLessThan(2);
});

it("says when the sandbox is gone", async () => {
  await endpoint.close();
  expect(await toji("list")).toMatchObject({ code: 1, stderr: expect.stringMatching(/is the sandbox running\?$/) });
}, 120_000);
