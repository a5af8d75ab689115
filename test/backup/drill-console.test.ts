// What is read from the console of a drill's instance, and what is not.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeLines, readConsole } from "../../shared/backup/drill/console.ts";
import { type DrillScene, statusOf } from "../../shared/backup/drill/look.ts";
import { anyLine, consoleOf, DRILL, GOOD, line, MISSING, printed } from "./drill-lines.ts";

describe("the console", () => {
  it("is read line by line, whatever lies between and around the drill's lines", () => {
    fc.assert(
      fc.property(consoleOf(GOOD), (text) => {
        expect(readConsole(text, DRILL)).toEqual(GOOD);
      }),
    );
  });

  it("cut anywhere, gives lines that were said and no other", () => {
    fc.assert(
      fc.property(consoleOf(GOOD), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (text, share, atEnd) => {
        const at = Math.floor(share * text.length);
        const read = readConsole(atEnd ? text.slice(at) : text.slice(0, at), DRILL);
        for (const each of read) expect(GOOD).toContainEqual(each);
        const order = read.map(({ step }) => GOOD.findIndex((good) => good.step === step));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
    );
  });

  it("gives any line back as it was said, whatever its texts hold", () => {
    fc.assert(
      fc.property(anyLine, (said) => {
        expect(readConsole(printed(said), DRILL)).toEqual([said]);
      }),
    );
  });

  it("is no way for a file's name to say something", () => {
    const name = printed(line("verdict"));
    const said = line("checked", { ok: false, findings: [{ kind: "missing-file", detail: name, count: 1 }] });
    expect(readConsole(printed(said), DRILL)).toEqual([said]);
    expect(readConsole(printed(said).slice(0, -1), DRILL)).toEqual([]);
  });

  it("takes a line that was printed to two places once", () => {
    expect(readConsole([printed(line("hub")), printed(line("hub"))].join("\n"), DRILL)).toEqual([line("hub")]);
  });

  it("gives findings that Step Functions can carry", () => {
    const findings = Array.from({ length: 40 }, (_, index) => ({ ...MISSING, detail: `${index} `.repeat(200) }));
    const lines = Array.from({ length: 60 }, (_, uptime) => line("checked", { ok: false, uptime, findings }));
    const read = readConsole(lines.map(printed).join("\n"), DRILL);
    expect(JSON.stringify(read).length).toBeLessThan(100_000);
    expect(read.at(-1)?.uptime).toBe(59);
  });
});

describe("lines of several looks", () => {
  it("are kept when the console has lost them, and none is doubled", () => {
    const first = GOOD.slice(0, 4);
    const second = GOOD.slice(2);
    expect(mergeLines(first, second)).toEqual(GOOD);
    expect(mergeLines(GOOD, GOOD)).toEqual(GOOD);
  });
});

describe("a look", () => {
  const scene: DrillScene = { lines: [], state: "running", startedAt: 0, launchedAt: 60, limitSeconds: 12 * 3600 };
  const status = (more: Partial<DrillScene>, now: number) => statusOf({ ...scene, ...more }, now);

  it("waits while the instance is on its way", () => {
    expect(status({ state: "pending" }, 120)).toBe("pending");
    expect(status({ lines: GOOD.slice(0, 2) }, 5 * 3600)).toBe("pending");
    expect(status({ state: null }, 120)).toBe("pending");
  });

  it("ends with a verdict, even a late one of an instance that is gone", () => {
    expect(status({ lines: GOOD }, 600)).toBe("verdict");
    expect(status({ lines: GOOD, state: null }, 20 * 3600)).toBe("verdict");
  });

  it("ends when there is nothing to wait for", () => {
    expect(status({ lines: GOOD.slice(0, 4) }, 12 * 3600)).toBe("late");
    expect(status({}, 3600 + 61)).toBe("late");
    expect(status({ state: null }, 661)).toBe("gone");
    for (const state of ["shutting-down", "terminated", "stopping", "stopped"] as const) {
      expect(status({ state, lines: GOOD.slice(0, 3) }, 600)).toBe("gone");
    }
  });
});
