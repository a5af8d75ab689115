// The replica against 300 states and what the hub's real scheduler did with them.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { schedule } from "../../shared/hub/scheduler.ts";

const lines = gunzipSync(readFileSync(new URL("../fixtures/scheduler-vectors.jsonl.gz", import.meta.url)))
  .toString("utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

const sorted = (list: unknown[]) => list.map((each) => JSON.stringify(each)).sort();

describe("the scheduler replica does what the hub's scheduler did", () => {
  it("has all vectors", () => expect(lines).toHaveLength(300));
  it.each(lines.map((vector) => [vector.name, vector]))("%s", (_name, vector) => {
    const result = JSON.parse(JSON.stringify(schedule(vector)));
    if (vector.listing_matters) {
      expect(result).toEqual(vector.expected);
      return;
    }
    for (const key of Object.keys(vector.expected)) {
      expect(sorted(result[key]), key).toEqual(sorted(vector.expected[key]));
    }
    expect(result.assigned).toEqual(vector.expected.assigned);
  });
});
