// The console where there is no terminal: one line for every decision with a change, and now and then how things stand.

import { countPhases, foldChanges, formatClock, formatDollars, formatDuration, formatNumber } from "./page/format.js";
import type { ConsoleState } from "./state.ts";
import { cleanText } from "./text.ts";

const STATUS_SECONDS = 15 * 60;

/** Makes the lines that are new since the last call. The first call says where hub and page are. */
export function createPlainLog(): (state: ConsoleState) => string[] {
  let lastDecisionAt = Number.NEGATIVE_INFINITY;
  let lastSentence = "";
  let lastQuarter: number | null = null;
  return (state) => {
    const lines: string[] = [];
    if (lastQuarter === null) {
      const page = state.pageUrl === undefined ? "" : `, page ${state.pageUrl}`;
      lines.push(`${formatClock(state.now)} hub ${state.hubUrl}${page}, ${formatNumber(state.speed)}x`);
    }
    for (const decision of state.decisions.toReversed()) {
      if (decision.at <= lastDecisionAt || decision.changes.length === 0) continue;
      lastDecisionAt = decision.at;
      const sentence = foldChanges(decision.changes)
        .map(({ verb, rest }) => (verb === "" ? rest : `${verb} ${rest}`))
        .join("; ");
      // Passes without a change are folded into the newest decision, which may then carry a later time.
      if (sentence !== lastSentence) lines.push(`${formatClock(decision.at)} ${sentence}`);
      lastSentence = sentence;
    }
    const quarter = Math.floor(state.now / STATUS_SECONDS);
    if (quarter !== lastQuarter) lines.push(statusLine(state));
    lastQuarter = quarter;
    return lines.map(cleanText);
  };
}

function statusLine({ now, queue, builders, totals }: ConsoleState): string {
  const free = queue.reduce((sum, bin) => sum + bin.free, 0);
  const phases = countPhases(builders).map(([phase, count]) => `${count} ${phase}`);
  return [
    `${formatClock(now)} status: ${formatNumber(totals.tasksDone)} done`,
    `${formatNumber(free)} free`,
    `builders: ${phases.length === 0 ? "none" : phases.join(" + ")}`,
    `wait p50 ${formatDuration(totals.waitP50Seconds)}, p95 ${formatDuration(totals.waitP95Seconds)}`,
    `${formatNumber(totals.instanceHours)} instance-hours`,
    `${formatDollars(totals.dollars)} spent, ${formatDollars(totals.pricePerHour)}/h now`,
  ].join(", ");
}
