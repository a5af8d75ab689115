// How the report was made, so that a reader can make it again.

import { html, type Markup } from "./html.ts";
import type { ReportInput } from "./input.ts";

export function makingSection({ setting, versionLine }: ReportInput): Markup {
  const { command, config, prices, hubOptions, boot, seed } = setting;
  const options = Object.entries(hubOptions);
  return html`<section id="making">
<h2>How this was made</h2>
<p>The same command with the same trace and the same version gives the same page, to the last digit.</p>
<pre><code>${command}</code></pre>
<dl>
<dt>Version</dt><dd>${versionLine}</dd>
<dt>Seed</dt><dd>${seed}</dd>
<dt>Prices</dt><dd>${prices.region}, as of ${prices.asOf}; billed by the second</dd>
<dt>Boots</dt><dd>${boot}</dd>
${options.length === 0 ? null : html`<dt>Hub and kojid</dt><dd>${options.map(([name, value]) => `${name} ${String(value)}`).join(", ")}</dd>`}
${config.length === 0 ? null : html`<dt>Configuration</dt><dd><ul class="plain">${config.map((sentence) => html`<li>${sentence}</li>`)}</ul></dd>`}
</dl>
</section>`;
}
