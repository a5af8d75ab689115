// Last step of the machine mirror-check: new repos where rpms are gone, switches to begin, and the status for people.

import { createHash } from "node:crypto";
import { StoreConflict } from "../aws/store.ts";
import type { SeenLook } from "./action-facts.ts";
import { isSameArch, knownDigest, readDigest, readyArches } from "./digests.ts";
import { eachOf } from "./gather-parts.ts";
import { measure } from "./measure.ts";
import { planActions } from "./plan-actions.ts";
import type { FailoverPlan } from "./plan-failovers.ts";
import type { MirrorsPorts } from "./ports.ts";
import { queuedTags, requestRepos } from "./regenerate.ts";
import { type ReadyFacts, retirementOf } from "./retirements.ts";
import { type Kept, lookStates, regenerations, type SwitchRecord, switches } from "./states.ts";
import { statusOf, writeMirrorStatus } from "./status.ts";
import { checkRunSchema } from "./step-event.ts";
import { needSurveyFile, type SurveyFile } from "./survey-file.ts";
import { countText } from "./words.ts";

/** A switch for the machine to begin. `name`: of its execution, the same for the same run and repo. */
export interface AskedSwitch extends FailoverPlan {
  readonly name: string;
}

export interface ActAnswer {
  readonly switches: readonly AskedSwitch[];
}

const READS_AT_ONCE = 4;

/** What could not be asked of the hub is thrown last, when the status is written and measured. */
export async function actStep(ports: MirrorsPorts, event: unknown): Promise<ActAnswer> {
  const { site, mirrors: config, store, clock, hubReader, telemetry } = ports;
  const { execution } = checkRunSchema.parse(event);
  const survey = await needSurveyFile(store);
  const looks = await readLooks(ports, survey);
  const records = await eachOf(survey.repos, READS_AT_ONCE, ({ name }) => switches.get(store, name));
  const kept = records.filter((record) => record !== null);
  const known = (await regenerations.get(store))?.value ?? { tags: [] };
  const [queued, hubAdmin] = [await queuedTags(hubReader), site.hub.admin];
  const plan = planActions({
    ...{ survey, looks, config, queued, hubAdmin, now: clock.now() },
    switches: kept.map(({ value }) => value),
    regenerations: known,
  });
  const requested = await requestRepos(ports, plan.regenerate);
  const ready = await readReady(ports, survey);
  const retired = await endRetirements(ports, survey, kept, ready);
  const sentences = [...plan.sentences, ...requested.sentences, ...unreadSentences(ready), ...retired.sentences];
  for (const sentence of sentences) telemetry.warn(sentence);
  const machines = { check: variable("TOJI_MIRROR_CHECK_MACHINE"), switch: variable("TOJI_MIRROR_SWITCH_MACHINE") };
  const status = { survey, looks, switches: retired.records, sentences, machines, hubAdmin, now: clock.now() };
  await writeMirrorStatus(store, statusOf(status));
  const counted = { regenerations: requested.asked.length, switches: plan.switches.length };
  measure(telemetry, { survey, looks, config, ...counted });
  if (requested.failure !== null) throw requested.failure;
  return { switches: plan.switches.map((each) => ({ ...each, name: executionName(execution, each.repo) })) };
}

async function readLooks({ store }: MirrorsPorts, { looks }: SurveyFile): Promise<SeenLook[]> {
  const found = await eachOf(looks, READS_AT_ONCE, async ({ repo, arch, url, role }): Promise<SeenLook | null> => {
    const kept = await lookStates.get(store, repo, arch, url);
    if (kept === null) return null;
    // Hundreds of them with their lists of packages would not fit into memory.
    const { accepted, ...rest } = kept.value;
    return { ...rest, role, accepted: accepted === null ? null : { timestamp: accepted.timestamp } };
  });
  return found.filter((look) => look !== null);
}

/** With what this run has read besides. */
async function readReady({ store, clock }: MirrorsPorts, survey: SurveyFile): Promise<ReadyFacts> {
  const ready = readyArches(survey.ready, survey.repos);
  const found = await eachOf(ready, READS_AT_ONCE, async (repo) => {
    const known = survey.digests.find((digest) => isSameArch(digest, repo));
    if (known !== undefined) return known;
    const digest = await readDigest(store, repo);
    return digest === null ? null : knownDigest(repo, digest, clock.now());
  });
  return { ready, digests: found.filter((digest) => digest !== null) };
}

function unreadSentences({ ready, digests }: ReadyFacts): string[] {
  const unread = ready.filter((repo) => !digests.some((digest) => isSameArch(digest, repo)));
  const [first] = unread;
  if (first === undefined) return [];
  const named = `repo ${first.id} of ${first.tag} (${first.arch})`;
  return [
    `${countText(unread.length, "READY repo")} could not be read yet, so nobody asks for their rpms, first of all ${named}: the log of mirrors-live says why.`,
  ];
}

async function endRetirements(
  { store, telemetry }: MirrorsPorts,
  survey: SurveyFile,
  kept: readonly Kept<SwitchRecord>[],
  ready: ReadyFacts,
): Promise<{ readonly records: readonly SwitchRecord[]; readonly sentences: readonly string[] }> {
  const sentences: string[] = [];
  const records: SwitchRecord[] = [];
  for (const { value, etag } of kept) {
    records.push(value);
    const left = value.retiring.map((url) => ({ url, ...retirementOf(value.repo, url, ready, survey) }));
    sentences.push(...left.map(({ sentence }) => sentence));
    const over = left.filter(({ isOver }) => isOver);
    if (over.length === 0) continue;
    const retiring = left.filter(({ isOver }) => !isOver).map(({ url }) => url);
    const notes = [...value.notes, ...over.map(({ sentence }) => sentence)];
    const ended: SwitchRecord = { ...value, retiring, notes };
    try {
      await switches.put(store, ended, etag, value.repo);
      records.splice(-1, 1, ended);
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      telemetry.info(`the record of ${value.repo}'s switch was changed meanwhile: the next run looks again`);
    }
  }
  return { records, sentences };
}

/** At most 80 characters, and none that Step Functions refuses in a name. */
function executionName(run: string, repo: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([run, repo]))
    .digest("hex");
  return `failover-${repo.replaceAll(/[^\w.-]/g, "_").slice(0, 40)}-${digest.slice(0, 16)}`;
}

function variable(name: string): string | null {
  const value = process.env[name];
  return value === undefined || value === "" ? null : value;
}
