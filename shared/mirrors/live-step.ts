// A step of the machine mirror-check: what one READY repo takes from elsewhere, kept in the bucket for all later looks.

import { readDigest, writeDigest } from "./digests.ts";
import { readReadyRepo } from "./live-set.ts";
import type { MirrorsPorts } from "./ports.ts";
import { checkRunSchema } from "./step-event.ts";
import { readyArchSchema } from "./survey-file.ts";
import { MirrorTrouble, problemOf } from "./trouble.ts";

export interface LiveAnswer {
  readonly status: "read" | "known" | "skipped";
}

/** The function itself ends after 300 s (infra/mirrors/steps.ts). */
const MOST_SECONDS = 240;
const RECORD_MAX_BYTES = 1024 ** 3;

const liveEvent = checkRunSchema.extend({ repo: readyArchSchema });

/** Throws MirrorTrouble when the hub does not serve the repo as it should. */
export async function liveStep(ports: MirrorsPorts, event: unknown): Promise<LiveAnswer> {
  const { site, mirrors, store, fetcher, telemetry } = ports;
  const { repo } = liveEvent.parse(event);
  const name = `repo ${repo.id} of ${repo.tag} (${repo.arch})`;
  if ((await readDigest(store, repo)) !== null) return { status: "known" };
  const seconds = Math.min(mirrors.budgetSeconds, MOST_SECONDS);
  const end = new AbortController();
  const timer = setTimeout(
    () => end.abort(new MirrorTrouble("budget", `the ${seconds} s for ${name} were used up`)),
    seconds * 1000,
  );
  try {
    const asked = { signal: end.signal, maxBytes: RECORD_MAX_BYTES };
    await writeDigest(store, await readReadyRepo(fetcher, site.hub.topUrl, repo, asked));
    return { status: "read" };
  } catch (error) {
    if (!(error instanceof MirrorTrouble) || problemOf(error).status !== 404) throw error;
    telemetry.info(`${name} is gone from the hub: it is no longer read`);
    return { status: "skipped" };
  } finally {
    clearTimeout(timer);
  }
}
