// `toji mirrors`: wrong usage of each option, and what list and switch say of and do with what the last checks found.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SceneClients } from "../../cli/backup/scene.ts";
import { mirrorsCommand } from "../../cli/commands/mirrors.ts";
import { main } from "../../cli/main.ts";
import { S3Model } from "../../sandbox/world/s3.ts";
import type { MirrorStatus } from "../../shared/mirrors/index.ts";
import { openScript, START } from "../statemachines/scripted.ts";

const BUCKET = "toji-bucket";
const URL_9 = "https://mirror.example.org/el9/$arch/";
const NEW = "https://other.example.org/el9/$arch/";

type Repo = MirrorStatus["repos"][number];
type SeenLook = Repo["looks"][number];

const lookOf = (change: Partial<SeenLook> = {}): SeenLook => ({
  ...{ arch: "x86_64", url: "https://mirror.example.org/el9/x86_64/", role: "current", verdict: "ok" },
  ...{ at: START - 600, fresh: true, lagSeconds: 7200, good: 4, bad: 0, failing: [], live: { total: 90, missing: 0 } },
  ...change,
});

const repoOf = (change: Partial<Repo> = {}): Repo => ({
  ...{ name: "el9-baseos", url: URL_9, local: null, uses: ["el9-build", "el9-infra-build"], switch: null },
  looks: [lookOf()],
  ...change,
});

function openWorld(change: Partial<MirrorStatus> | null = {}, env = { AWS_REGION: "eu-west-1" }) {
  const script = openScript();
  // The backup's machine stands for that of switches: what is asked is whether and with what it is started.
  const machine = script.model.arnOf("toji-backup");
  const status: MirrorStatus = {
    ...{ at: START - 300, run: "check-7", hubAdmin: true, sentences: [], repos: [repoOf()] },
    machines: { check: null, switch: machine },
    ...change,
  };
  const s3 = new S3Model({ clock: script.clock, buckets: [BUCKET] });
  const put = (text: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "mirrors/status.json", Body: text }));
  // Each model answers a command with the output type of that command.
  const clients: SceneClients = {
    s3: { send: ((command: object) => s3.send(command)) as SceneClients["s3"]["send"] },
    sfn: { send: ((command: object) => script.model.send(command)) as SceneClients["sfn"]["send"] },
    presignGet: async () => "",
  };
  const world = {
    open: () => clients,
    clock: script.clock,
    env,
    userName: () => "ann",
    token: () => "1a2b",
    ask: async () => "",
  };
  const bare = async (...args: readonly string[]) => {
    const said = { out: [] as string[], err: [] as string[] };
    const io = { out: (line: string) => said.out.push(line), err: (line: string) => said.err.push(line) };
    const code = await main(["mirrors", ...args], io, { mirrors: mirrorsCommand(world) });
    return { code, stdout: said.out.join("\n"), stderr: said.err.join("\n") };
  };
  return {
    ...{ script, machine, put, bare },
    async toji(...args: readonly string[]) {
      if (change !== null) await put(JSON.stringify(status));
      return await bare(...args, "--bucket", BUCKET);
    },
  };
}

let folder: string;
const files: Record<string, string> = {
  "text.txt": "no key, no certificate, no JSON\n",
  "wrong.json": '[{"url": "https://a.example.org/", "arch": "x86_64"}]',
  "object.json": '{"ok": false}',
  "site.yml": "site: 1\n",
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toji-mirrors-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("toji mirrors that is called wrongly: exit 2, one sentence on stderr, nothing on stdout", () => {
  const url = "https://mirror.example.org/el9/x86_64/";
  const at = (name: string) => `@/${name}`;
  it.each([
    [[], /mirrors check, mirrors list, mirrors switch/],
    [["chekc"], /did you mean "mirrors check"/],
    [["check"], /name what to check: addresses, or --hub URL or --config/],
    [["check", "mirror.example.org/el9"], /give an http or https address/],
    [["check", "ftp://mirror.example.org/"], /give an http or https address/],
    [["check", "file:///mnt/mirror/"], /give an http or https address/],
    [["check", "https://user:word@mirror.example.org/"], /: leave user and password out of the address$/],
    [["check", "ftp://user:word@mirror.example.org/"], /: leave user and password out of the address$/],
    [["check", "https://mirror.example.org/$arch/"], /say for which --arch/],
    [["check", url, "--arch"], /--arch/],
    [["check", url, "--hub", "https://koji.example.org/kojihub"], /addresses or --hub, not both/],
    [["check", url, "--reference", url, "--metalink", url], /--reference or --metalink, not both/],
    [["check", url, "--reference", "upstream"], /upstream: give an http or https address/],
    [["check", url, "--metalink", "metalink?repo=epel"], /give an http or https address/],
    [["check", url, "--key", at("none.asc")], /no such file/],
    [["check", url, "--key", at("text.txt")], /holds no armored OpenPGP public key/],
    [["check", url, "--last", at("none.json")], /no such file/],
    [["check", url, "--last", at("text.txt")], /it is no JSON/],
    [["check", url, "--last", at("wrong.json")], /0\.verdict .*give what `toji mirrors check --json` printed/],
    [["check", url, "--last", at("object.json")], /give what `toji mirrors check --json` printed/],
    [["check", url, "--depth", "deep"], /--depth deep: give head, metadata or full/],
    [["check", url, "--timeout", "soon"], /--timeout soon: give seconds/],
    [["check", url, "--timeout", "0"], /--timeout 0: give seconds/],
    [["check", url, "--ca", at("text.txt")], /holds no PEM certificate/],
    [["check", url, "--config", at("none.yml")], /no such file/],
    [["check", url, "--config", at("site.yml")], /site\.yml/],
    [["check", url, "--frobnicate"], /--frobnicate/],
    [["check", url, "--json=yes"], /--json/],
    [["check", "--hub", "koji.example.org"], /--hub koji.example.org: give the hub's address/],
    [["check", "--hub", "https://koji.example.org/kojihub", "--key", at("text.txt")], /--reference and --key go with/],
    [["list"], /name Toji's bucket/],
    [["list", "el9-baseos", "--bucket", BUCKET], /list takes no "el9-baseos"/],
    [["list", "--bucket", ""], /--bucket: give its name/],
    [["list", "--endpoint", "here", "--bucket", BUCKET], /--endpoint here: give an address/],
    [["switch", "--bucket", BUCKET], /name the external repo and its new address/],
    [["switch", "el9-baseos", "--bucket", BUCKET], /name the external repo and its new address/],
    [["switch", "el9-baseos", NEW, "more", "--bucket", BUCKET], /name the external repo and its new address/],
    [["switch", "el9-baseos", "other.example.org", "--bucket", BUCKET], /give an http or https address, with \$arch/],
    [["switch", "el9-baseos", NEW, "--depth", "full"], /--depth/],
  ] as const)("toji mirrors %j", async (args, sentence) => {
    const { code, stdout, stderr } = await openWorld().bare(...args.map((each) => each.replace(/^@/, folder)));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.split("\n")).toHaveLength(1);
  });

  it("no region, and wrong words about who and where", async () => {
    expect(await openWorld({}, { AWS_REGION: "" }).toji("list")).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("name the hub's region: --region eu-west-1 or AWS_REGION") },
    });
    const world = openWorld();
    expect(await world.toji("switch", "el9-baseos", NEW, "--by", " ")).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("--by: say who you are") },
    });
    expect(await world.toji("switch", "el9-baseos", NEW, "--machine", "toji-switch")).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("toji-switch is no state machine") },
    });
    expect(world.script.model.executions()).toEqual([]);
  });
});

describe("toji mirrors list", () => {
  it("is fine when every address in use is ok, whatever is said of candidates", async () => {
    const candidate = lookOf({ role: "candidate", verdict: "lagging", url: NEW, live: null });
    const { code, stdout } = await openWorld({ repos: [repoOf({ looks: [lookOf(), candidate] })] }).toji("list");
    expect(code).toBe(0);
    const lines = stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | ").trim());
    expect(lines).toEqual([
      "as of 5 min ago",
      expect.stringMatching(/^repo \| arch \| verdict/),
      "el9-baseos | x86_64 | ok | 2 h | 90/90 | 10 min ago | https://mirror.example.org/el9/x86_64/",
      `el9-baseos | x86_64 | lagging (candidate) | 2 h | - | 10 min ago | ${NEW}`,
    ]);
  });

  it("names what is not, its checks, the repos that nobody looks at, and the switch under way", async () => {
    const failing = [{ name: "live", detail: "2 of the 90 rpms\ndo not answer" }];
    const live = { total: 90, missing: 2 };
    const under = { id: "s", from: URL_9, to: NEW, by: "ann", startedAt: START, endedAt: null, retiring: [], note: "" };
    const repos = [
      repoOf({ looks: [lookOf({ verdict: "partial", failing, live })], switch: { ...under, state: "regenerating" } }),
      repoOf({ name: "el9-disk", url: "file:///mnt/koji/el9/", local: "file", looks: [] }),
      repoOf({ name: "el9-old", uses: [], looks: [] }),
    ];
    const world = openWorld({ repos, sentences: ["Tag el9-build was regenerated."] });
    const { code, stdout } = await world.toji("list");
    expect(code).toBe(1);
    expect(stdout).toMatch(/partial +2 h +88\/90/);
    expect(stdout).toMatch(/el9-disk +- +file/);
    expect(stdout).toMatch(/el9-old +- +unused/);
    expect(stdout).toContain("el9-baseos x86_64: live: 2 of the 90 rpms do not answer");
    expect(stdout).toContain(`el9-baseos: switch regenerating (${URL_9} -> ${NEW}, by ann)`);
    expect(stdout).toMatch(/Tag el9-build was regenerated\.$/);
    const json = JSON.parse((await world.toji("list", "--json")).stdout);
    expect(json).toMatchObject({ ok: false, stale: false, run: "check-7", repos: [{ name: "el9-baseos" }, {}, {}] });
  });

  it("is a problem when no run has ended for long, none ever has, or the file is not readable", async () => {
    const old = await openWorld({ at: START - 7200 }).toji("list");
    expect(old).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^as of 2 h ago: OLD, no run has ended since/),
    });
    const none = openWorld(null);
    expect(await none.toji("list")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no mirror has been looked/),
    });
    expect(JSON.parse((await none.toji("list", "--json")).stdout)).toMatchObject({ ok: false });
    await none.put("{}");
    expect(await none.toji("list")).toMatchObject({ code: 1, stderr: expect.stringContaining("mirrors/status.json") });
  });
});

describe("toji mirrors switch", () => {
  const NAME = "switch-20261118T125320Z-1a2b";

  it("says what will be, and starts the machine that the last run named", async () => {
    const { script, machine, toji } = openWorld();
    const { code, stdout } = await toji("switch", "el9-baseos", NEW.slice(0, -1), "--reason", "moved\nto the archive");
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      `el9-baseos: ${URL_9} -> ${NEW}`,
      expect.stringMatching(/looked at first; then el9-build, el9-infra-build will be regenerated/),
      `begun: ${NAME}`,
      "`npx toji mirrors list` shows how it goes",
    ]);
    const execution = script.model.execution(NAME);
    expect(execution.machineArn).toBe(machine);
    expect(JSON.parse(execution.input)).toEqual({
      ...{ repo: "el9-baseos", to: NEW, by: "ann", reason: "moved to the archive", automatic: false },
    });
  });

  it("--wait stays until it has ended", async () => {
    const { script, toji } = openWorld();
    const ran = script.clock.actor(() => toji("switch", "el9-baseos", NEW, "--wait"));
    await script.run();
    const { code, stdout } = await ran;
    expect(code).toBe(0);
    expect(stdout).toContain(`${NAME}: done, at the end in Done`);
  });

  it("prints JSON only where it is asked for", async () => {
    const { stdout } = await openWorld().toji("switch", "el9-baseos", NEW, "--json", "--by", "bob");
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, execution: { name: NAME }, input: { by: "bob", to: NEW } });
  });

  it("starts nothing for a repo that the hub does not have, and names the nearest", async () => {
    const { script, toji } = openWorld();
    expect(await toji("switch", "el9-baseso", NEW)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('no external repo el9-baseso: did you mean "el9-baseos"?') },
    });
    expect(await toji("switch", "something-else", NEW)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining("`toji mirrors list` shows them") },
    });
    expect(script.model.executions()).toEqual([]);
  });

  it("without the permission starts nothing, and prints what an administrator runs", async () => {
    const { script, toji } = openWorld({ hubAdmin: false });
    const { code, stderr } = await toji("switch", "el9-baseos", NEW);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `koji edit-external-repo --url='${NEW}' el9-baseos && koji regen-repo --nowait el9-build && koji regen-repo --nowait el9-infra-build`,
    );
    expect(script.model.executions()).toEqual([]);
  });

  it("says so where nobody knows the machine, or it is gone", async () => {
    const unknown = openWorld({ machines: { check: null, switch: null } });
    expect(await unknown.toji("switch", "el9-baseos", NEW)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining("--machine or TOJI_MIRROR_SWITCH_MACHINE") },
    });
    const gone = "arn:aws:states:eu-west-1:000000000000:stateMachine:toji-gone";
    expect(await unknown.toji("switch", "el9-baseos", NEW, "--machine", gone)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining("is the stack deployed") },
    });
  });
});
