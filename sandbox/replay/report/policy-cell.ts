// How a policy is named in a table: its label, how it was set, and its parameters.

import { html, type Markup } from "./html.ts";
import type { Standing } from "./standings.ts";
import { formatParams } from "./words.ts";

const KINDS = { toji: "", tuned: "tuned", defaults: "defaults" } as const;

export function policyCell(standing: Standing): Markup {
  // The label has the wait value already.
  const { waitValuePerHour, ...others } = standing.policy.params;
  const params = formatParams(others);
  return html`${nameCell(standing)}${params === "" ? null : html`<small>${params}</small>`}`;
}

/** Without the parameters, for all tables but the first. */
export function nameCell({ label, kind }: Standing): Markup {
  return html`<span class="name">${label}</span>${kind === "toji" ? null : html` <span class="badge ${kind}">${KINDS[kind]}</span>`}`;
}
