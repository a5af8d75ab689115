// The report as a reader meets it: every policy is on it with the numbers of the replay, and nothing in it is code.

import fc from "fast-check";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { findFront, traceBound } from "../../sandbox/replay/report/frontier.ts";
import { policyKey, type ReportInput } from "../../sandbox/replay/report/input.ts";
import { type LabelledPoint, placeLabels } from "../../sandbox/replay/report/place-labels.ts";
import { renderReport } from "../../sandbox/replay/report/report.ts";
import { chooseSpotlight, rankPolicies } from "../../sandbox/replay/report/standings.ts";
import {
  compareCosts,
  formatDuration,
  formatHours,
  formatMoney,
  formatParams,
  formatShare,
} from "../../sandbox/replay/report/words.ts";
import type { PolicyResult } from "../../sandbox/replay/result.ts";
import { yearInput } from "./report-input.ts";

const input = yearInput();
const page = renderReport(input);
const { document } = parseHTML(page);

function textsOf(selector: string, within: Pick<Document, "querySelectorAll"> = document): string[] {
  return [...within.querySelectorAll(selector)].map(({ textContent }) =>
    (textContent ?? "").replace(/\s+/g, " ").trim(),
  );
}

/** "$1,234" or "4.5 min" read back as dollars or seconds. */
function readNumber(text: string): number {
  const [, sign, digits, unit] = /^(-?)\$?([\d,.]+) ?(\w*)/.exec(text) ?? [];
  const scale = { min: 60, h: 3600, d: 86_400 }[unit ?? ""] ?? 1;
  return Number(`${sign}${digits?.replaceAll(",", "")}`) * scale;
}

function withPolicies(policies: readonly PolicyResult[], more: Partial<ReportInput> = {}): ReportInput {
  return { ...input, ...more, answer: { ...input.answer, policies } };
}

function rename(policy: PolicyResult, name: string): PolicyResult {
  return { ...policy, name, params: {}, tuned: false };
}

describe("the report", () => {
  it("is one page: a heading for each part, in the order of the questions", () => {
    expect(textsOf("h2")).toEqual([
      "The answer",
      "Waiting against dollars",
      "What each policy costs, waiting included",
      "Why tasks waited",
      "How much later builds ended",
      "What the builders did",
      "Queue and fleet over time",
      "The decisions that cost most",
      "How far to trust this",
      "How this was made",
    ]);
  });

  it("loads nothing, runs nothing, and stays small", () => {
    expect(document.querySelectorAll("script, iframe, img, object").length).toBe(0);
    expect(page.match(/(src|href)="(?!data:)/)).toBeNull();
    expect(page.match(/url\(|@import/)).toBeNull();
    expect(page.match(/NaN|undefined|Infinity|\[object/)).toBeNull();
    expect(page.length).toBeLessThan(1_500_000);
  });

  it("is the same page each time", () => {
    expect(renderReport(yearInput()) === page).toBe(true);
  });

  it("has every policy in the table of J, with the replay's numbers", () => {
    const rows = [...document.querySelectorAll("#cost tbody tr:not(.bound)")];
    expect(rows).toHaveLength(input.answer.policies.length);
    for (const { policy, label, number, costs } of [...rankPolicies(input).shown, ...rankPolicies(input).folded]) {
      const row = rows.find((each) => each.querySelector(".place")?.textContent === String(number));
      expect(row?.querySelector(".name")?.textContent).toBe(label);
      const shown = [...(row?.querySelectorAll("[data-label]") ?? [])].map((cell) =>
        readNumber(cell.firstChild?.textContent ?? ""),
      );
      const [dollars, , p95, ...shownCosts] = shown;
      expect(p95).toBeCloseTo(readNumber(formatDuration(policy.noBuilderWaitSeconds.p95)), 6);
      for (const [index, value] of [policy.dollars, ...costs].entries()) {
        expect(Math.abs(([dollars, ...shownCosts][index] ?? 0) / value - 1)).toBeLessThan(0.005);
      }
    }
  });

  it("marks one best policy per wait value, and a Toji only where it was told that value", () => {
    expect(textsOf("#cost .best")).toHaveLength(input.answer.objective.length);
    const told25 = [...document.querySelectorAll("#cost tr.toji")].find((row) =>
      row.textContent?.includes("toji ($25)"),
    );
    expect(told25?.querySelectorAll("td.dim[data-label]").length).toBe(2);
  });

  it("answers with the ratios of the objective", () => {
    const [first, , third] = input.answer.objective;
    const ratio = (first?.toji ?? 0) / (first?.bestBaseline.J ?? 1);
    expect(textsOf(".answer")[0]).toContain(
      `Toji costs ${compareCosts(ratio)} where an hour of a waiting task is worth $1`,
    );
    expect(textsOf(".duels .number")).toContain(formatMoney(third?.toji ?? 0));
    expect(textsOf("#answer li")).toEqual(
      expect.arrayContaining([...input.answer.trace.synthetic, ...input.setting.recorded]),
    );
  });

  it("draws every policy, the front and the bound, once for wide and once for narrow screens", () => {
    for (const size of ["wide", "narrow"]) {
      const plot = document.querySelector(`#pareto .${size} svg`);
      expect(plot?.querySelectorAll(`g[aria-label="dot"] > *`).length).toBe(input.answer.policies.length);
      expect(plot?.querySelectorAll(".plot-bound path, path.plot-bound").length).toBe(1);
      expect(plot?.querySelectorAll(".plot-front path, path.plot-front").length).toBe(1);
    }
    expect(textsOf("#pareto .wide [aria-label=labels] text")).toContain("1 toji ($5)");
  });

  it("shows the five decisions that cost most, and no sixth", () => {
    expect(textsOf(".decisions .money")).toEqual(["$9.42", "$7.10", "$5.55", "$1.20", "$0.31"]);
    expect(textsOf(".decisions q")[2]).toBe("no change: the budget of 40 builders is used up");
  });

  it("says which promises the forecast broke, and what other durations change", () => {
    expect(textsOf("#trust .worse")).toContain("✗ off");
    expect(textsOf("#trust tbody th")).toEqual(["as replayed", ...input.sensitivity.map(({ what }) => what)]);
  });

  it("keeps text text", () => {
    const evil = `<script>alert("1")</script>'&\u0000`;
    const [toji] = input.answer.policies;
    if (toji === undefined) throw new Error("no policy");
    const detail = input.details[policyKey(toji)];
    if (detail === undefined) throw new Error("no detail");
    const costly = [{ at: 0, sentence: evil, dollars: 1, because: evil }];
    const hoursBy = [{ instanceType: evil, market: evil, hours: 1, dollars: 1 }];
    const rendered = renderReport({
      ...input,
      answer: {
        ...input.answer,
        policies: [rename(toji, evil)],
        trace: { ...input.answer.trace, name: evil, synthetic: [evil] },
      },
      details: { [evil]: { ...detail, costly, hoursBy } },
      bounds: { ...input.bounds, note: evil },
      sensitivity: [{ what: evil, ratios: [] }],
      setting: {
        ...input.setting,
        command: evil,
        config: [evil],
        boot: evil,
        recorded: [evil],
        hubOptions: { [evil]: evil },
      },
      versionLine: evil,
    });
    expect(rendered.includes("<script")).toBe(false);
    expect(rendered.match(/&lt;script/g)?.length).toBeGreaterThan(12);
    expect(parseHTML(rendered).document.querySelector("q")?.textContent).toBe(`<script>alert("1")</script>'& `);
  });
});

describe("a report of something unusual", () => {
  const [toji, ...others] = input.answer.policies;
  if (toji === undefined) throw new Error("no policy");
  const bare = { details: {}, sensitivity: [], calibration: null };

  it("has nothing to compare when only one policy was replayed", () => {
    const rendered = renderReport(withPolicies([toji]));
    expect(rendered.includes("There is no pair of Toji and another policy to compare")).toBe(true);
    expect(rendered.match(/NaN|undefined|Infinity/)).toBeNull();
  });

  it("stands without details, forecast, wait values and waits", () => {
    const calm = others.map(
      (policy): PolicyResult => ({
        ...policy,
        noBuilderWaitHours: 0,
        noBuilderWaitSeconds: { p50: 0, p95: 0, p99: 0 },
        buildDelaySeconds: { p50: 0, p95: 0 },
      }),
    );
    const rendered = renderReport({ ...input, ...bare, answer: { ...input.answer, policies: calm, objective: [] } });
    expect(rendered.match(/NaN|undefined|Infinity/)).toBeNull();
    for (const sentence of ["No timeline was kept", "No decision was kept", "No replay kept its waits"])
      expect(rendered.includes(sentence)).toBe(true);
  });

  it("stands with no policy, no task and no dollar", () => {
    const trace = { name: "empty", tasks: 0, spanHours: 0, synthetic: [] };
    const free = { ...toji, dollars: 0, instanceHours: 0, noBuilderWaitHours: 0, idleShare: Number.NaN };
    for (const policies of [[], [free]]) {
      const answer = { trace, bounds: { work: 0, zeroWait: 0 }, policies, objective: [] };
      expect(renderReport({ ...input, ...bare, answer }).match(/NaN|undefined|Infinity/)).toBeNull();
    }
  });

  it("folds all but fifteen of hundreds of policies, keeps Toji in sight and loses none", () => {
    const many = Array.from({ length: 400 }, (_, index) => ({
      ...rename(toji, `policy-${index}`),
      dollars: 100 + index,
    }));
    const rendered = renderReport(withPolicies([...many, ...input.answer.policies]));
    const { document } = parseHTML(rendered);
    expect(document.querySelectorAll("#cost > .scroll tbody tr:not(.bound)").length).toBe(15);
    expect(document.querySelectorAll("#cost details tbody tr").length).toBe(400 + input.answer.policies.length - 15);
    const names = new Set(textsOf("#cost .name", document));
    for (const { name } of many) expect(names).toContain(name);
    expect(textsOf("#cost > .scroll .name", document)).toContain("toji ($5)");
    expect(rendered.length).toBeLessThan(1_500_000);
  });

  it("takes the details of a policy by its name only if there is one of that name", () => {
    const detail = input.details[policyKey(toji)];
    if (detail === undefined) throw new Error("no detail");
    const once = rankPolicies(withPolicies([rename(toji, "static")], { details: { static: detail } }));
    expect(once.shown[0]?.detail).toBe(detail);
    const twice = [rename(toji, "static"), { ...rename(toji, "static"), params: { builders: 2 } }];
    const { shown } = rankPolicies(withPolicies(twice, { details: { "static builders=2": detail } }));
    expect(shown.map((each) => each.detail !== null).toSorted()).toEqual([false, true]);
    expect(rankPolicies(withPolicies([rename(toji, "constructor")], { details: {} })).shown[0]?.detail).toBeNull();
  });

  it("shows the timelines of Toji and of the best other policy at the middle wait value", () => {
    expect(chooseSpotlight(rankPolicies(input)).map(({ label }) => label)).toEqual([
      "toji ($5)",
      "taskcluster ($1, $5)",
    ]);
  });
});

describe("labels of the plot", () => {
  const frame = { left: 0, right: 600, top: 0, bottom: 400 };
  const point = fc.record({
    x: fc.double({ min: 0, max: 600, noNaN: true }),
    y: fc.double({ min: 0, max: 400, noNaN: true }),
    texts: fc.constantFrom<string[]>(["12 taskcluster", "12"], ["3"], ["a rather long name of a policy", "7"]),
  });

  it("cover neither each other nor a point, and stay inside", () => {
    const boxOf = (label: { x: number; y: number; text: string }) => ({
      left: label.x,
      right: label.x + label.text.length * 6.4,
      top: label.y - 7,
      bottom: label.y + 7,
    });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 40 }), (points: LabelledPoint[]) => {
        const boxes = placeLabels(points, [], frame).flatMap((label) => (label === null ? [] : [boxOf(label)]));
        for (const [index, a] of boxes.entries()) {
          expect(a.left >= 0 && a.right <= 600 && a.top >= 0 && a.bottom <= 400).toBe(true);
          for (const b of boxes.slice(index + 1)) {
            const apart =
              a.right <= b.left + 1e-6 ||
              b.right <= a.left + 1e-6 ||
              a.bottom <= b.top + 1e-6 ||
              b.bottom <= a.top + 1e-6;
            expect(apart).toBe(true);
          }
          for (const { x, y } of points) expect(x > a.left && x < a.right && y > a.top && y < a.bottom).toBe(false);
        }
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it("give every point its label while there is room", () => {
    const points = Array.from({ length: 12 }, (_, index) => ({
      x: 300,
      y: 20 + index * 30,
      texts: [`${index} policy`],
    }));
    expect(placeLabels(points, [], frame).every((label) => label !== null)).toBe(true);
  });
});

describe("the front and the bound", () => {
  const spot = fc.record({ dollars: fc.integer({ min: 0, max: 50 }), wait: fc.integer({ min: 0, max: 50 }) });

  it("leave no policy below and left of the front", () => {
    fc.assert(
      fc.property(fc.array(spot, { minLength: 1, maxLength: 30 }), (spots) => {
        const front = findFront(spots);
        for (const { dollars, wait } of spots) {
          expect(front.some((each) => each.dollars <= dollars && each.wait <= wait)).toBe(true);
        }
        for (const { dollars, wait } of front) {
          expect(
            spots.some(
              (each) => each.dollars <= dollars && each.wait <= wait && (each.dollars < dollars || each.wait < wait),
            ),
          ).toBe(false);
        }
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  it("touch every objective's bound and go below none", () => {
    const { answer } = input;
    for (const { waitValuePerHour, bound } of answer.objective) {
      const costs = traceBound(answer, [60]).map(
        ({ dollars, wait }) => dollars + (waitValuePerHour * wait * answer.trace.tasks) / 3600,
      );
      expect(Math.min(...costs)).toBeGreaterThan(bound - 1e-6);
      expect(Math.min(...costs)).toBeLessThan(bound * 1.02);
    }
  });
});

describe("numbers in words", () => {
  it("have as many digits as a person reads", () => {
    expect([0, 0.0421, 4.2, 99.999, 813.3, 7229, -3.5].map(formatMoney)).toEqual([
      "$0",
      "$0.042",
      "$4.20",
      "$100",
      "$813",
      "$7,229",
      "-$3.50",
    ]);
    expect([0, 0.42, 7.46, 36_045.2].map(formatHours)).toEqual(["0 h", "0.42 h", "7.5 h", "36,045 h"]);
    expect([0, 0.004, 0.123, 1].map(formatShare)).toEqual(["0 %", "0.4 %", "12 %", "100 %"]);
    expect([0.83, 1.03, 1.001, 3.4].map(compareCosts)).toEqual([
      "17 % less",
      "3 % more",
      "as much",
      "3.4 times as much",
    ]);
    expect(formatParams({ idleSeconds: 180, spareBuilders: 220 })).toBe("idle 180 s, spare builders 220");
  });
});
