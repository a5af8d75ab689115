// The file of exported history: what is written is read again, and what is no such file is said in one sentence.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  formatHeader,
  formatRow,
  HistoryFormatError,
  type HistoryHeader,
  type HistoryRow,
  readHistory,
} from "../../sandbox/replay/history/format.ts";

const header: HistoryHeader = {
  hub: "koji.example.org",
  koji: "1.35.3",
  since: 1_700_000_000,
  until: 1_700_003_600.25,
  targets: { el9: { build_tag: "el9-build", arches: ["x86_64", "aarch64"] } },
};
const row = (id: number): HistoryRow => ({
  id,
  parent: null,
  method: "build",
  label: null,
  arch: "noarch",
  channel: "default",
  host: "bücherwurm.example.org",
  weight: 0.2,
  priority: 20,
  state: "CLOSED",
  create_ts: 1_700_000_000.643881 + id,
  start_ts: 1_700_000_010 + id,
  completion_ts: null,
  package: "foo",
  target: "el9",
  build_tag: null,
  scratch: false,
  arches: [],
});

let folder: string;
const file = (content: string | Uint8Array) => {
  const path = join(folder, "history.jsonl.gz");
  writeFileSync(path, content);
  return path;
};
async function read(path: string) {
  const { header: first, rows } = await readHistory(path);
  const taken: HistoryRow[] = [];
  for await (const each of rows) taken.push(each);
  return { header: first, rows: taken };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toji-history-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a history file", () => {
  const many = Array.from({ length: 3000 }, (_, index) => row(index + 1));

  it("is read as it was written, from many gzip members", async () => {
    const members = [
      formatHeader(header),
      many.slice(0, 7).map(formatRow).join(""),
      many.slice(7).map(formatRow).join(""),
    ];
    expect(await read(file(Buffer.concat(members.map((each) => gzipSync(each)))))).toEqual({ header, rows: many });
  });

  it("may be plain text", async () => {
    expect(await read(file(formatHeader(header) + formatRow(row(1))))).toEqual({ header, rows: [row(1)] });
  });

  it("may be left in its middle", async () => {
    const { rows } = await readHistory(file(gzipSync(formatHeader(header) + many.map(formatRow).join(""))));
    for await (const first of rows) {
      expect(first).toEqual(row(1));
      break;
    }
  });

  const whole = gzipSync(formatHeader(header) + many.map(formatRow).join(""));
  it.each<[string, string | Uint8Array, RegExp]>([
    ["nothing", "", /is empty/],
    ["other lines", '{"ts": 1}\n', /line 1: not the header of an exported history, format/],
    ["another version", formatHeader(header).replace('"version":1', '"version":2'), /line 1: .*version/],
    ["half a line", `${formatHeader(header)}{"id": 1`, /line 2: this is not JSON/],
    [
      "a task without a field",
      `${formatHeader(header)}{"id": 1}\n`,
      /line 2: not the task of an exported history, parent/,
    ],
    ["a cut file", whole.subarray(0, whole.length - 100), /cannot be read to its end/],
  ])("of %s is refused", async (_, content, sentence) => {
    const reading = read(file(content));
    await expect(reading).rejects.toThrow(HistoryFormatError);
    await expect(reading).rejects.toThrow(sentence);
  });

  it("that is not there is refused", async () => {
    await expect(readHistory(join(folder, "none"))).rejects.toThrow(/none cannot be read/);
  });
});
