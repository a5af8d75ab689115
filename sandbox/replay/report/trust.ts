// How far the numbers can be trusted: whether the forecast keeps its promises, and what other durations would change.

import * as Plot from "@observablehq/plot";
import type { CalibrationBand } from "../result.ts";
import { html, type Markup } from "./html.ts";
import type { ReportInput, Sensitivity } from "./input.ts";
import { drawBoth, drawPlot } from "./plot.ts";
import type { Standings } from "./standings.ts";
import { formatCount, formatRatio, formatShare, formatWorth } from "./words.ts";

export function trustSection(input: ReportInput, { duels }: Standings): Markup {
  return html`<section id="trust">
<h2>How far to trust this</h2>
<div class="columns">
<div><h3>Does the forecast keep its promises?</h3>${calibrationPart(input.calibration)}</div>
<div><h3>What if tasks or boots took longer, or shorter?</h3>
<p>The recorded or assumed durations are never quite yours. Toji's J as a multiple of the best other policy's, with the
durations changed: where the number stays on its side of 1.00×, the answer stands.</p>
${sensitivityTable(input.sensitivity, duels)}</div>
</div>
</section>`;
}

function calibrationPart(bands: readonly CalibrationBand[] | null): Markup {
  if (bands === null) return html`<p class="dim">No policy of this replay forecasts tasks.</p>`;
  const filled = bands.filter(({ children }) => children > 0);
  if (filled.length === 0) return html`<p class="dim">The forecast expected no task in this trace.</p>`;
  return html`<p>Of tasks that were expected within 60 s with a chance of, say, 70 %, about 70 % should have appeared. Marks
inside the band, 10 points to either side, do so.</p>
${drawBoth((width) => drawCalibration(width, filled), 440)}
<table class="small"><thead><tr><th>chance given</th><th class="number">tasks</th><th class="number">appeared</th><th class="number">share</th><th></th></tr></thead>
<tbody>${filled.map(bandRow)}</tbody></table>`;
}

const chanceOf = ({ low, high }: CalibrationBand) => (low + high) / 2;
const shareOf = ({ children, appeared }: CalibrationBand) => appeared / children;

/** Inside the band of the plot: within 0.1 of the middle of its chances. */
function keepsPromise(band: CalibrationBand): boolean {
  return Math.abs(shareOf(band) - chanceOf(band)) <= 0.1 + 1e-9;
}

function bandRow(band: CalibrationBand): Markup {
  const kept = keepsPromise(band);
  return html`<tr><td>${formatShare(band.low)} to ${formatShare(band.high)}</td><td class="number">${formatCount(band.children)}</td>
<td class="number">${formatCount(band.appeared)}</td><td class="number">${formatShare(shareOf(band))}</td>
<td class="${kept ? "better" : "worse"}">${kept ? "✓ kept" : "✗ off"}</td></tr>`;
}

function drawCalibration(width: number, bands: readonly CalibrationBand[]): Markup {
  const corridor = [0, 1].map((chance) => ({ chance, low: chance - 0.1, high: chance + 0.1 }));
  const axis = { domain: [0, 1], ticks: 5, tickFormat: formatShare, grid: true, clamp: true } as const;
  const most = Math.max(...bands.map(({ children }) => children));
  return drawPlot("Share of expected tasks that appeared, against the chance that was given", {
    width,
    height: 260,
    marginLeft: 48,
    marginTop: 30,
    marginBottom: 38,
    marginRight: 20,
    x: { ...axis, label: "chance given →" },
    y: { ...axis, label: "↑ share that appeared" },
    marks: [
      Plot.areaY(corridor, { x: "chance", y1: "low", y2: "high", fill: "var(--toji)", fillOpacity: 0.12 }),
      Plot.line(corridor, { x: "chance", y: "chance", stroke: "var(--dim)", strokeDasharray: "4 4" }),
      Plot.dot(bands, {
        x: chanceOf,
        y: shareOf,
        r: (band: CalibrationBand) => 3 + 5 * Math.sqrt(band.children / most),
        fill: "var(--toji)",
        title: (band: CalibrationBand) => `${formatCount(band.appeared)} of ${formatCount(band.children)} appeared`,
      }),
    ],
    r: { type: "identity" },
  });
}

function sensitivityTable(rows: readonly Sensitivity[], duels: Standings["duels"]): Markup {
  if (rows.length === 0) return html`<p class="dim">Not replayed with other durations.</p>`;
  const asIs = duels.map(({ objective, ratio }) => ({ waitValuePerHour: objective.waitValuePerHour, ratio }));
  const all: Sensitivity[] = [...(asIs.length > 0 ? [{ what: "as replayed", ratios: asIs }] : []), ...rows];
  const values = [...new Set(all.flatMap(({ ratios }) => ratios.map(({ waitValuePerHour }) => waitValuePerHour)))].sort(
    (a, b) => a - b,
  );
  return html`<table class="small"><thead><tr><th></th>${values.map((value) => html`<th class="number">at ${formatWorth(value)}</th>`)}</tr></thead>
<tbody>${all.map(
    ({ what, ratios }) =>
      html`<tr><th scope="row">${what}</th>${values.map((value) => {
        const ratio = ratios.find(({ waitValuePerHour }) => waitValuePerHour === value)?.ratio ?? Number.NaN;
        const kind = !Number.isFinite(ratio) ? "dim" : ratio > 1.005 ? "worse" : "better";
        return html`<td class="number ${kind}">${formatRatio(ratio)}</td>`;
      })}</tr>`,
  )}</tbody></table>`;
}
