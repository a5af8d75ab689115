// What a drill's instance is given to do: the scripts as they are, within EC2's limit, the same each time.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DRILL_FILES, type DrillUserData, drillUserData } from "../../shared/backup/drill/user-data.ts";
import { REPOSITORY } from "./builder-host.ts";
import { missing, PATH, run } from "./commands.ts";

const scripts = (name: string) => readFileSync(join(REPOSITORY, "infra/hosts/hub", name), "utf8");

const INPUT: DrillUserData = {
  drill: "drill-20261123T020000Z-0a1b2c3d",
  mounts: [
    { mount: "/mnt/koji", device: "/dev/sdf" },
    { mount: "/var/lib/pgsql", device: "/dev/sdg" },
  ],
  database: "koji",
  sample: 1000,
  seed: "drill-20261123T020000Z-0a1b2c3d",
  limitSeconds: 42_300,
  scripts,
};

const unpack = (userData: string) => gunzipSync(Buffer.from(userData, "base64")).toString("utf8");

it("is the same for the same drill, and well below EC2's 16 KiB", () => {
  const userData = drillUserData(INPUT);
  expect(drillUserData(INPUT)).toBe(userData);
  const bytes = Buffer.from(userData, "base64").length;
  console.log(`the drill's user data has ${bytes} bytes of 16384`);
  expect(bytes).toBeLessThan(15_000);
  expect(unpack(userData)).toMatch(/^#!\/bin\/bash\n/);
});

it.each([
  ["a line that would end a file early", { scripts: () => "echo\nTOJI_END_OF_FILE\necho\n" }, "may not hold the line"],
  ["a control character", { seed: "a\nb" }, "TOJI_SEED holds a control character"],
  ["a mount with a space", { mounts: [{ mount: "/mnt/my koji", device: "/dev/sdf" }] }, "no space"],
  ["no mount", { mounts: [] }, "at least one mount"],
  ["scripts that do not fit", { scripts: () => crypto.getRandomValues(new Uint32Array(8000)).join(" ") }, "EC2 takes"],
])("refuses %s", (_, change, sentence) => {
  expect(() => drillUserData({ ...INPUT, ...change })).toThrow(sentence);
});

const noBash = missing("the package bash", "bash");
describe.skipIf(noBash)(`run by bash${noBash}`, () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "toji-drill-data-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("writes each file as it is in the repository, and starts the drill", async () => {
    writeFileSync(join(root, "user-data"), unpack(drillUserData(INPUT)));
    // The drill refuses a limit that is no number, before it touches anything.
    const strange = unpack(drillUserData(INPUT)).replace("TOJI_LIMIT='42300'", "TOJI_LIMIT='soon'");
    writeFileSync(join(root, "user-data"), strange);
    const outcome = await run("bash", [join(root, "user-data")], { PATH, TOJI_ROOT: root });
    expect(outcome).toMatchObject({ exit: 2, stderr: "drill: TOJI_LIMIT must be a whole number of seconds.\n" });
    for (const path of DRILL_FILES) expect(readFileSync(join(root, "opt/toji", path), "utf8")).toBe(scripts(path));
  });

  it("hands on every value as it was given", async () => {
    const value = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed());
    const print = () => `printf '%s' "$TOJI_SEED"\n`;
    await fc.assert(
      fc.asyncProperty(value, async (seed) => {
        writeFileSync(join(root, "user-data"), unpack(drillUserData({ ...INPUT, seed, scripts: print })));
        expect(await run("bash", [join(root, "user-data")], { PATH, TOJI_ROOT: root })).toMatchObject({ stdout: seed });
      }),
      { numRuns: 30 },
    );
  });
});
