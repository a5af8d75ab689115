// Queue and fleet over the trace, of Toji and of the best other policy, on the same scales.

import * as Plot from "@observablehq/plot";
import type { PolicyDetail } from "../result.ts";
import { html, type Markup } from "./html.ts";
import { drawBoth, drawPlot } from "./plot.ts";
import { chooseSpotlight, type Standing, type Standings } from "./standings.ts";
import { formatCount, formatWorth, hasCalendar } from "./words.ts";

type Sample = PolicyDetail["timeline"][number];

interface Strip {
  readonly standing: Standing;
  readonly samples: readonly Sample[];
}

interface Scales {
  readonly tasks: number;
  readonly builders: number;
  readonly from: number;
  readonly to: number;
}

export function timelineSection(standings: Standings): Markup {
  const pair = chooseSpotlight(standings);
  const strips = pair.flatMap((standing): Strip[] => {
    const samples = standing.detail?.timeline ?? [];
    return samples.length > 1 ? [{ standing, samples }] : [];
  });
  const missing = pair.filter((standing) => !strips.some((strip) => strip.standing === standing));
  const value = standings.duels[Math.floor(standings.duels.length / 2)]?.objective.waitValuePerHour;
  return html`<section id="timeline">
<h2>Queue and fleet over time</h2>
<p>${pair.length > 1 ? "The same trace under two policies, on the same scales" : "The trace under one policy"}${value === undefined ? "" : `, at ${formatWorth(value)} an hour of waiting`}: above, tasks
that run and tasks that wait; below, builders that work and builders that still boot. Money is lost where builders
stand without tasks above them, time where orange shows.</p>
<ul class="legend">
<li><i class="bar running"></i>running tasks</li><li><i class="bar queued"></i>waiting tasks, on top</li>
<li><i class="bar up"></i>builders that are up</li><li><i class="bar booting"></i>builders that boot, on top</li>
</ul>
${strips.length === 0 ? html`<p class="dim">No timeline was kept.</p>` : html`<div class="strips">${strips.map((strip) => drawStrip(strip, commonScales(strips)))}</div>`}
${strips.length > 0 && missing.length > 0 ? html`<p class="note">Not kept of ${missing.map(({ label }) => label).join(" and ")}.</p>` : null}
</section>`;
}

function commonScales(strips: readonly Strip[]): Scales {
  const samples = strips.flatMap((strip) => strip.samples);
  const most = (value: (sample: Sample) => number) =>
    samples.reduce((high, sample) => Math.max(high, value(sample)), 1);
  const times = samples.map(({ at }) => at);
  return {
    tasks: most(({ queued, running }) => queued + running),
    builders: most(({ builders }) => builders),
    from: times.reduce((low, at) => Math.min(low, at), Number.POSITIVE_INFINITY),
    to: times.reduce((high, at) => Math.max(high, at), 0),
  };
}

function drawStrip({ standing, samples }: Strip, scales: Scales): Markup {
  return html`<figure><figcaption>${standing.label}</figcaption>
${drawBoth((width) => html`${drawTasks(width, standing, samples, scales)}${drawBuilders(width, standing, samples, scales)}`, 476)}
</figure>`;
}

function drawTasks(width: number, { label }: Standing, samples: readonly Sample[], scales: Scales): Markup {
  return drawPlot(`Running and waiting tasks over time with ${label}`, {
    ...frameOf(width, scales, false),
    y: { domain: [0, scales.tasks], label: "↑ tasks", ticks: 4, tickFormat: formatWhole, grid: true },
    marks: [
      layer(samples, "var(--queued)", ({ running, queued }) => running + queued),
      layer(samples, "var(--running)", ({ running }) => running),
      Plot.ruleY([0]),
    ],
  });
}

function drawBuilders(width: number, { label }: Standing, samples: readonly Sample[], scales: Scales): Markup {
  return drawPlot(`Builders over time with ${label}`, {
    ...frameOf(width, scales, true),
    y: { domain: [0, scales.builders], label: "↑ builders", ticks: 4, tickFormat: formatWhole, grid: true },
    marks: [
      layer(samples, "var(--booting)", ({ up, builders }) => Math.max(up, builders)),
      layer(samples, "var(--up)", ({ up }) => up),
      Plot.ruleY([0]),
    ],
  });
}

/** From zero; the later covers the earlier. The thin stroke keeps a peak visible that is narrower than a pixel. */
function layer(samples: readonly Sample[], color: string, y: (sample: Sample) => number): Plot.Markish {
  return Plot.areaY(samples, { x: timeOf, y, curve: "step-after", fill: color, stroke: color, strokeWidth: 0.5 });
}

/** Half a task is no task: a short scale would repeat its numbers. */
const formatWhole = (count: number) => (Number.isInteger(count) ? formatCount(count) : "");

/** A date where the trace has a calendar, else hours. */
function timeOf({ at }: Sample): Date | number {
  return hasCalendar(at) ? new Date(at * 1000) : at / 3600;
}

function frameOf(width: number, { from, to }: Scales, last: boolean): Plot.PlotOptions {
  const calendar = hasCalendar(from);
  return {
    width,
    height: last ? 160 : 136,
    marginLeft: 44,
    marginRight: 12,
    marginTop: 24,
    marginBottom: last ? 38 : 12,
    x: {
      axis: last ? "bottom" : null,
      type: calendar ? "utc" : "linear",
      domain: calendar ? [new Date(from * 1000), new Date(to * 1000)] : [from / 3600, to / 3600],
      label: !calendar ? "hours into the trace" : null,
      ticks: Math.floor(width / 90),
    },
  };
}
