// Mirrors of the sandbox over hours: updates and breakages, and what the machines make of them.

import { afterEach, describe, expect, it, vi } from "vitest";
import { BUILD_TAGS, DAY_START, furnishHub } from "../../sandbox/day.ts";
import { StepFunctionsModel } from "../../sandbox/machines/index.ts";
import { BASE, type ExternalRepoPlan, mirrorsOf, UPDATES } from "../../sandbox/mirrors/site.ts";
import { openMirrorWorld } from "../../sandbox/mirrors/world.ts";
import { BUCKET, openSandbox } from "../../sandbox/sandbox.ts";

const HOUR = 3600;
const [BOTH, ONLY_BASE] = BUILD_TAGS.map(({ name }) => name);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openHours(seed = "1") {
  const sandbox = await openSandbox({ seed, start: DAY_START });
  closing.push(() => sandbox.close());
  furnishHub(sandbox);
  const { clock, hub, site, random, aws } = sandbox;
  const world = openMirrorWorld({ clock, hub, site, random, tags: BUILD_TAGS, ssm: aws.clients.ssm });
  const machines = new StepFunctionsModel({ clock, ...world.beside });
  const deployed = world.deploy({ clients: aws.clients, machines, bucket: BUCKET });
  closing.push(world.close, deployed.startSchedule());
  // The first repos are in the order of the tags.
  const names = new Map(hub.repos().map(({ tag_id }, index) => [tag_id, BUILD_TAGS[index]?.name]));
  const executions = (machine: string) =>
    machines.executions().filter(({ machineArn }) => machineArn === machines.arnOf(machine));
  return {
    ...{ ...world, ...deployed, hub, clock },
    pass: (hours: number) => clock.runUntil(clock.now() + hours * HOUR),
    /** Tags that new repos were asked for of, in order. */
    asked: () => hub.repoRequests().map(({ tag_id }) => names.get(tag_id)),
    switches: () => executions("toji-mirror-switch").map(({ status, input }) => ({ status, ...JSON.parse(input) })),
    failedChecks: () => executions("toji-mirror-check").filter(({ status }) => status === "FAILED"),
    /** Of the newest looks at what the hub has, each once. */
    async verdicts(repo?: ExternalRepoPlan) {
      const found = (await deployed.status())?.repos.filter(({ name }) => repo === undefined || repo.name === name);
      const looks = (found ?? []).flatMap((each) => each.looks.filter(({ role }) => role === "current"));
      return [...new Set(looks.map(({ verdict }) => verdict))].sort();
    },
  };
}

describe("updates", () => {
  it("that take rpms away lead to one new repo of just the tag that used them", async () => {
    const { pass, hosts, asked, verdicts, switches } = await openHours();
    await pass(1);
    expect(asked()).toEqual([]);
    hosts.rotate(UPDATES);
    await pass(2);
    expect(asked()).toEqual([BOTH]);
    expect(await verdicts()).toEqual(["ok"]);
    await pass(6);
    expect(asked()).toEqual([BOTH]);
    hosts.rotate(UPDATES);
    await pass(2);
    expect(asked()).toEqual([BOTH, BOTH]);
    expect(switches()).toEqual([]);
  });
});

describe("a broken mirror", () => {
  it.each([
    [BASE, "dead", "unreachable", [BOTH, ONLY_BASE]],
    [BASE, "partial", "partial", [BOTH, ONLY_BASE]],
    [UPDATES, "dead", "unreachable", [BOTH]],
  ] as const)("$name that is $1 is found $2, left once, and all is ok again", async (repo, breakage, verdict, tags) => {
    const { pass, hosts, hub, asked, verdicts, switches } = await openHours();
    const [first, second] = mirrorsOf(repo);
    await pass(1);
    hosts.break(repo, first, breakage);
    await pass(0.5);
    expect(await verdicts(repo)).toEqual([verdict]);
    // No new repo would be better.
    expect(asked()).toEqual([]);
    await pass(2);
    expect(switches()).toMatchObject([{ status: "SUCCEEDED", repo: repo.name, to: second, automatic: true }]);
    expect(hub.externalRepo(repo.name).url).toBe(second);
    expect(await verdicts()).toEqual(["ok"]);
    hosts.mend(repo, first);
    await pass(8);
    expect(switches()).toHaveLength(1);
    expect(asked().sort()).toEqual(tags);
  });

  it("that no longer follows upstream is left when it is too far behind", async () => {
    const { pass, hosts, hub, verdicts, switches } = await openHours();
    const [first, second] = mirrorsOf(UPDATES);
    await pass(1);
    hosts.break(UPDATES, first, "frozen");
    hosts.rotate(UPDATES);
    await pass(2);
    expect(await verdicts()).toEqual(["ok"]);
    hosts.rotate(UPDATES);
    await pass(0.5);
    expect(await verdicts(UPDATES)).toEqual(["lagging"]);
    await pass(2);
    expect(switches()).toMatchObject([{ status: "SUCCEEDED", to: second }]);
    expect(hub.externalRepo(UPDATES.name).url).toBe(second);
    expect(await verdicts()).toEqual(["ok"]);
  });
});

describe("a day of its own", () => {
  it("brings no more switches than breakages, no more new repos than reasons, and ends well", async () => {
    const { pass, hosts, asked, verdicts, switches, failedChecks, startLife } = await openHours("7");
    const rotate = vi.spyOn(hosts, "rotate");
    const breaks = vi.spyOn(hosts, "break");
    const stop = startLife();
    await pass(24);
    stop();
    for (const [repo, address] of breaks.mock.calls) hosts.mend(repo, address);
    await pass(2);
    expect(failedChecks()).toEqual([]);
    expect(rotate.mock.calls.length).toBeGreaterThan(5);
    expect(breaks.mock.calls.length).toBeGreaterThan(1);
    const broken = breaks.mock.calls.map(([{ name }]) => name);
    const left = switches().map(({ repo }) => repo);
    expect(left.length).toBeGreaterThan(0);
    expect(left).toEqual(broken.filter((name) => left.includes(name)).slice(0, left.length));
    expect(switches().every(({ status }) => status === "SUCCEEDED")).toBe(true);
    const count = (tag: string | undefined) => asked().filter((each) => each === tag).length;
    expect(count(BOTH)).toBeLessThanOrEqual(rotate.mock.calls.length + left.length);
    expect(count(BOTH)).toBeGreaterThan(3);
    expect(count(ONLY_BASE)).toBe(left.filter((name) => name === BASE.name).length);
    expect(await verdicts()).toEqual(["ok"]);
    const before = asked().length;
    await pass(12);
    expect(asked()).toHaveLength(before);
  });

  it("is the same again with the same seed", async () => {
    const hours = async () => {
      const { pass, startLife, board, asked } = await openHours("5");
      closing.push(startLife());
      await pass(4);
      // Looks are made side by side: which of one moment is first may differ.
      const said = board.sentences.map(({ at, text }) => `${at} ${text}`).sort();
      return { asked: asked(), said };
    };
    const once = await hours();
    expect(once.asked.length).toBeGreaterThan(0);
    expect(await hours()).toEqual(once);
  });
});
