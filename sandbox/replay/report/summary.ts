// The answer at the top: three sentences, the wait values side by side, and which parts of the trace are real.

import { html, type Markup } from "./html.ts";
import type { ReportInput } from "./input.ts";
import type { Duel, Standing, Standings } from "./standings.ts";
import {
  compareCosts,
  formatCount,
  formatDuration,
  formatHours,
  formatMoney,
  formatRatio,
  formatWorth,
  joinWords,
  keepUnits,
} from "./words.ts";

export function summarySection(input: ReportInput, standings: Standings): Markup {
  return html`<section id="answer">
<h2>The answer</h2>
<p class="answer">${keepUnits([saySize(input), sayRatios(standings), sayMoney(standings)].join(" "))}</p>
${standings.duels.length > 0 ? duelTable(standings.duels) : null}
${listSources(input)}
</section>`;
}

function saySize({ answer: { trace, policies } }: ReportInput): string {
  const one = policies.length === 1 ? "one policy" : `${formatCount(policies.length)} policies`;
  return `${formatCount(trace.tasks)} tasks in ${formatDuration(trace.spanHours * 3600)} (${trace.name}) were replayed against ${one}, all in the same world: same hub, same boots, same prices.`;
}

function sayRatios({ duels, shown }: Standings): string {
  const compared = duels.filter(({ ratio }) => Number.isFinite(ratio));
  if (compared.length > 0) {
    const parts = compared.map(({ ratio, objective }, index) =>
      index === 0
        ? `${compareCosts(ratio)} where an hour of a waiting task is worth ${formatWorth(objective.waitValuePerHour)}`
        : `${compareCosts(ratio)} at ${formatWorth(objective.waitValuePerHour)}`,
    );
    const tuned = compared.some(({ rival }) => rival?.kind === "tuned");
    return `Against the best other policy, dollars and waiting together, Toji costs ${joinWords(parts)}${tuned ? ", though that one was tuned in hindsight for this very trace" : ""}.`;
  }
  const best = shown[0];
  if (best === undefined) return "No policy was replayed, so there is nothing to compare.";
  return `There is no pair of Toji and another policy to compare; ${best.label} ranks first at ${formatMoney(best.policy.dollars)}.`;
}

function sayMoney({ duels }: Standings): string {
  const duel = duels[Math.floor(duels.length / 2)];
  if (duel === undefined || duel.toji === null || duel.rival === null) return "";
  return `At ${formatWorth(duel.objective.waitValuePerHour)} that is ${sayStanding(duel.toji)} with Toji, against ${sayStanding(duel.rival)} with ${duel.rival.policy.name}.`;
}

function sayStanding({ policy }: Standing): string {
  return `${formatMoney(policy.dollars)} and ${formatHours(policy.noBuilderWaitHours)} of tasks waiting for a builder (p95 ${formatDuration(policy.noBuilderWaitSeconds.p95)})`;
}

function duelTable(duels: readonly Duel[]): Markup {
  return html`<div class="scroll"><table class="duels">
<thead><tr><th>policy</th><th class="number">Toji : this</th><th class="number">dollars</th>
<th class="number">p95 wait</th><th class="number">J</th></tr></thead>
${duels.map(duelRows)}
</table></div>
<p class="note">J = dollars + wait value × hours that tasks waited for a builder; below 1.00× Toji has the lower J. The p95 wait
is that for a builder, of all tasks.</p>`;
}

function duelRows({ objective, toji, rival, rivalAtDefaults, ratio, ratioAtDefaults }: Duel): Markup {
  const { bestBaseline, bestBaselineAtDefaults, waitValuePerHour } = objective;
  const rivalName = `${bestBaseline.name}, best ${rival?.kind === "defaults" ? "of all, at its defaults" : "of the tuned"}`;
  return html`<tbody>
<tr><th colspan="5" scope="rowgroup">${formatWorth(waitValuePerHour)} an hour of waiting</th></tr>
<tr class="toji"><td>Toji</td><td></td>${duelCells(toji, objective.toji)}</tr>
<tr><td>${rivalName}</td>${ratioCell(ratio)}${duelCells(rival, bestBaseline.J)}</tr>
<tr><td>${bestBaselineAtDefaults.name}, best at defaults</td>${ratioCell(ratioAtDefaults)}${duelCells(rivalAtDefaults, bestBaselineAtDefaults.J)}</tr>
</tbody>`;
}

function duelCells(standing: Standing | null, cost: number): Markup {
  if (standing === null) return html`<td class="number dim" colspan="3">not replayed</td>`;
  const { dollars, noBuilderWaitSeconds } = standing.policy;
  return html`<td class="number">${formatMoney(dollars)}</td>
<td class="number">${formatDuration(noBuilderWaitSeconds.p95)}</td><td class="number">${formatMoney(cost)}</td>`;
}

function ratioCell(ratio: number): Markup {
  const kind = !Number.isFinite(ratio) ? "dim" : ratio > 1.005 ? "worse" : "better";
  return html`<td class="number ${kind}">${formatRatio(ratio)}</td>`;
}

function listSources({ answer: { trace }, setting }: ReportInput): Markup {
  const recorded = setting.recorded.length > 0 ? setting.recorded : ["Nothing: every task of this trace is made up."];
  const synthetic = trace.synthetic.length > 0 ? trace.synthetic : ["Nothing in the trace."];
  return html`<div class="columns">
<div><h3>Recorded</h3><ul>${recorded.map((sentence) => html`<li>${sentence}</li>`)}</ul></div>
<div><h3>Made up</h3><ul>${synthetic.map((sentence) => html`<li>${sentence}</li>`)}
<li>As in every replay: boots, failures and spot losses are drawn from distributions; hub and kojid are models; when tasks
really started is not used.</li></ul></div>
</div>`;
}
