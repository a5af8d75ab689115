// What a check found: a Check, and the verdict that it stands for when it is not ok.

import { type CheckName, type Problem, VERDICTS, type Verdict } from "../types.ts";

export type Unfit = Exclude<Verdict, "ok">;

export type Finding =
  | { readonly name: CheckName; readonly ok: true; readonly detail: string }
  | { readonly name: CheckName; readonly ok: false; readonly detail: string; readonly verdict: Unfit };

export function fine(name: CheckName, detail: string): Finding {
  return { name, ok: true, detail };
}

export function unfit(name: CheckName, verdict: Unfit, detail: string): Finding {
  return { name, ok: false, verdict, detail };
}

/** The heaviest; "ok" of none. */
export function heaviestOf<V extends Verdict>(verdicts: readonly V[]): V | "ok" {
  const ranks = verdicts.map(weightOf);
  const heaviest = ranks.indexOf(Math.max(...ranks));
  return verdicts[heaviest] ?? "ok";
}

/** 0 for ok, more for what is worse. */
export function weightOf(verdict: Verdict): number {
  return VERDICTS.indexOf(verdict);
}

export function isOfDocument({ kind }: Problem): boolean {
  return kind === "schema" || kind === "entities" || kind === "unknown-form";
}

export function isGone({ kind, status }: Problem): boolean {
  return kind === "status" && (status === 404 || status === 410);
}

/** What it says of a mirror that repomd.xml could not be had or read. */
export function verdictOfRepomd(problem: Problem): Unfit {
  switch (problem.kind) {
    case "status":
      return isGone(problem) ? "moved" : "unreachable";
    case "dns":
    case "refused":
    case "reset":
    case "timeout":
    case "tls":
    case "certificate":
    case "network":
    case "budget":
    case "redirect-loop":
    case "address":
    case "size":
      return "unreachable";
    case "downgrade":
    case "too-large":
    case "checksum":
    case "open-size":
    case "open-checksum":
    case "header-checksum":
    case "decompress":
    case "entities":
    case "schema":
    case "unknown-form":
    case "rpm-header":
    case "rpm-payload":
      return "tampered";
    default:
      return problem.kind satisfies never;
  }
}

/**
 * What it says of a mirror that a record has a problem: what is there and is other content was tampered with; what is not
 * there yet, or not in full, is a sync under way.
 */
export function verdictOfRecord({ kind }: Problem): "tampered" | "partial" {
  switch (kind) {
    case "checksum":
    case "open-size":
    case "open-checksum":
    case "header-checksum":
    case "decompress":
    case "entities":
    case "schema":
    case "too-large":
    case "downgrade":
    case "rpm-header":
    case "rpm-payload":
      return "tampered";
    case "dns":
    case "refused":
    case "reset":
    case "timeout":
    case "tls":
    case "certificate":
    case "network":
    case "budget":
    case "status":
    case "redirect-loop":
    case "address":
    case "size":
    case "unknown-form":
      return "partial";
    default:
      return kind satisfies never;
  }
}

/** As for records, but an rpm that is longer than listed may be a newer one of the same name that came first. */
export function verdictOfRpm(problem: Problem): "tampered" | "partial" {
  return problem.kind === "too-large" ? "partial" : verdictOfRecord(problem);
}
