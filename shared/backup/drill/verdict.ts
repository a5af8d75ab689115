// What a drill's lines say about its set. Only a whole proof makes it verified, only damage makes it failed.

import type { DrillLine } from "../host-answers.ts";
import type { DrillFinding } from "../types.ts";

export type Verdict =
  | { readonly outcome: "verified"; readonly counts: Counts }
  | { readonly outcome: "failed"; readonly findings: readonly DrillFinding[]; readonly counts: Counts }
  /** The drill itself went wrong: no word about the set. */
  | { readonly outcome: "none"; readonly why: string };

type Counts = Readonly<Record<string, number>>;

/** What the script reaches one after the other, before its verdict. */
export const STEPS = ["booted", "mounted", "database", "checked", "sanitised", "hub"] as const;

/** A file system that does not mount and a database that does not start are the set's; a broken image is not. */
const DAMAGE_STEPS: ReadonlySet<DrillLine["step"]> = new Set(["mounted", "database"]);

/** Pure. A step that two lines disagree about has failed; without a verdict line there is no verdict. */
export function judgeLines(lines: readonly DrillLine[]): Verdict {
  if (!lines.some(({ step }) => step === "verdict")) {
    return { outcome: "none", why: `the instance came to no verdict: ${whereItStopped(lines)}` };
  }
  const counts: Counts = Object.assign({}, ...lines.map((line) => line.counts));
  const failed = lines.filter((line) => !line.ok);
  const findings = distinct([...failed.flatMap((line) => line.findings), ...failed.flatMap(damageOf)]);
  if (findings.length > 0) return { outcome: "failed", findings, counts };
  const [first] = failed;
  if (first !== undefined) {
    const step = failed.find((line) => line.step !== "verdict")?.step ?? first.step;
    const error = failed.find((line) => line.error !== null)?.error ?? "it gave no reason";
    return { outcome: "none", why: `the step ${step} failed and found no damage: ${error}` };
  }
  const missing = STEPS.filter((step) => !lines.some((line) => line.step === step));
  if (missing.length > 0) return { outcome: "none", why: `nothing was heard of ${missing.join(", ")}` };
  return { outcome: "verified", counts };
}

/** Uptime, in seconds, at which the hub of the restored set answered first; null = it did not. */
export function hubAnsweredAt(lines: readonly DrillLine[]): number | null {
  const uptimes = lines.filter(({ step, ok }) => step === "hub" && ok).map(({ uptime }) => uptime);
  return uptimes.length === 0 ? null : Math.min(...uptimes);
}

function damageOf({ step, error, findings }: DrillLine): DrillFinding[] {
  if (!DAMAGE_STEPS.has(step) || findings.length > 0) return [];
  return [{ kind: `not-${step}`, detail: error ?? "no reason was given", count: 1 }];
}

/** The verdict line repeats what the steps found. */
function distinct(findings: readonly DrillFinding[]): DrillFinding[] {
  return [...new Map(findings.map((finding) => [`${finding.kind} ${finding.detail}`, finding])).values()];
}

function whereItStopped(lines: readonly DrillLine[]): string {
  const last = lines.at(-1);
  return last === undefined
    ? "nothing of it was heard"
    : `its last word was ${last.step}, ${Math.round(last.uptime)} s up`;
}
