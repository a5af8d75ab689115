// First step of a switch: may it begin, and is the new address fit for every arch that builds take from the repo.

import { gather } from "../gather.ts";
import { judge } from "../judge.ts";
import { lookSettings, rulesForArch } from "../look-order.ts";
import type { MirrorsPorts } from "../ports.ts";
import { expandArch, rulesOf } from "../rules.ts";
import { type Kept, lookStates, type SwitchRecord, switches } from "../states.ts";
import { surveyHub } from "../survey.ts";
import { SwitchRefused } from "./errors.ts";
import { readSwitchEvent, type SwitchEvent, type SwitchRun } from "./event.ts";
import { asHubHas, type CandidateLook, candidateRefusals, isSameAddress, namesOf, planSwitch } from "./plan.ts";

/** All arches are looked at side by side, and must fit into the function's time with the survey (mirror-switch.asl.yaml). */
const LONGEST_LOOK_SECONDS = 600;

/** Throws SwitchRefused, or StoreConflict when another switch began in this moment; then nothing has been touched. */
export async function beginSwitch(ports: MirrorsPorts, event: unknown): Promise<SwitchRun> {
  const read = readSwitchEvent(event);
  const { execution, progress } = read;
  const { site, mirrors, clock, store, hubReader, telemetry } = ports;
  const { repo, automatic } = progress;
  const to = asHubHas(progress.to);
  const kept = await switches.get(store, repo);
  const survey = await surveyHub(hubReader, { hub: site.hub, mirrors }, clock.now());
  const found = survey.repos.find(({ name }) => name === repo) ?? null;
  const last = kept?.value ?? null;
  const facts = { id: execution, repo, to, automatic, hub: found, hubAdmin: site.hub.admin, last, now: clock.now() };
  const plan = planSwitch({ ...facts, failover: mirrors.failover });
  refuseIf(plan.refusals);
  const from = found?.url ?? to;
  const run = { repo, from, to, tags: plan.tags.map(({ tag, arches }) => ({ tag, arches: [...arches] })) };
  const isShared = survey.repos.some(({ name, url }) => name !== repo && isSameAddress(url, from));
  if (plan.already) {
    telemetry.info(`switch ${execution}: ${repo} has ${to} already`);
    return { ...run, already: true, empty: [], isShared };
  }
  const looks = await Promise.all(plan.arches.map((arch) => lookAtCandidate(ports, { repo, from, to, arch })));
  refuseIf(candidateRefusals(looks));
  await recordBegin(ports, read, kept, { ...run, notes: looks.map(wordsOf) });
  const empty = looks.flatMap(({ arch, packages }) => (packages === 0 ? [arch] : []));
  return { ...run, already: false, empty, isShared };
}

function refuseIf(refusals: readonly string[]): void {
  if (refusals.length > 0) throw new SwitchRefused(refusals.join("; "));
}

interface Looked extends CandidateLook {
  /** Listed by its primary; null = it was not read whole. */
  readonly packages: number | null;
}

/** Everything is read, whatever an earlier look has verified: builds depend on it from now on. */
async function lookAtCandidate(
  { mirrors, store, fetcher, clock }: MirrorsPorts,
  { repo, from, to, arch }: Readonly<Record<"repo" | "from" | "to" | "arch", string>>,
): Promise<Looked> {
  const url = expandArch(to, arch);
  const rules = rulesForArch(rulesOf(mirrors, repo), arch);
  const [candidate, present] = await Promise.all([
    lookStates.get(store, repo, arch, url),
    lookStates.get(store, repo, arch, expandArch(from, arch)),
  ]);
  const last = candidate?.value.accepted ?? null;
  const budgetSeconds = Math.min(mirrors.budgetSeconds, LONGEST_LOOK_SECONDS);
  const settings = { ...lookSettings(mirrors), budgetSeconds, rereadSeconds: 0 };
  const order = { url, arch, depth: "metadata", trust: rules.trust, last, live: null, settings, turn: 0 } as const;
  const now = clock.now();
  const evidence = await gather(fetcher, order, now);
  const judgement = judge(evidence, last, rules, now);
  return { arch, url, judgement, current: present?.value.accepted ?? null, packages: evidence.packages?.count ?? null };
}

function wordsOf({ url, judgement, current, packages }: Looked): string {
  const { metadata } = judgement;
  const age = metadata === null ? "" : `, metadata of ${new Date(metadata.timestamp * 1000).toISOString()}`;
  const against = current === null ? "; nothing was accepted at the old address to compare with" : "";
  return `${url} is fit: ${packages ?? "unknown"} packages${age}${against}`;
}

async function recordBegin(
  { store, clock, telemetry }: MirrorsPorts,
  { execution, progress }: SwitchEvent,
  kept: Kept<SwitchRecord> | null,
  { repo, from, to, tags, notes }: Pick<SwitchRun, "repo" | "from" | "to" | "tags"> & { readonly notes: string[] },
): Promise<void> {
  // Cut off after it was written: this is the same step once more.
  if (kept?.value.id === execution) return;
  const { by, reason, automatic } = progress;
  telemetry.info(`switch ${execution} of ${repo} from ${from} to ${to}, asked for by ${by}, begins: ${reason}`);
  const record: SwitchRecord = {
    ...{ id: execution, repo, from, to, by, reason, automatic, notes },
    state: "begun",
    startedAt: clock.now(),
    editedAt: null,
    endedAt: null,
    tags: namesOf(tags).map((tag) => ({ tag, request: null, repo: null })),
    // Nobody else remembers what earlier switches have left.
    retiring: kept?.value.retiring ?? [],
  };
  await switches.put(store, record, kept?.etag ?? "absent", repo);
}
