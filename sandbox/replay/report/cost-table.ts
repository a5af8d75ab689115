// The table of J: each policy at each wait value, the best one marked, the bound below.

import type { Objective } from "../result.ts";
import { html, type Markup } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { policyCell } from "./policy-cell.ts";
import { type Standing, type Standings, toldValue } from "./standings.ts";
import { formatDuration, formatHours, formatMoney, formatRatio, formatWorth } from "./words.ts";

export function costSection(input: ReportInput, standings: Standings): Markup {
  const { objective } = input.answer;
  const all = [...standings.shown, ...standings.folded];
  const lowest = objective.map((each, index) =>
    Math.min(
      ...all.filter((standing) => isMeant(standing, each)).map(({ costs }) => costs[index] ?? Number.POSITIVE_INFINITY),
    ),
  );
  const rows = (some: readonly Standing[]) => some.map((standing) => costRow(standing, objective, lowest));
  const { work, note } = input.bounds;
  return html`<section id="cost">
<h2>What each policy costs, waiting included</h2>
<p>J adds what the builders cost to what the waiting is worth: dollars + wait value × hours that tasks waited because no
builder had room. Each column is one opinion of what an hour of a waiting task is worth; the best policy of it is marked,
and the others stand as multiples of it.</p>
${costTable(objective, [...rows(standings.shown), boundRow(input, lowest)])}
${foldRows(objective, rows(standings.folded))}
<p><strong>The lower bound is not room left.</strong> It is for somebody who knows every build before it is submitted and
has the builder booted when it comes; most of the distance to it is knowledge that nobody has. It tells only that no number
here is too good to be true.</p>
<p class="note">${note} Bare work: ${formatMoney(input.answer.bounds.work)}, if every builder were full from its first second
to its last (${formatHours(work.taskHours)} of tasks in ${formatHours(work.instanceHours)} of instances). Without any wait:
${formatMoney(input.answer.bounds.zeroWait)}.${all.some((each) => toldValue(each) !== null) ? " A policy that was told a wait value is meant for that column; its other columns are dimmed." : ""}</p>
</section>`;
}

/** Of several Tojis, each told another wait value, only the one that was told this value is judged at it. */
function isMeant(standing: Standing, { waitValuePerHour }: Objective): boolean {
  const told = toldValue(standing);
  return told === null || told === waitValuePerHour;
}

function costTable(objective: readonly Objective[], rows: readonly Markup[]): Markup {
  return html`<div class="scroll"><table class="cards">
<thead><tr><th class="number">#</th><th>policy</th><th class="number">dollars</th><th class="number">mean wait</th>
<th class="number">p95 wait</th>${objective.map((each) => html`<th class="number">${sayColumn(each)}</th>`)}</tr></thead>
<tbody>${rows}</tbody>
</table></div>`;
}

const sayColumn = ({ waitValuePerHour }: Objective) => `J at ${formatWorth(waitValuePerHour)} an hour`;

function foldRows(objective: readonly Objective[], rows: readonly Markup[]): Markup | null {
  if (rows.length === 0) return null;
  return html`<details><summary>${rows.length} more ${rows.length === 1 ? "policy" : "policies"}</summary>
${costTable(objective, rows)}</details>`;
}

function costRow(standing: Standing, objective: readonly Objective[], lowest: readonly number[]): Markup {
  const { policy, number, kind, meanWaitSeconds, costs } = standing;
  return html`<tr${kind === "toji" ? html` class="toji"` : null}>
<td class="number dim place">${number}</td><th scope="row" data-place="${number}">${policyCell(standing)}</th>
<td class="number" data-label="dollars">${formatMoney(policy.dollars)}</td>
<td class="number" data-label="mean wait">${formatDuration(meanWaitSeconds)}</td>
<td class="number" data-label="p95 wait">${formatDuration(policy.noBuilderWaitSeconds.p95)}</td>
${objective.map((each, index) => costCell(each, standing, costs[index] ?? Number.NaN, lowest[index] ?? Number.NaN))}
</tr>`;
}

function costCell(objective: Objective, standing: Standing, cost: number, lowest: number): Markup {
  const meant = isMeant(standing, objective);
  const best = meant && cost <= lowest;
  const kind = best ? "best" : meant ? "" : "dim";
  const below = best ? "★ best" : formatRatio(cost / lowest);
  return html`<td class="number ${kind}" data-label="${sayColumn(objective)}">${formatMoney(cost)}<small>${below}</small></td>`;
}

function boundRow({ answer }: ReportInput, lowest: readonly number[]): Markup {
  return html`<tr class="bound"><td class="place"></td><th scope="row">lower bound</th><td class="place" colspan="3"></td>
${answer.objective.map((each, index) => {
  const ratio = each.bound / (lowest[index] ?? Number.NaN);
  return html`<td class="number" data-label="${sayColumn(each)}">${formatMoney(each.bound)}<small>${formatRatio(ratio)}</small></td>`;
})}
</tr>`;
}
