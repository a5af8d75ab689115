// Asks the hub for new repos of build tags, and remembers it, so that neither a repeat nor the next run asks again.

import { StoreConflict } from "../aws/store.ts";
import {
  ask,
  type HubCaller,
  HubFault,
  lacksMethod,
  listActiveTasks,
  listQueuedRepos,
  type Regeneration,
  requestRegeneration,
} from "../hub/index.ts";
import type { PlannedRegeneration } from "./plan-regenerations.ts";
import type { MirrorsPorts } from "./ports.ts";
import { type Regenerations, regenerations } from "./states.ts";

/** Nothing goes by what is older. */
const REMEMBERED_SECONDS = 30 * 86_400;
const WRITE_TRIES = 3;

/** Tags for which a repo is asked for or being made. Hubs before 1.35 have no queue: there the tasks tell. */
export async function queuedTags(hub: HubCaller): Promise<string[]> {
  try {
    return (await ask(hub, listQueuedRepos())).map(({ tag_name }) => tag_name);
  } catch (error) {
    if (!lacksMethod(error, "repo.queryQueue")) throw error;
  }
  const tasks = await ask(hub, listActiveTasks());
  return tasks.flatMap(({ method, build_tag }) =>
    method === "newRepo" && typeof build_tag === "string" ? [build_tag] : [],
  );
}

export interface Requested {
  readonly asked: readonly string[];
  /** One for each tag that the hub refused. */
  readonly sentences: readonly string[];
  /** What ended it early; null = all were asked for. */
  readonly failure: unknown;
}

/** Logs in to the hub only when there is something to ask. Throws nothing: a status is written whatever happens here. */
export async function requestRepos(ports: MirrorsPorts, planned: readonly PlannedRegeneration[]): Promise<Requested> {
  const asked: string[] = [];
  const sentences: string[] = [];
  try {
    for (const each of planned) {
      ports.telemetry.info(`asking for a new repo of ${each.tag}: ${each.why}`);
      const answer = await unlessRefused(ports, each.tag);
      if (answer instanceof HubFault) {
        sentences.push(
          `The hub refused a new repo of ${each.tag} ("${answer.faultString}"): see that Toji's login may ask for one.`,
        );
        continue;
      }
      asked.push(each.tag);
      await remember(ports, each, answer);
    }
    return { asked, sentences, failure: null };
  } catch (failure) {
    return { asked, sentences, failure };
  }
}

async function unlessRefused({ hubWriter }: MirrorsPorts, tag: string): Promise<Regeneration | HubFault> {
  const writer = await hubWriter();
  try {
    return await requestRegeneration(writer, tag, true);
  } catch (error) {
    if (error instanceof HubFault && !error.retryable && !error.isAuthError) return error;
    throw error;
  }
}

async function remember(
  { store, clock }: MirrorsPorts,
  { tag, why, repo }: PlannedRegeneration,
  answer: Regeneration,
): Promise<void> {
  const requestedAt = clock.now();
  const entry = { tag, requestedAt, request: answer.kind === "request" ? answer.id : null, repo, why };
  for (let tries = 1; ; tries++) {
    const kept = await regenerations.get(store);
    const others = (kept?.value.tags ?? []).filter(
      (each) => each.tag !== tag && requestedAt - each.requestedAt < REMEMBERED_SECONDS,
    );
    const value: Regenerations = { tags: [...others, entry] };
    try {
      await regenerations.put(store, value, kept?.etag ?? "absent");
      return;
    } catch (error) {
      if (!(error instanceof StoreConflict) || tries === WRITE_TRIES) throw error;
    }
  }
}
