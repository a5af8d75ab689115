// The plot of waiting against dollars: every policy, the front of those that none beats, and the bound.

import * as Plot from "@observablehq/plot";
import { cutText } from "../../console/text.ts";
import { drawLabels, type LabelPoint } from "./draw-labels.ts";
import { findFront, type Spot, traceBound } from "./frontier.ts";
import { html, type Markup } from "./html.ts";
import type { ReportInput } from "./input.ts";
import type { Frame } from "./place-labels.ts";
import { drawBoth, drawPlot, thinTicks } from "./plot.ts";
import type { Standing, Standings } from "./standings.ts";
import { formatDuration, formatMoney, formatWorth } from "./words.ts";

interface Axis {
  readonly domain: [number, number];
  readonly type: "symlog" | "linear";
  /** Below it a symlog scale is about linear, above it logarithmic. */
  readonly constant?: number;
}

const SECONDS = [
  0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 864000,
];
/** From a hundredth of a cent on. */
const DOLLARS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((unit) => unit * 10 ** (power - 4))).flat();

/** Up to so many folded policies, their numbers may stand off from their dots. */
const MOST_FOLLOWED = 40;

export function paretoSection(input: ReportInput, standings: Standings): Markup {
  const all = [...standings.shown, ...standings.folded];
  const bound = traceBound(input.answer, all.map(yOf));
  const front = findFront(all.map(toSpot));
  return html`<section id="pareto">
<h2>Waiting against dollars</h2>
<p>Each mark is one policy: farther left is cheaper, lower is less waiting, so the lower left corner is where one wants to
be. Nothing stands below and left of the front; which point of it is best depends on what an hour of waiting is worth.</p>
<ul class="legend">
<li><i class="dot toji"></i>Toji</li>
<li><i class="dot tuned"></i>tuned in hindsight for this trace</li>
<li><i class="dot defaults"></i>at its owner's defaults</li>
<li><i class="rule front"></i>the front</li>
<li><i class="rule bound"></i>lower bound: with every build known in advance</li>
</ul>
${drawBoth((width) => drawPareto(width, standings, bound, front))}
<p class="note">The wait is the mean of all tasks, only of the time in which no builder had room. Numbers are the places in
the next table.${standings.folded.length > 0 ? ` Small dots: the ${standings.folded.length} policies that are folded there; point at one for its name.` : ""}</p>
</section>`;
}

function drawPareto(width: number, standings: Standings, bound: readonly Spot[], front: readonly Spot[]): Markup {
  const all = [...standings.shown, ...standings.folded];
  // The bare work may be far from anything; the end of the bound never is.
  const near = bound.filter(({ dollars }) => dollars > (bound.at(-1)?.dollars ?? 0) / 8);
  const x = chooseAxis([...all.map(toSpot), ...near].map(({ dollars }) => dollars));
  const y = chooseAxis(
    all.map(({ meanWaitSeconds }) => meanWaitSeconds),
    true,
  );
  const walls = bound.map(({ dollars, wait }) => ({ dollars, wait: Math.min(wait, y.domain[1]) }));
  const boundLine = walls.filter(({ dollars }) => dollars >= x.domain[0]);
  const kinds = (kind: Standing["kind"]) => standings.shown.filter((each) => each.kind === kind);
  const place = { x: xOf, y: yOf, title: describe };
  return drawPlot(`Mean wait for a builder against dollars, of ${all.length} policies`, {
    width,
    height: width > 600 ? 520 : 430,
    marginLeft: 56,
    marginTop: 26,
    marginBottom: 40,
    marginRight: 16,
    x: {
      ...x,
      label: "dollars →",
      ticks: thinTicks(DOLLARS, x.domain, Math.floor(width / 70)),
      tickFormat: formatWorth,
      grid: true,
    },
    y: {
      ...y,
      label: "↑ mean wait for a builder, per task",
      ticks: thinTicks(SECONDS, y.domain, 11),
      tickFormat: formatDuration,
      grid: true,
    },
    marks: [
      Plot.areaX(boundLine, { x1: x.domain[0], x2: "dollars", y: "wait", fill: "var(--bound)", fillOpacity: 0.1 }),
      Plot.line(boundLine, { x: "dollars", y: "wait", stroke: "var(--bound)", className: "plot-bound" }),
      Plot.line(front, {
        x: "dollars",
        y: "wait",
        curve: "step-after",
        stroke: "var(--front)",
        className: "plot-front",
      }),
      Plot.dot(standings.folded, { ...place, r: 2.5, fill: "var(--dim)", className: "plot-folded" }),
      Plot.dot(kinds("defaults"), { ...place, r: 4, fill: "var(--surface)", stroke: "var(--other)", strokeWidth: 2 }),
      Plot.dot(kinds("tuned"), { ...place, r: 4.5, fill: "var(--other)" }),
      Plot.dot(kinds("toji"), { ...place, r: 6, symbol: "diamond", fill: "var(--toji)" }),
      (_index, scales, _values, dimensions, { document }) =>
        drawLabels(listLabels(standings, scales), placeFront(front, scales), dimensions, document),
    ],
  });
}

const xOf = ({ policy }: Standing) => policy.dollars;
const yOf = ({ meanWaitSeconds }: Standing) => meanWaitSeconds;
const describe = ({ number, label, policy, meanWaitSeconds }: Standing) =>
  `${number} ${label}: ${formatMoney(policy.dollars)}, mean wait ${formatDuration(meanWaitSeconds)}`;

function toSpot(standing: Standing): Spot {
  return { dollars: xOf(standing), wait: yOf(standing) };
}

/** Logarithmic where values span more than a decade; `fromZero`: a value may be zero. */
function chooseAxis(values: readonly number[], fromZero = false): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(high) || high <= 0) return { domain: [0, 1], type: "linear" };
  if (fromZero) {
    // Seconds below five are all alike to somebody who waits.
    const steep = high > 50;
    return steep
      ? { domain: [0, high * 1.4], type: "symlog", constant: 5 }
      : { domain: [0, high * 1.08], type: "linear" };
  }
  // Not "log": its axis in Plot leaves out labels on its own account.
  if (low > 0 && high > 10 * low) return { domain: [low / 1.25, high * 1.6], type: "symlog", constant: low / 20 };
  const margin = Math.max((high - low) * 0.08, high * 0.04);
  return { domain: [Math.max(0, low - margin), high + margin * 2], type: "linear" };
}

/** Policies of the table by name, or number where there is no room; folded ones by number, where there is. */
function listLabels({ shown, folded }: Standings, { x, y }: Plot.ScaleFunctions): LabelPoint[] {
  const at = (each: Standing) => ({ x: x?.(xOf(each)) ?? 0, y: y?.(yOf(each)) ?? 0, toji: each.kind === "toji" });
  const texts = ({ number, label, policy }: Standing) => [
    cutText(`${number} ${label}`, 44),
    cutText(`${number} ${policy.name}`, 32),
    String(number),
  ];
  return [
    ...shown.map((each) => ({ ...at(each), texts: texts(each) })),
    ...folded.map((each) => ({ ...at(each), texts: [String(each.number)], close: folded.length > MOST_FOLLOWED })),
  ];
}

/** The steps of the front as boxes that labels should rather not cover. */
function placeFront(front: readonly Spot[], { x, y }: Plot.ScaleFunctions): Frame[] {
  const corners = front.map(({ dollars, wait }) => ({ x: x?.(dollars) ?? 0, y: y?.(wait) ?? 0 }));
  return corners.flatMap((corner, index): Frame[] => {
    const next = corners[index + 1];
    if (next === undefined) return [];
    const flat = { left: corner.x, right: next.x, top: corner.y - 1, bottom: corner.y + 1 };
    const steep = { left: next.x - 1, right: next.x + 1, top: corner.y, bottom: next.y };
    return [flat, steep];
  });
}
