// Why tasks waited, and by how much that made builds late: bars in tables.

import { html, type Markup } from "./html.ts";
import { nameCell } from "./policy-cell.ts";
import type { Standing, Standings } from "./standings.ts";
import { formatDuration, formatHours } from "./words.ts";

export function waitSection({ shown }: Standings): Markup {
  const known = shown.flatMap((standing) =>
    standing.detail === null ? [] : [{ standing, waits: standing.detail.waits }],
  );
  const longest = Math.max(...known.map(({ waits }) => waits.noBuilder + waits.scheduler + waits.poll), 0);
  const missing = shown.length - known.length;
  return html`<section id="waits">
<h2>Why tasks waited</h2>
<p>From free to running a task waits for three things in turn: a builder with room, the hub's next scheduler run, and the
poll of that builder's kojid. Only the first is the policy's; the other two are the hub's and kojid's settings.</p>
<ul class="legend">
<li><i class="bar no-builder"></i>no builder had room</li>
<li><i class="bar scheduler"></i>hub scheduler</li>
<li><i class="bar poll"></i>kojid poll</li>
</ul>
${
  known.length === 0
    ? html`<p class="dim">No replay kept its waits.</p>`
    : html`<table class="bars">
<thead><tr><th>policy</th><th>hours of all tasks</th><th class="number">no builder</th><th class="number">scheduler</th><th class="number">poll</th></tr></thead>
<tbody>${known.map(
        ({ standing, waits }) => html`<tr${rowClass(standing)}><th scope="row">${nameCell(standing)}</th>
<td class="wide-cell"><div class="stack">${segment("no-builder", waits.noBuilder, longest)}${segment("scheduler", waits.scheduler, longest)}${segment("poll", waits.poll, longest)}</div></td>
<td class="number">${formatHours(waits.noBuilder)}</td><td class="number">${formatHours(waits.scheduler)}</td><td class="number">${formatHours(waits.poll)}</td></tr>`,
      )}</tbody></table>`
}
${missing > 0 && known.length > 0 ? html`<p class="note">Of ${missing} more the waits were not kept.</p>` : null}
</section>`;
}

export function delaySection({ shown }: Standings): Markup {
  const longest = Math.max(...shown.map(({ policy }) => policy.buildDelaySeconds.p95), 0);
  return html`<section id="delay">
<h2>How much later builds ended</h2>
<p>What a packager feels: by how much a whole build, from its submission to its last task, ended later than it would have
with a builder at once for every task. Half of the builds were delayed by at most the median, 19 of 20 by at most the p95.</p>
<ul class="legend"><li><i class="bar median"></i>median</li><li><i class="bar p95"></i>p95</li></ul>
<table class="bars">
<thead><tr><th>policy</th><th>delay of a build</th><th class="number">median</th><th class="number">p95</th></tr></thead>
<tbody>${shown.map((standing) => {
    const { p50, p95 } = standing.policy.buildDelaySeconds;
    return html`<tr${rowClass(standing)}><th scope="row">${nameCell(standing)}</th>
<td class="wide-cell"><div class="stack">${segment("median", p50, longest)}${segment("p95", p95 - p50, longest)}</div></td>
<td class="number">${formatDuration(p50)}</td><td class="number">${formatDuration(p95)}</td></tr>`;
  })}</tbody></table>
</section>`;
}

function segment(kind: string, value: number, longest: number): Markup | null {
  if (!(value > 0) || !(longest > 0)) return null;
  return html`<i class="${kind}" style="width:${((value / longest) * 100).toFixed(2)}%"></i>`;
}

function rowClass({ kind }: Standing): Markup | null {
  return kind === "toji" ? html` class="toji"` : null;
}
