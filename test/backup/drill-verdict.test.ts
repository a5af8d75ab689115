// What a drill's lines prove about its set.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseSet, whyNotDrilled } from "../../shared/backup/drill/choose-set.ts";
import { withVerdict } from "../../shared/backup/drill/judge.ts";
import { hubAnsweredAt, judgeLines, STEPS } from "../../shared/backup/drill/verdict.ts";
import { anyLine, GOOD, line, MISSING } from "./drill-lines.ts";
import { makeManifest } from "./restore-sets.ts";

describe("a verdict", () => {
  it("is verified when every step was reached and all is well", () => {
    const counted = GOOD.map((each) => (each.step === "checked" ? { ...each, counts: { rpms: 12_000 } } : each));
    expect(judgeLines(counted)).toEqual({ outcome: "verified", counts: { rpms: 12_000 } });
  });

  it("is never verified without every step, each said to be well by all its lines", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 12 }), (lines) => {
        const { outcome } = judgeLines([...GOOD.slice(0, -1), ...lines]);
        const proved = lines.some(({ step }) => step === "verdict") && lines.every(({ ok }) => ok);
        expect(outcome === "verified").toBe(proved);
      }),
    );
    for (const step of [...STEPS, "verdict"]) {
      expect(judgeLines(GOOD.filter((each) => each.step !== step)).outcome).toBe("none");
    }
  });

  it("is failed only when something was found, and says what", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 12 }), (lines) => {
        const verdict = judgeLines(lines);
        if (verdict.outcome === "failed") expect(verdict.findings.length).toBeGreaterThan(0);
      }),
    );
    const damaged = GOOD.map((each) =>
      each.step === "checked" || each.step === "verdict" ? { ...each, ok: false, findings: [MISSING] } : each,
    );
    expect(judgeLines(damaged)).toEqual({ outcome: "failed", findings: [MISSING], counts: {} });
  });

  it("is failed when the file system does not mount or the database does not start", () => {
    const error = "PostgreSQL does not start: PANIC: could not locate a valid checkpoint record";
    const lines = [
      line("booted"),
      line("mounted"),
      line("database", { ok: false, error }),
      line("verdict", { ok: false, error }),
    ];
    expect(judgeLines(lines)).toEqual({
      outcome: "failed",
      findings: [{ kind: "not-database", detail: error, count: 1 }],
      counts: {},
    });
  });

  it("is none when the image or the check itself is broken", () => {
    const error = "the image has no PostgreSQL 15";
    for (const step of ["booted", "checked", "sanitised", "hub"] as const) {
      const lines = [...GOOD.slice(0, -1).filter((each) => each.step !== step), line(step, { ok: false, error })];
      const verdict = judgeLines([...lines, line("verdict", { ok: false, error })]);
      expect(verdict).toEqual({ outcome: "none", why: `the step ${step} failed and found no damage: ${error}` });
    }
  });

  it("is none when the instance went silent, and says where", () => {
    expect(judgeLines([])).toMatchObject({ outcome: "none", why: expect.stringContaining("nothing of it was heard") });
    expect(judgeLines(GOOD.slice(0, 3))).toMatchObject({
      why: expect.stringContaining("its last word was database, 300 s up"),
    });
  });

  it("knows when the restored hub answered first", () => {
    expect(hubAnsweredAt(GOOD)).toBe(600);
    expect(hubAnsweredAt(GOOD.slice(0, 4))).toBeNull();
    expect(hubAnsweredAt([line("hub", { ok: false })])).toBeNull();
  });
});

describe("the manifest", () => {
  const failed = {
    drill: "dr-2",
    at: 1_795_500_000,
    outcome: "failed",
    findings: [MISSING],
    rtoSeconds: 900,
    counts: {},
  } as const;
  const verified = { ...failed, drill: "dr-1", outcome: "verified", findings: [] } as const;

  it("takes a verdict once, and the later one counts", () => {
    const once = withVerdict(makeManifest({ state: "unverified" }), verified);
    expect(once).toMatchObject({ state: "verified", drills: [verified] });
    expect(withVerdict(once, verified)).toBe(once);
    const twice = withVerdict(once, failed);
    expect(twice).toMatchObject({ state: "failed", drills: [verified, failed] });
    expect(twice.notes.at(-1)).toBe("the drill of 2026-11-24 found damage: missing-file (3)");
  });

  it("is not made better by a drill when it is no candidate any more", () => {
    for (const state of ["failed", "degraded", "pending"] as const) {
      expect(withVerdict(makeManifest({ state }), verified)).toMatchObject({ state, drills: [verified] });
    }
  });
});

describe("the choice of a set", () => {
  const at = (id: string, instant: number, more: Parameters<typeof makeManifest>[0] = {}) =>
    makeManifest({ id, instant, state: "unverified", ...more });
  const drilled = [{ drill: "dr-0", at: 1, outcome: "verified", findings: [], rtoSeconds: 1, counts: {} }] as const;

  it("is the newest that has no verdict", () => {
    const sets = [
      at("bs-1", 100),
      at("bs-3", 300),
      at("bs-2", 200),
      at("bs-4", 400, { state: "verified", drills: drilled }),
    ];
    expect(chooseSet(sets)?.id).toBe("bs-3");
    expect(chooseSet([])).toBeNull();
    expect(chooseSet(sets.slice(3))).toBeNull();
  });

  it("leaves out all that no drill could make whole, and says why", () => {
    const others = [
      at("bs-1", 1, { state: "pending" }),
      at("bs-2", 2, { state: "degraded" }),
      at("bs-3", 3, { state: "failed" }),
      at("bs-4", 4, { expiring: { at: 1, reason: "older than 14 days" } }),
      at("bs-5", 5, { expiredAt: 1 }),
      at("bs-6", 6, { members: [] }),
      at("bs-7", 7, { instant: null }),
    ];
    expect(chooseSet(others)).toBeNull();
    for (const each of others) expect(whyNotDrilled(each)).toMatch(new RegExp(`^${each.id} .{10,}`));
    expect(whyNotDrilled(at("bs-8", 8, { state: "verified", drills: drilled }))).toBeNull();
  });
});
