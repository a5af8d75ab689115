// Checks of what the repository holds: its records, the packages that they list, a sample of rpms, the rpms in use.

import type { Accepted, Evidence, MirrorRules, Problem, RecordSeen, Repomd, RpmSeen } from "../types.ts";
import { countText, someOf } from "../words.ts";
import { type Finding, fine, heaviestOf, type Unfit, unfit, verdictOfRecord, verdictOfRpm } from "./finding.ts";

/** null where no record was asked for. Every record that repomd.xml lists must have been. */
export function checkRecords(records: readonly RecordSeen[], listed: Repomd | null): Finding | null {
  if (records.length === 0) return null;
  const seen = new Set(records.map(({ type }) => type));
  const unseen = (listed?.records ?? []).filter(({ type }) => !seen.has(type)).map(({ type }) => type);
  const troubled = records.flatMap(({ type, problem }) => (problem === null ? [] : [{ type, problem }]));
  const verdict = heaviestOf([
    ...troubled.map(({ problem }) => verdictOfRecord(problem)),
    ...(unseen.length > 0 ? ["partial" as const] : []),
  ]);
  const skipped = records.flatMap(({ type, skipped: why }) => (why === null ? [] : [`${type} (${why})`]));
  const skippedText = skipped.length === 0 ? "" : `; not looked into: ${someOf(skipped)}`;
  if (verdict === "ok") {
    const read = records.filter((record) => record.read).length;
    return fine("records", `${countText(records.length, "record")}, ${read} read in full${skippedText}`);
  }
  const names = [
    ...troubled.map(({ type, problem }) => `${type}: ${problem.detail}`),
    ...unseen.map((type) => `${type}: not looked at`),
  ];
  const sync = verdict === "partial" ? "; the mirror may be in the middle of a sync" : "";
  return unfit("records", verdict, `${someOf(names, names.length, "; ")}${sync}${skippedText}`);
}

/** null where primary was not read. */
export function checkPackages({ packages }: Evidence, last: Accepted | null, rules: MirrorRules, byHand: boolean) {
  if (packages === null) return null;
  const { count, promised } = packages;
  if (promised !== null && promised !== count)
    return unfit("packages", "partial", `primary lists ${countText(count, "package")} and promises ${promised}`);
  const before = last?.packages ?? 0;
  if (before === 0) return fine("packages", countText(count, "package"));
  const dropPercent = ((before - count) / before) * 100;
  const change = `${countText(count, "package")}, ${before} before`;
  if (dropPercent <= rules.maxPackageDropPercent || byHand) return fine("packages", change);
  const share = dropPercent < 1 ? dropPercent.toFixed(2) : Math.floor(dropPercent);
  return unfit("packages", "partial", `${change}: ${share} % fewer, of ${rules.maxPackageDropPercent} % allowed`);
}

/** null where primary was not read. */
export function checkNevra({ packages }: Evidence, byHand: boolean): Finding | null {
  if (packages === null) return null;
  const { clashes, changed } = packages;
  const changedCount = changed?.count ?? 0;
  if (clashes.length === 0 && changedCount === 0)
    return fine("nevra", changed === null ? "each name has one content" : "each name has the content it had");
  const told = [
    ...(clashes.length === 0 ? [] : [`listed twice: ${someOf(clashes)}`]),
    ...(changedCount === 0 ? [] : [`changed since: ${someOf(changed?.names ?? [], changedCount)}`]),
  ].join("; ");
  return byHand
    ? fine("nevra", `same name, other content, which the config accepts: ${told}`)
    : unfit("nevra", "tampered", `same name, other content: caches and lock files break: ${told}`);
}

/** null where no rpm was asked for. */
export function checkRpms(rpms: readonly RpmSeen[]): Finding | null {
  if (rpms.length === 0) return null;
  const troubled = rpms.flatMap(({ url, problem }) => (problem === null ? [] : [{ url, problem }]));
  const verdict = heaviestOf(troubled.map(({ problem }) => verdictOfRpm(problem)));
  if (verdict === "ok") {
    const read = rpms.filter((rpm) => rpm.read).length;
    return fine("rpms", `${countText(rpms.length, "rpm")} of the sample, ${read} read in full`);
  }
  return unfit("rpms", verdict, `${troubled.length} of ${rpms.length} in the sample: ${tellRpms(troubled)}`);
}

/** null where READY repos were not looked at. */
export function checkLive({ live }: Evidence): Finding | null {
  if (live === null) return null;
  const { missing, asked, total, tags } = live;
  const used = `rpms that READY repos of ${tags.length === 0 ? "no tag" : someOf(tags)} refer to`;
  if (missing.length === 0) return fine("live", `${asked} of the ${total} ${used} were asked for, and answer`);
  const behind = [...new Set(missing.flatMap((rpm) => rpm.tags))];
  const detail = `${missing.length} of the ${total} ${used} do not answer, needed by ${someOf(behind)}: ${tellRpms(missing)}`;
  return unfit("live", "partial" satisfies Unfit, detail);
}

function tellRpms(rpms: readonly { readonly url: string; readonly problem: Problem }[]): string {
  const names = rpms.map(({ url, problem }) => `${url.slice(url.lastIndexOf("/") + 1)}: ${problem.detail}`);
  return someOf(names, names.length, "; ");
}
