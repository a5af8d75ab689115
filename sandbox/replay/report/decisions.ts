// The five decisions that cost most, in the words in which the policy gave its reasons.

import type { CostlyDecision } from "../result.ts";
import { html, type Markup } from "./html.ts";
import { chooseSpotlight, type Standing, type Standings } from "./standings.ts";
import { formatMoment, formatMoney } from "./words.ts";

const MOST = 5;

export function decisionSection(standings: Standings): Markup {
  const standing = chooseDecider(standings);
  const costly = (standing?.detail?.costly ?? []).toSorted((a, b) => b.dollars - a.dollars).slice(0, MOST);
  return html`<section id="decisions">
<h2>The decisions that cost most</h2>
<p>Each pass says why it does what it does. These are the sentences after which the most money went, by builders that stood
idle or by tasks that waited${standing === null ? null : `, of ${standing.label}`}: a reader who knows the builds can tell bad luck from a bad rule.</p>
${costly.length === 0 ? html`<p class="dim">No decision was kept.</p>` : html`<ol class="decisions">${costly.map(decisionItem)}</ol>`}
</section>`;
}

/** Toji first: its decisions can be changed by its reader. */
function chooseDecider(standings: Standings): Standing | null {
  const withDecisions = (some: readonly Standing[]) => some.find(({ detail }) => (detail?.costly.length ?? 0) > 0);
  return withDecisions(chooseSpotlight(standings)) ?? withDecisions(standings.shown) ?? null;
}

function decisionItem({ at, sentence, dollars, because }: CostlyDecision): Markup {
  return html`<li><div class="money">${formatMoney(dollars)}</div>
<div><q>${sentence}</q><p class="note">${formatMoment(at)}. ${because}</p></div></li>`;
}
