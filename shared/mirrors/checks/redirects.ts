// The check of redirects: where they end, and whether the address is still the one to write.

import type { Evidence, Hop, MirrorRules } from "../types.ts";
import { hostText, someOf } from "../words.ts";
import { type Finding, fine, unfit } from "./finding.ts";

/** Redirects in the order in which they were followed; never empty. */
interface Chain {
  readonly first: Hop;
  readonly last: Hop;
  /** Where the address has gone for good: to the end of the permanent redirects that it starts with. */
  readonly instead: string | null;
}

const NOT_ALLOWED = "which no rule allows: what is meant is to be written into redirectHosts";

const REPOMD = "repodata/repomd.xml";

/** null where nothing answered at all. */
export function checkRedirects(evidence: Evidence, rules: MirrorRules): Finding | null {
  const { hops, repomd } = evidence;
  const outside = outsideOf(evidence).filter((url) => !isOwn(url, evidence, rules));
  if (outside.length > 0)
    return unfit(
      "redirects",
      "moved",
      `its files lie at ${someOf([...new Set(outside.map(hostText))])}, ${NOT_ALLOWED}`,
    );
  if (hops.length === 0) return "content" in repomd ? fine("redirects", "none") : null;
  const downgrade = hops.find(({ from, to }) => from.startsWith("https:") && to.startsWith("http:"));
  if (downgrade !== undefined)
    return unfit("redirects", "tampered", `${downgrade.from} leads from https to plain http: ${downgrade.to}`);
  const chains = chainsOf(hops).filter((chain) => !isOfReference(chain, evidence));
  const strange = chains.filter((chain) => !mayEndThere(chain, evidence, rules));
  if (strange.length > 0) {
    const hosts = [...new Set(strange.map(({ last }) => hostText(last.to)))];
    return unfit("redirects", "moved", `redirects end at ${someOf(hosts)}, ${NOT_ALLOWED}`);
  }
  const ends = [...new Set(chains.map(({ last }) => hostText(last.to)))];
  const detail = ends.length === 0 ? "only of the reference" : `they end at ${someOf(ends)}`;
  const instead =
    evidence.resolution.kind === "static" ? chains.map(permanentBase).find((base) => base !== null) : null;
  return fine("redirects", instead ? `${detail}; the address has changed for good: write ${instead} instead` : detail);
}

function permanentBase({ first, instead }: Chain): string | null {
  if (instead === null || !first.from.endsWith(`/${REPOMD}`) || !instead.endsWith(`/${REPOMD}`)) return null;
  return instead.slice(0, -REPOMD.length);
}

/** Hops come as a set: chains start where no other hop leads. What only goes in circles is taken hop by hop. */
function chainsOf(hops: readonly Hop[]): readonly Chain[] {
  const targets = new Set(hops.map(({ to }) => to));
  const byStart = new Map(hops.map((hop) => [hop.from, hop]));
  const followed = new Set<Hop>();
  const chains: Chain[] = [];
  for (const first of hops) {
    if (targets.has(first.from)) continue;
    const path = new Set<Hop>();
    for (let hop: Hop | undefined = first; hop !== undefined && !path.has(hop); hop = byStart.get(hop.to))
      path.add(hop);
    for (const hop of path) followed.add(hop);
    chains.push(chainOf([...path], first));
  }
  return [...chains, ...hops.filter((hop) => !followed.has(hop)).map((hop) => chainOf([hop], hop))];
}

function chainOf(path: readonly Hop[], first: Hop): Chain {
  const temporary = path.findIndex(({ status }) => status !== 301 && status !== 308);
  const permanent = temporary === -1 ? path : path.slice(0, temporary);
  return { first, last: path.at(-1) ?? first, instead: permanent.at(-1)?.to ?? null };
}

/** Redirects of upstream's own host say nothing of the mirror. */
function isOfReference({ first }: Chain, { reference, url, base }: Evidence): boolean {
  if (reference === null) return false;
  const host = hostText(reference.url);
  return hostText(first.from) === host && host !== hostText(url) && (base === null || host !== hostText(base));
}

/** Where the metadata itself points to, by whole addresses: builders follow these as they follow redirects. */
function outsideOf({ repomd, base, packages }: Evidence): readonly string[] {
  if (base === null || !("content" in repomd)) return [];
  const records = repomd.content.records.map(({ href }) => href).filter((href) => /^[a-z][a-z0-9+.-]*:/i.test(href));
  return [...records, ...(packages?.elsewhere ?? [])];
}

function isOwn(to: string, { url, base }: Evidence, { redirectHosts }: MirrorRules): boolean {
  return [url, base ?? url].map(hostText).includes(hostText(to)) || redirectHosts.some((rule) => isAllowed(to, rule));
}

function mayEndThere({ first, last }: Chain, evidence: Evidence, rules: MirrorRules): boolean {
  return hostText(first.from) === hostText(last.to) || isOwn(last.to, evidence, rules);
}

/** A rule without a port is for all ports; one that starts with a dot for all hosts below it. */
function isAllowed(url: string, rule: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, port, protocol } = new URL(url);
  const [name = "", rulePort] = rule.split(":");
  if (rulePort !== undefined && rulePort !== (port || (protocol === "https:" ? "443" : "80"))) return false;
  return name.startsWith(".") ? hostname.endsWith(name) : hostname === name;
}
