// First step of the machine mirror-check: what the hub has, what is to be looked at, and which READY repos are to be read.

import { StoreConflict } from "../aws/store.ts";
import { knownDigest, readDigest, readyArches } from "./digests.ts";
import { eachOf } from "./gather-parts.ts";
import { planLooks } from "./plan-looks.ts";
import type { MirrorsPorts } from "./ports.ts";
import { type SwitchRecord, switches } from "./states.ts";
import { checkRunSchema } from "./step-event.ts";
import { surveyHub } from "./survey.ts";
import {
  type KnownDigest,
  type PlannedLook,
  type ReadyArch,
  readSurveyFile,
  type SurveyFile,
  writeSurveyFile,
} from "./survey-file.ts";
import { countText } from "./words.ts";

export interface SurveyAnswer {
  readonly run: string;
  readonly looks: readonly PlannedLook[];
  /** READY repos that have no digest in the bucket yet. */
  readonly live: readonly ReadyArch[];
}

/** A machine's state may have 256 KiB; a part of that is the machine's own. */
const ANSWER_BYTES = 200 * 1024;
/** Each costs some ten of the 25,000 events that an execution may have. */
const MOST_LIVE = 400;
/** A digest expires in the bucket: so often it is looked whether it is still there. */
const DIGEST_SECONDS = 86_400;
const READS_AT_ONCE = 8;

export async function surveyStep(ports: MirrorsPorts, event: unknown): Promise<SurveyAnswer> {
  const { site, mirrors, store, clock, hubReader, telemetry } = ports;
  const { execution: run } = checkRunSchema.parse(event);
  const before = await readSurveyFile(store);
  const at = clock.now();
  const survey = await surveyHub(hubReader, { hub: site.hub, mirrors }, at);
  const records = await readSwitches(
    ports,
    survey.repos.map(({ name }) => name),
  );
  const looks = planLooks(survey, mirrors, records);
  const { digests, live } = await findDigests(
    ports,
    readyArches(survey.ready, survey.repos),
    before?.value.digests ?? [],
  );
  const fitted = fitAnswer({ run, looks, live });
  const sentences = [...survey.sentences, ...fitted.sentences];
  for (const sentence of sentences) telemetry.warn(sentence);
  const file: SurveyFile = { ...survey, run, looks: fitted.answer.looks, sentences, digests };
  try {
    await writeSurveyFile(store, file, before?.etag ?? "absent");
  } catch (error) {
    if (!(error instanceof StoreConflict)) throw error;
    telemetry.info("another run has written its survey meanwhile: this one goes by that");
  }
  return fitted.answer;
}

export async function readSwitches({ store }: MirrorsPorts, repos: readonly string[]): Promise<SwitchRecord[]> {
  const found = await eachOf(repos, READS_AT_ONCE, (repo) => switches.get(store, repo));
  return found.flatMap((kept) => (kept === null ? [] : [kept.value]));
}

async function findDigests(
  { store, clock }: MirrorsPorts,
  ready: readonly ReadyArch[],
  before: readonly KnownDigest[],
) {
  const now = clock.now();
  const known = new Map(before.map((each) => [`${each.id} ${each.arch}`, each]));
  const found = await eachOf(ready, READS_AT_ONCE, async (repo) => {
    const last = known.get(`${repo.id} ${repo.arch}`);
    if (last !== undefined && now - last.seenAt < DIGEST_SECONDS) return last;
    const digest = await readDigest(store, repo);
    return digest === null ? null : knownDigest(repo, digest, now);
  });
  return {
    digests: found.filter((digest) => digest !== null),
    live: ready.filter((_, index) => found[index] === null),
  };
}

/** Pure. What does not fit is left for later runs: first READY repos, which the next run reads, then looks from the end. */
export function fitAnswer(answer: SurveyAnswer, mostBytes = ANSWER_BYTES) {
  const bytesOf = (items: readonly object[]) => Buffer.byteLength(JSON.stringify(items));
  const { run } = answer;
  const looks = cutTo(answer.looks, mostBytes - bytesOf([{ run }]), bytesOf);
  const room = mostBytes - bytesOf([{ run }]) - bytesOf(looks);
  const live = cutTo(answer.live.slice(0, MOST_LIVE), room, bytesOf);
  const [lost, later] = [answer.looks.length - looks.length, answer.live.length - live.length];
  const sentences = [
    ...(later === 0 ? [] : [`${countText(later, "READY repo")} could not be read in this run: the next ones go on.`]),
    ...(lost === 0
      ? []
      : [
          `${lost} of ${answer.looks.length} looks do not fit into one run and are left out: set ignore for repos that need no look.`,
        ]),
  ];
  return { answer: { run, looks, live }, sentences };
}

function cutTo<Item extends object>(
  items: readonly Item[],
  mostBytes: number,
  bytesOf: (items: readonly Item[]) => number,
): readonly Item[] {
  let used = 2;
  const end = items.findIndex((item) => {
    used += bytesOf([item]);
    return used > mostBytes;
  });
  return end === -1 ? items : items.slice(0, end);
}
