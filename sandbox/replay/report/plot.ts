// Observable Plot without a browser: a plot becomes SVG text, once for wide and once for narrow screens.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { html, Markup } from "./html.ts";

const WIDE = 960;
const NARROW = 350;

/** Both drawings; the style sheet shows the one that fits, so that type keeps its size. `wide`: of the first. */
export function drawBoth(draw: (width: number) => Markup, wide = WIDE): Markup {
  return html`<div class="wide">${draw(wide)}</div><div class="narrow">${draw(Math.min(wide, NARROW))}</div>`;
}

/** Colours come from the page's CSS. `says`: the plot in a sentence, for those who do not see it. */
export function drawPlot(says: string, options: Plot.PlotOptions): Markup {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const plot = Plot.plot({ ...options, document, style: { fontSize: "11px" } });
  plot.removeAttribute("class");
  for (const style of plot.querySelectorAll("style")) style.remove();
  for (const element of plot.querySelectorAll("*")) roundAttributes(element);
  return html`<div role="img" aria-label="${says}">${new Markup(plot.outerHTML)}</div>`;
}

const GEOMETRY = ["d", "transform", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"];

/** A tenth of a pixel is enough: it makes the page half as long. */
function roundAttributes(element: Element): void {
  for (const name of GEOMETRY) {
    const value = element.getAttribute(name);
    if (value === null) continue;
    element.setAttribute(
      name,
      value.replace(/-?\d+\.\d{2,}(e-?\d+)?/g, (number) => String(Math.round(Number(number) * 10) / 10)),
    );
  }
}

/** At most `most` of some round values that lie in a domain, evenly thinned. */
export function thinTicks(values: readonly number[], [low, high]: readonly [number, number], most: number): number[] {
  const inside = values.filter((value) => value >= low && value <= high);
  const every = Math.max(1, Math.ceil(inside.length / Math.max(1, most)));
  return inside.filter((_, index) => index % every === 0);
}
