// The numbers of a run of the checks, for alarms and graphs. Each is given in every run, so that 0 is not silence.

import type { MirrorsConfig } from "../config/index.ts";
import type { Telemetry } from "../telemetry.ts";
import { isFresh, type SeenLook, unseenLooks } from "./action-facts.ts";
import type { SurveyFile } from "./survey-file.ts";
import { VERDICTS } from "./types.ts";

export interface RunFacts {
  readonly survey: SurveyFile;
  readonly looks: readonly SeenLook[];
  readonly config: Pick<MirrorsConfig, "repos">;
  readonly regenerations: number;
  readonly switches: number;
}

export function measure(telemetry: Pick<Telemetry, "metric">, facts: RunFacts): void {
  const metric: Telemetry["metric"] = (...measured) => telemetry.metric(...measured);
  const { survey, looks, regenerations, switches } = facts;
  const fresh = looks.filter((look) => isFresh(look, survey));
  const current = fresh.filter(({ role }) => role === "current");
  for (const verdict of VERDICTS)
    metric("MirrorVerdicts", "Count", current.filter((look) => look.verdict === verdict).length, { verdict });
  for (const repo of new Set(current.map((look) => look.repo))) {
    const own = current.filter((look) => look.repo === repo);
    const lag = largest(own.map(({ lagSeconds }) => lagSeconds));
    const latency = largest(own.map(({ latencyMilliseconds }) => latencyMilliseconds));
    if (lag !== null) metric("MirrorLagSeconds", "Seconds", lag, { repo });
    if (latency !== null) metric("MirrorLatencySeconds", "Seconds", latency / 1000, { repo });
  }
  metric("MirrorBytes", "Count", sum(fresh.map(({ bytes }) => bytes)));
  metric("LiveMissing", "Count", sum(fresh.map(({ live }) => live?.missing.length ?? 0)));
  metric("MirrorsUnproven", "Count", unprovenRepos(facts).length);
  metric("MirrorsLocal", "Count", survey.local.length);
  metric("MirrorLooksFailed", "Count", unseenLooks({ survey, looks }).length);
  metric("Regenerations", "Count", regenerations);
  metric("MirrorSwitches", "Count", switches, { outcome: "asked" });
}

/** Nothing vouches for what they serve: plain http, and no key, metalink or reference. */
function unprovenRepos({ survey, config }: RunFacts): string[] {
  return survey.repos
    .filter(({ name, url }) => {
      const trust = config.repos.find((each) => each.name === name)?.trust;
      const isProven =
        trust !== undefined && (trust.keys.length > 0 || trust.metalink !== undefined || trust.reference !== undefined);
      const isLookedAt = survey.looks.some(({ repo, role }) => repo === name && role === "current");
      return isLookedAt && !isProven && /^http:/i.test(url);
    })
    .map(({ name }) => name);
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
