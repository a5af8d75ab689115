// What goes to Lambda: its size, what lies in it, that it starts, and that it depends on nothing of this machine.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stepsOf } from "../../infra/backup/index.ts";
import { type Built, buildFunctions } from "../../infra/build.ts";
import { mirrorStepsOf } from "../../infra/mirrors/index.ts";
import { parseSite } from "../../shared/config/index.ts";
import { BUILDER_FILES } from "../../shared/fleet/user-data.ts";
import { builtProject } from "./built.ts";
import { copyProject, node, REPOSITORY, removeProject } from "./project.ts";

/** Measured plus about a tenth: see `npm run bench:cold`. Raise it knowingly, or look what came in. */
const BUDGET_KIB = { code: 1730, start: 1360, zip: 550 };
const SWEEP_BUDGET_KIB = { code: 1140, start: 770, zip: 340 };
/** The steps of backups, drills and restores are made of the same parts. */
const STEP_BUDGET_KIB = { code: 980, start: 820, zip: 335 };

/** Those of mirrors too. Beyond the start lies what reads signatures and xz, where a site or a mirror has them. */
const MIRROR_BUDGET_KIB = { code: 1960, start: 1380, zip: 645 };

const site = parseSite(readFileSync(join(REPOSITORY, "toji.example.yml"), "utf8"), "toji.example.yml");
const functions = [
  ...stepsOf(site).map(({ name, hosts }) => [name, hosts, STEP_BUDGET_KIB] as const),
  ...mirrorStepsOf(site).map(({ name, hosts }) => [name, hosts, MIRROR_BUDGET_KIB] as const),
];

let root: string;
let builtAt: string;
let built: readonly Built[];
let folder: string;

beforeAll(async () => {
  ({ root, builtAt, built } = await builtProject());
  folder = join(root, ".build/functions/fleet");
  // Two cores bundle all functions in about half a minute.
}, 180_000);

function expectWithin(name: string, budget: typeof BUDGET_KIB): void {
  const found = built.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  expect(found.codeBytes / 1024).toBeLessThan(budget.code);
  expect(found.startBytes / 1024).toBeLessThan(budget.start);
  expect(found.zipBytes / 1024).toBeLessThan(budget.zip);
}

function filesBelow(path: string): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** What an import of the entry says for itself, in a Node that lets nothing reach a network. */
async function importOffline(entry: string): Promise<string> {
  const script = `
    import net from "node:net";
    import dns from "node:dns";
    net.Socket.prototype.connect = dns.lookup = () => { throw new Error("the import used the network"); };
    const { handler } = await import(process.argv[1]);
    console.log(typeof handler, process.versions.node.split(".")[0]);
  `;
  return await node(dirname(entry), {}, "--input-type=module", "--eval", script, entry);
}

describe("the bundle of the fleet pass", () => {
  it("stays within its budget", () => {
    expectWithin("fleet", BUDGET_KIB);
  });

  it("brings the site document and the builder's scripts, where the function looks for them", () => {
    expect(readFileSync(join(folder, "toji.yml"), "utf8")).toBe(readFileSync(join(root, "toji.example.yml"), "utf8"));
    for (const path of BUILDER_FILES) {
      expect(statSync(join(folder, "infra/hosts/builder", path)).isFile()).toBe(true);
    }
  });

  it("holds no source map and no path of the machine that built it", () => {
    const files = filesBelow(join(root, ".build/functions"));
    expect(files.filter((file) => file.endsWith(".map"))).toEqual([]);
    for (const file of [...files, ...["site", "backup", "mirrors"].map((name) => join(root, `.build/${name}.json`))]) {
      const text = readFileSync(file, "utf8");
      for (const path of [root, builtAt, REPOSITORY, "node_modules/", "sourceMappingURL=/"])
        expect(text).not.toContain(path);
    }
  });

  it("comes out the same when it is built again in another place", async () => {
    const elsewhere = copyProject();
    try {
      const names = ["fleet", "backup-host"];
      await buildFunctions({ root: elsewhere, only: names });
      for (const name of names) {
        const zips = [root, elsewhere].map((each) => readFileSync(join(each, `.build/functions/${name}.zip`)));
        expect(zips[0]?.equals(zips[1] ?? Buffer.alloc(0))).toBe(true);
      }
    } finally {
      removeProject(elsewhere);
    }
  });

  it("starts in a bare Node, without a network, and lets it end", async () => {
    expect(await importOffline(join(folder, "pass.js"))).toBe("function 24\n");
  });
});

describe("the bundle of the sweep", () => {
  it("stays within its budget, well below the pass's", () => {
    expectWithin("sweep", SWEEP_BUDGET_KIB);
  });

  it("brings the site document, and none of the builder's scripts", () => {
    const files = filesBelow(join(root, ".build/functions/sweep")).map((file) => relative(root, file));
    expect(files).toContain(".build/functions/sweep/toji.yml");
    expect(files.filter((file) => file.includes("infra/hosts"))).toEqual([]);
  });

  it("starts in a bare Node, without a network, and lets it end", async () => {
    expect(await importOffline(join(root, ".build/functions/sweep/sweep.js"))).toBe("function 24\n");
  });
});

describe.each(functions)("the bundle of %s", (name, hosts, budget) => {
  it("stays within the budget of a step", () => expectWithin(name, budget));

  it("brings the site document, and the scripts it sends", () => {
    const place = join(root, ".build/functions", name);
    const files = filesBelow(place).map((file) => relative(place, file));
    expect(files).toContain("toji.yml");
    const scripts = files.filter((file) => file.startsWith("infra/hosts"));
    const wanted = (hosts ?? []).flatMap((host) => filesBelow(join(root, "infra/hosts", host)));
    expect(scripts.sort()).toEqual(wanted.map((file) => relative(root, file)).sort());
  });

  it("starts in a bare Node, without a network, and lets it end", async () => {
    const entry = join(root, ".build/functions", name, `${name.split("-")[1]}.js`);
    expect(await importOffline(entry)).toBe("function 24\n");
  });
});

describe("the site document", () => {
  let own: string;
  beforeAll(() => {
    own = copyProject();
  });
  afterAll(() => removeProject(own));

  it("is toji.yml when there is one, and the named file when there is a name", async () => {
    const example = readFileSync(join(own, "toji.example.yml"), "utf8");
    const named = join(own, "named.yml");
    writeFileSync(join(own, "toji.yml"), example.replace("fleet: toji", "fleet: site"));
    writeFileSync(named, example.replace("fleet: toji", "fleet: named"));
    const fleet = () => JSON.parse(readFileSync(join(own, ".build/site.json"), "utf8")).fleet;
    expect((await buildFunctions({ root: own, only: [] })).source).toBe("toji.yml");
    expect(fleet()).toBe("site");
    await buildFunctions({ root: own, config: named, only: ["fleet"] });
    expect(fleet()).toBe("named");
    expect(readFileSync(join(own, ".build/functions/fleet/toji.yml"), "utf8")).toContain("fleet: named");
  });

  it("is not packaged when it is wrong", async () => {
    writeFileSync(join(own, "toji.yml"), "hub: { url: https://koji.example.org/kojihub }\n");
    await expect(buildFunctions({ root: own })).rejects.toThrow(/toji.yml: .*builders: is missing/);
  });
});
