// Whether a switch may begin, whether the new address is fit, and how it has ended. Pure.

import { addressKind, withSlash } from "../resolve.ts";
import type { SwitchRecord } from "../states.ts";
import type { RepoUse } from "../survey-types.ts";
import type { Accepted, Judgement } from "../types.ts";
import { hostText, spanText } from "../words.ts";
import { administratorCommands, commandText } from "./commands.ts";

const HOUR_SECONDS = 3600;

export interface SwitchFacts {
  /** Of this execution. */
  readonly id: string;
  readonly repo: string;
  readonly to: string;
  readonly automatic: boolean;
  /** As the hub has the repo; null = it has none of this name. */
  readonly hub: { readonly url: string; readonly uses: readonly RepoUse[] } | null;
  /** The site says that its login may edit external repos. */
  readonly hubAdmin: boolean;
  /** The newest switch of the repo. */
  readonly last: SwitchRecord | null;
  readonly failover: { readonly periodHours: number; readonly readyMinutes: number };
  /** Epoch seconds. */
  readonly now: number;
}

export interface SwitchPlan {
  /** Sentences; none = it may begin, once the new address is found fit. */
  readonly refusals: readonly string[];
  readonly tags: readonly { readonly tag: string; readonly arches: readonly string[] }[];
  /** Of all tags together. */
  readonly arches: readonly string[];
  /** The hub has the address: nothing is to be done. */
  readonly already: boolean;
}

export function planSwitch(facts: SwitchFacts): SwitchPlan {
  const { hub, to, repo } = facts;
  const tags = tagsOf(hub?.uses ?? []);
  const arches = [...new Set(tags.flatMap((use) => use.arches))].sort();
  const found = { tags, arches };
  if (hub === null) {
    const refusal = `the hub has no external repo named ${repo}: koji list-external-repos names those it has`;
    return { refusals: [refusal], ...found, already: false };
  }
  const busy = busyRefusals(facts);
  if (isSameAddress(hub.url, to)) return { refusals: busy, ...found, already: busy.length === 0 };
  const refusals = [
    ...busy,
    ...addressRefusals(to, hub.url, arches),
    ...(arches.length === 0 ? [unusedRefusal(facts)] : []),
    ...periodRefusals(facts),
    ...(facts.hubAdmin ? [] : [permissionSentence(repo, to, namesOf(tags))]),
  ];
  return { refusals, ...found, already: false };
}

/** As the hub keeps it: it adds the slash on edit. */
export function asHubHas(url: string): string {
  return withSlash(url.trim());
}

export function isSameAddress(a: string, b: string): boolean {
  return asHubHas(a) === asHubHas(b);
}

/** Names of the tags alone. */
export function namesOf(tags: readonly { readonly tag: string }[]): string[] {
  return tags.map(({ tag }) => tag);
}

/** Whether a switch is under way; one that is older than all that it may take was cut off for ever. */
export function isUnderWay(
  { state, startedAt }: Pick<SwitchRecord, "state" | "startedAt">,
  readyMinutes: number,
  now: number,
): boolean {
  switch (state) {
    case "begun":
    case "edited":
    case "regenerating":
    case "undoing":
      // Repos there, repos back, and what lies between.
      return now - startedAt <= readyMinutes * 60 * 2 + 2 * HOUR_SECONDS;
    case "done":
    case "undone":
    case "failed":
      return false;
    default:
      return state satisfies never;
  }
}

export function permissionSentence(repo: string, to: string, tags: readonly string[]): string {
  const commands = commandText(administratorCommands(repo, to, tags));
  return `Toji's login on the hub may not edit external repos (permission admin; hub.admin in toji.yml), an administrator may: ${commands}`;
}

function tagsOf(uses: readonly RepoUse[]): SwitchPlan["tags"] {
  const byTag = new Map<string, Set<string>>();
  for (const { tag, arches } of uses) byTag.set(tag, new Set([...(byTag.get(tag) ?? []), ...arches]));
  // A tag for whose arches the repo is filtered out takes nothing from it.
  return [...byTag]
    .flatMap(([tag, arches]) => (arches.size === 0 ? [] : [{ tag, arches: [...arches].sort() }]))
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
}

function busyRefusals({ id, repo, last, failover, now }: SwitchFacts): string[] {
  if (last === null) return [];
  if (last.id === id) {
    return last.state === "begun" ? [] : [`the switch ${id} has been made before: start another one`];
  }
  if (!isUnderWay(last, failover.readyMinutes, now)) return [];
  return [`${repo} is being switched to ${last.to} by ${last.id}: start again when that has ended`];
}

function periodRefusals({ id, automatic, repo, last, failover, now }: SwitchFacts): string[] {
  if (!automatic || last === null || last.id === id) return [];
  const since = now - last.startedAt;
  if (since >= failover.periodHours * HOUR_SECONDS) return [];
  return [
    `${repo} was switched ${spanText(since)} ago, and Toji does so by itself once in ${failover.periodHours} h (mirrors.failover.periodHours)`,
  ];
}

function unusedRefusal({ repo, to }: SwitchFacts): string {
  const commands = commandText(administratorCommands(repo, to, []));
  return `no build tag takes rpms from ${repo}, so there is no arch to look at the new address for; whoever wants it all the same types: ${commands}`;
}

/** Koji takes the address as it is: only $arch is replaced, and no list of mirrors is read (kojid merge_repos). */
function addressRefusals(to: string, from: string, arches: readonly string[]): string[] {
  if (!URL.canParse(to) || !/^https?:$/.test(new URL(to).protocol)) return [`${to} is no http or https address`];
  const { username, password } = new URL(to);
  const refusals: string[] = [];
  if (username !== "" || password !== "") refusals.push(`the address at ${hostText(to)} holds a user or password`);
  const kind = addressKind(to);
  if (kind !== "static") refusals.push(`${to} is a ${kind}, which Koji cannot read: give the base of one repository`);
  const [unknown] = to.replaceAll("$arch", "").match(/\$\w+/) ?? [];
  if (unknown !== undefined) refusals.push(`Koji replaces $arch in an address and not ${unknown}: ${to}`);
  if (from.includes("$arch") && !to.includes("$arch") && arches.length > 1) {
    refusals.push(`${to} has no $arch, and builds take ${arches.join(", ")} from ${from}`);
  }
  return refusals;
}

/** One arch of the new address: what a look at it says, and what was accepted at the old one. */
export interface CandidateLook {
  readonly arch: string;
  readonly url: string;
  readonly judgement: Judgement;
  /** null = the old address was never accepted. */
  readonly current: Pick<Accepted, "timestamp" | "repomdSha256"> | null;
}

/** One sentence for each arch that is not fit. Never to older content: builds would lose what they had. */
export function candidateRefusals(looks: readonly CandidateLook[]): string[] {
  return looks.flatMap(({ arch, url, judgement, current }) => {
    const { trusted, verdict, checks, metadata } = judgement;
    if (!trusted || metadata === null) {
      const failing = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
      return [`${url} is not fit for ${arch} (${verdict}): ${failing.join("; ") || "it has no metadata"}`];
    }
    if (current === null || current.repomdSha256 === metadata.repomdSha256) return [];
    const behind = current.timestamp - metadata.timestamp;
    if (behind <= 0) return [];
    return [`${url} is ${spanText(behind)} older for ${arch} than what was accepted at the present address`];
  });
}

export interface EndFacts {
  readonly record: Pick<SwitchRecord, "state" | "from" | "to" | "repo" | "tags">;
  /** As the hub has it now; null = it has no such repo. */
  readonly url: string | null;
  /** New repos take their rpms from the new address. */
  readonly isConfirmed: boolean;
}

export interface SwitchEnd {
  readonly state: "done" | "undone" | "failed";
  /** What a person must do; none unless failed. */
  readonly sentences: readonly string[];
}

/** By what the hub has: `undone` only if the old address is there, and every repo that may have missed it is made anew. */
export function endOf({ record, url, isConfirmed }: EndFacts): SwitchEnd {
  const { state, from, to, repo, tags } = record;
  if (state === "done") return { state, sentences: [] };
  const open = tags.filter((each) => each.repo === null);
  if (url !== null && isSameAddress(url, to)) {
    if (isConfirmed) return { state: "done", sentences: [] };
    const commands = commandText(administratorCommands(repo, from, namesOf(tags)));
    return { state: "failed", sentences: [`the hub still has ${to}; to take it back type: ${commands}`] };
  }
  // Nothing was edited: whatever the hub has is no work of this switch.
  if (state === "begun") return { state: "undone", sentences: [] };
  if (url === null || !isSameAddress(url, from)) {
    const has = url === null ? "the hub has no such repo any more" : `the hub has ${url}`;
    const sentence = `somebody changed ${repo} meanwhile: ${has}, it was left so; see that these have new repos: ${namesOf(tags).join(", ")}`;
    return { state: "failed", sentences: [sentence] };
  }
  if (state === "undoing" && open.length === 0) return { state: "undone", sentences: [] };
  const again = state === "undoing" ? open : tags;
  const commands = commandText(administratorCommands(repo, from, namesOf(again)).slice(1));
  return {
    state: "failed",
    sentences: [`the hub has ${from} again, but repos made meanwhile may be of ${to}; type: ${commands}`],
  };
}
