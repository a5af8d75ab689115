// `toji backup retention`: the plan for people and for programs, its exit codes, and what it says of files it cannot read.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type RetentionWorld, retentionCommand, type StoredCatalog } from "../../cli/backup/retention.ts";
import { UsageError } from "../../cli/io.ts";
import { ConfigError } from "../../shared/config/index.ts";

const NOW = "2026-11-23T12:00:00Z";
const example = new URL("../../toji.example.yml", import.meta.url).pathname;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toji-retention-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const json = (name: string, content: unknown) => file(name, JSON.stringify(content));

const entry = (id: string, instant: string | number, more: object = {}) => ({
  id,
  instant,
  grade: "application",
  state: "verified",
  members: [{ snapshot: `snap-${id}`, state: "completed", locked: false, inUse: false, region: "eu-west-1" }],
  ...more,
});

/** Verified sets, one a day at 02:00 UTC; the newest of 2026-11-23. */
const nightly = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const at = new Date(Date.parse("2026-11-23T02:00:00Z") - index * 86_400_000).toISOString();
    return entry(`bs-${at.slice(0, 10)}`, at);
  });

async function run(args: readonly string[], world?: Partial<RetentionWorld>) {
  const out: string[] = [];
  const err: string[] = [];
  const clock = { now: () => Date.parse(NOW) / 1000, sleep: async () => {} };
  const command = retentionCommand({ clock, readCatalog: null, ...world });
  const code = await command.run(args, { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out, err, json: () => JSON.parse(out.join("\n")) };
}

const complaint = (args: readonly string[]) =>
  run(args).then(
    () => "",
    (error: unknown) => (error instanceof UsageError || error instanceof ConfigError ? error.message : `? ${error}`),
  );

describe("toji backup retention", () => {
  it("prints exactly the promised members with --json", async () => {
    const { code, err, json: answer } = await run(["--catalog", json("40.json", nightly(40)), "--now", NOW, "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(Object.keys(answer())).toEqual(["keep", "expire", "refused"]);
    expect(answer().refused).toBeNull();
    // The oldest first, and five at a time.
    expect(answer().expire.map((each: { id: string }) => each.id)).toEqual([
      "bs-2026-10-16",
      "bs-2026-10-17",
      "bs-2026-10-18",
      "bs-2026-10-19",
      "bs-2026-10-20",
    ]);
    expect(Object.keys(answer().expire[0])).toEqual(["id", "reason"]);
    expect(answer().keep[0]).toEqual({
      id: "bs-2026-11-23",
      reasons: [
        "last 1 of 3",
        "daily 1 of 7: newest of 2026-11-23",
        "weekly 1 of 4: newest of 2026-W48",
        "monthly 1 of 12: newest of 2026-11",
        "yearly 1 of 3: newest of 2026",
      ],
    });
    expect(answer().keep).toHaveLength(35);
  });

  it("says in a table what would go and why, and what stays and by which rule, in the rules' time zone", async () => {
    const site = siteWith("zone.yml", {});
    const { code, out } = await run(["--catalog", json("9.json", nightly(9)), "--config", site]);
    expect(code).toBe(0);
    expect(out).toEqual([
      "9 sets at 2026-11-23 21:00 (Asia/Tokyo): 2 would go, 7 stay",
      "would go:",
      "  bs-2026-11-15  2026-11-15 11:00  application  verified  no rule keeps it: the last 2 are newer; daily 4 of 4 are filled back to 2026-11-20",
      "  bs-2026-11-16  2026-11-16 11:00  application  verified  no rule keeps it: the last 2 are newer; daily 4 of 4 are filled back to 2026-11-20",
      "stays:",
      "  bs-2026-11-23  2026-11-23 11:00  application  verified  last 1 of 2; daily 1 of 4: newest of 2026-11-23",
      "  bs-2026-11-22  2026-11-22 11:00  application  verified  last 2 of 2; daily 2 of 4: newest of 2026-11-22",
      "  bs-2026-11-21  2026-11-21 11:00  application  verified  daily 3 of 4: newest of 2026-11-21",
      "  bs-2026-11-20  2026-11-20 11:00  application  verified  daily 4 of 4: newest of 2026-11-20",
      "  bs-2026-11-19  2026-11-19 11:00  application  verified  next run: at most 2 sets are deleted at a time",
      "  bs-2026-11-18  2026-11-18 11:00  application  verified  next run: at most 2 sets are deleted at a time",
      "  bs-2026-11-17  2026-11-17 11:00  application  verified  next run: at most 2 sets are deleted at a time",
    ]);
  });

  it("exits 1 when the plan is refused, and says why", async () => {
    const path = json("1.json", nightly(1));
    const words = "only 1 verified set, and at least 2 must stay";
    const people = await run(["--catalog", path]);
    expect(people).toMatchObject({ code: 1, err: [] });
    expect(people.out[0]).toBe(`refused: ${words}`);
    const program = await run(["--catalog", path, "--json"]);
    expect(program.code).toBe(1);
    expect(program.json()).toEqual({
      keep: [{ id: "bs-2026-11-23", reasons: ["nothing goes while the plan is refused"] }],
      expire: [],
      refused: words,
    });
  });

  it("judges as of --now: what is later is ignored", async () => {
    const path = json("now.json", nightly(9));
    const { out } = await run(["--catalog", path, "--now", "2026-11-16", "--json"]);
    expect(JSON.parse(out.join("")).refused).toBe("only 1 verified set, and at least 2 must stay");
    const later = await run(["--catalog", path, "--now", "2026-11-22T02:00:00+00:00", "--json"]);
    expect(later.json().keep[0].reasons[0]).toMatch(/future/);
  });

  it.each([
    ["an array", (sets: unknown) => JSON.stringify(sets)],
    ["an object with sets", (sets: unknown) => JSON.stringify({ sets })],
    [
      "backup/catalog.json",
      (sets: unknown) => JSON.stringify({ at: 1, sets: [{ id: "for people" }], entries: sets, disagreements: [] }),
    ],
    ["gzip", (sets: unknown) => gzipSync(JSON.stringify(sets))],
  ])("reads %s, and instants as ISO 8601 or epoch seconds", async (name, write) => {
    const sets = nightly(9).map((set, index) =>
      index % 2 === 0 ? set : { ...set, instant: Date.parse(String(set.instant)) / 1000 },
    );
    const answer = await run(["--catalog", file(`${name.replaceAll("/", "-")}.in`, write(sets)), "--json"]);
    const plain = await run(["--catalog", json("plain.json", nightly(9)), "--json"]);
    expect(answer.out).toEqual(plain.out);
  });

  it("refuses what the catalog of the bucket says does not agree with AWS", async () => {
    const content = { sets: nightly(9), disagreements: ["set bs-1: is only in tags"] };
    const { code, json: answer } = await run(["--catalog", json("dis.json", content), "--json"]);
    expect(code).toBe(1);
    expect(answer().refused).toBe("the catalog does not agree with AWS: set bs-1: is only in tags");
  });

  it("asks for verified sets in each region that the config copies to", async () => {
    const catalog = json("copies.json", nightly(9));
    const copies = [{ region: "eu-central-1", kmsKeyId: "key" }];
    const site = siteWith("copies.yml", { copies });
    const { json: answer } = await run(["--catalog", catalog, "--config", site, "--json"]);
    expect(answer().refused).toBe("no verified sets in eu-central-1, and at least 2 must stay");
  });

  it("reads the bucket's catalog without --catalog, and lets its region count", async () => {
    const entries = nightly(9).map((set) => ({ ...set, instant: Date.parse(String(set.instant)) / 1000 }));
    const stored = { entries, disagreements: [], home: "eu-west-3" } as unknown as StoredCatalog;
    const places: object[] = [];
    const readCatalog = async (place: object) => {
      places.push(place);
      return stored;
    };
    const { json: answer } = await run(["--bucket", "toji", "--region", "eu-west-3", "--json"], { readCatalog });
    expect(answer().refused).toBe("no verified sets in eu-west-3, and at least 2 must stay");
    expect(places).toMatchObject([{ bucket: "toji", region: "eu-west-3" }]);
  });
});

/** The example's document with rules that are not the defaults. */
function siteWith(name: string, backup: object): string {
  const retention = { last: 2, daily: 4, weekly: 0, monthly: 0, yearly: 0, timezone: "Asia/Tokyo", maxDeletions: 2 };
  const site: unknown = parse(readFileSync(example, "utf8"));
  return json(name, { ...Object(site), backup: { retention, ...backup } });
}

describe("what cannot be used is one sentence that names it", () => {
  const sets = nightly(3);
  const changed = (change: object) => JSON.stringify([sets[0], { ...sets[1], ...change }]);
  const member = { snapshot: "snap-1", state: "completed", locked: false, inUse: false, region: "eu-west-1" };
  it.each([
    ["", /this is not JSON: it is empty/],
    ["[{]", /this is not JSON/],
    ['"sets"', /this is no catalog: write a JSON array of sets/],
    ['{"set": []}', /this is no catalog/],
    ["[1]", /set 1: this is no set: write an object/],
    [changed({ id: 7 }), /set 2: id: /],
    [changed({ state: undefined }), /set 2 \(bs-2026-11-22\): state: is missing$/],
    [changed({ state: "good" }), /set 2 \(bs-2026-11-22\): state: .*"verified"/],
    [changed({ instant: undefined }), /set 2 \(bs-2026-11-22\): instant: is missing$/],
    [changed({ instant: "yesterday" }), /instant: "yesterday" is no ISO 8601 time like 2026-11-20T02:00:00Z$/],
    [changed({ instant: "2026-02-30T00:00:00Z" }), /instant: "2026-02-30T00:00:00Z" is no ISO 8601 time/],
    [changed({ instant: 1_795_000_000_000 }), /instant: 1795000000000 is more than epoch seconds can be/],
    [changed({ instant: null }), /instant: write an ISO 8601 time or epoch seconds$/],
    [changed({ members: undefined }), /members: is missing$/],
    [
      changed({ members: [member, { ...member, locked: undefined }] }),
      /set 2 \(bs-2026-11-22\): members\[1\]\.locked: is missing$/,
    ],
    [changed({ members: [{ ...member, state: "fine" }] }), /members\[0\]\.state: .*"completed"/],
    ['{"sets": [], "disagreements": 3}', /disagreements: write an array of sentences/],
  ])("%s", async (text, sentence) => {
    const said = await complaint(["--catalog", file("bad.json", text)]);
    expect(said).toMatch(sentence);
    expect(said.split("\n")).toHaveLength(1);
  });

  it.each([
    [[], /--catalog FILE/],
    [["--catalog", "/nowhere.json"], /no such file/],
    [["--catalog", example, "--now", "soon"], /--now soon: write an ISO 8601 time/],
    [["--catalog", example, "--config", "/nowhere.yml"], /no such file/],
    [["--catalog", example, "--bucket", "toji"], /--bucket and --catalog exclude each other/],
  ])("%j", async (args, sentence) => {
    expect(await complaint(args)).toMatch(sentence);
  });
});
