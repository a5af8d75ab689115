// The labels of a scatter plot as SVG, with a thin line to the point where a label had to stand off.

import type { Dimensions } from "@observablehq/plot";
import { CHARACTER_WIDTH, type Frame, type LabelledPoint, type PlacedLabel, placeLabels } from "./place-labels.ts";

const SVG = "http://www.w3.org/2000/svg";

export interface LabelPoint extends LabelledPoint {
  readonly toji: boolean;
}

/** The first points choose their places first. `lines`: what labels should rather not cover. */
export function drawLabels(
  points: readonly LabelPoint[],
  lines: readonly Frame[],
  dimensions: Dimensions,
  document: Document,
): SVGElement {
  const { width, height, marginLeft, marginRight, marginTop, marginBottom } = dimensions;
  const frame = { left: marginLeft, right: width - marginRight, top: marginTop, bottom: height - marginBottom };
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("aria-label", "labels");
  group.setAttribute("text-anchor", "start");
  for (const [index, label] of placeLabels(points, lines, frame).entries()) {
    const point = points[index];
    if (label === null || point === undefined) continue;
    if (label.away) group.append(drawLead(point, label, document));
    group.append(drawText(point, label, document));
  }
  return group;
}

function drawText({ toji }: LabelPoint, { x, y, text }: PlacedLabel, document: Document): SVGElement {
  const element = document.createElementNS(SVG, "text");
  element.setAttribute("x", String(x));
  element.setAttribute("y", String(y));
  element.setAttribute("dy", "0.32em");
  if (toji) element.setAttribute("class", "toji");
  element.textContent = text;
  return element;
}

/** From the point to the nearer end of its label. */
function drawLead(point: LabelPoint, { x, y, text }: PlacedLabel, document: Document): SVGElement {
  const right = x + text.length * CHARACTER_WIDTH;
  const end = Math.min(Math.max(point.x, x), right);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", `M${point.x},${point.y}L${end},${y}`);
  line.setAttribute("class", "lead");
  return line;
}
