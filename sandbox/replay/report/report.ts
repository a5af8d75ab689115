// The report of a replay: one HTML page that needs nothing else, no network and no script.

import { readFileSync } from "node:fs";
import { costSection } from "./cost-table.ts";
import { decisionSection } from "./decisions.ts";
import { fleetSection } from "./fleet-table.ts";
import { html, Markup } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { makingSection } from "./making.ts";
import { paretoSection } from "./pareto.ts";
import { rankPolicies } from "./standings.ts";
import { summarySection } from "./summary.ts";
import { timelineSection } from "./timeline.ts";
import { trustSection } from "./trust.ts";
import { delaySection, waitSection } from "./waits.ts";

/** What the page may load: nothing but the style that is in it. */
const SECURITY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const STYLES = ["colors.css", "style.css", "parts.css", "screens.css"];

export function renderReport(input: ReportInput): string {
  const standings = rankPolicies(input);
  const styles = new Markup(STYLES.map((file) => readFileSync(new URL(file, import.meta.url), "utf8")).join("\n"));
  const { name } = input.answer.trace;
  return html`${new Markup("<!doctype html>")}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${SECURITY}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Replay of ${name}</title>
<style>${styles}</style>
</head>
<body>
<main>
<header><h1>Replay of ${name}</h1><p class="dim">${input.versionLine}</p></header>
${summarySection(input, standings)}
${
  input.answer.policies.length === 0
    ? null
    : [
        paretoSection(input, standings),
        costSection(input, standings),
        waitSection(standings),
        delaySection(standings),
        fleetSection(standings),
        timelineSection(standings),
        decisionSection(standings),
        trustSection(input, standings),
      ]
}
${makingSection(input)}
</main>
</body>
</html>
`.text;
}
