// What the builders did for their money: hours and dollars by type and market, idle share, launches, losses.

import type { PolicyDetail } from "../result.ts";
import { html, type Markup } from "./html.ts";
import { nameCell } from "./policy-cell.ts";
import type { Standing, Standings } from "./standings.ts";
import { formatCount, formatHours, formatMoney, formatShare } from "./words.ts";

export function fleetSection({ shown }: Standings): Markup {
  return html`<section id="fleet">
<h2>What the builders did</h2>
<p>Where the dollars went. Idle counts every second without a task: boots, spare builders, drains. A builder that was never
used was launched for nothing; a lost task was cut off with its spot instance and began anew.</p>
<div class="scroll"><table class="cards">
<thead><tr><th>policy</th><th class="number">dollars</th><th class="number">instance-hours</th><th class="number">idle</th>
<th class="number">launches</th><th class="number">never used</th><th class="number">tasks lost</th><th>by type and market</th></tr></thead>
<tbody>${shown.map(fleetRow)}</tbody>
</table></div>
</section>`;
}

function fleetRow(standing: Standing): Markup {
  const { policy, kind, detail } = standing;
  const numbers = [
    ["dollars", formatMoney(policy.dollars)],
    ["instance-hours", formatHours(policy.instanceHours)],
    ["idle", formatShare(policy.idleShare)],
    ["launches", formatCount(policy.launches)],
    ["never used", formatCount(policy.neverUsed)],
    ["tasks lost", formatCount(policy.tasksLost)],
  ] as const;
  return html`<tr${kind === "toji" ? html` class="toji"` : null}><th scope="row">${nameCell(standing)}</th>
${numbers.map(([label, shown]) => html`<td class="number" data-label="${label}">${shown}</td>`)}
<td class="types">${detail === null ? html`<span class="dim">not kept</span>` : listTypes(detail.hoursBy)}</td></tr>`;
}

const MOST_TYPES = 4;

/** The most expensive ones; the others summed up. */
function listTypes(hoursBy: PolicyDetail["hoursBy"]): Markup {
  const sorted = hoursBy.toSorted((a, b) => b.dollars - a.dollars);
  const listed = sorted.length > MOST_TYPES + 1 ? sorted.slice(0, MOST_TYPES) : sorted;
  const others = sorted.slice(listed.length);
  const lines = listed.map(
    ({ instanceType, market, hours, dollars }) =>
      html`<li>${instanceType} ${market}: ${formatHours(hours)}, ${formatMoney(dollars)}</li>`,
  );
  if (others.length === 0) return html`<ul class="plain">${lines}</ul>`;
  const rest = { hours: sumOf(others.map(({ hours }) => hours)), dollars: sumOf(others.map(({ dollars }) => dollars)) };
  return html`<ul class="plain">${lines}<li>${others.length} others: ${formatHours(rest.hours)}, ${formatMoney(rest.dollars)}</li></ul>`;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
