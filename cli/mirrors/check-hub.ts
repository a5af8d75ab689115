// The external repos of a hub as targets of a look: who uses them, for which arches, and what READY repos take from them.

import { systemClock } from "../../shared/clock.ts";
import { type MirrorsConfig, mirrorsSchema } from "../../shared/config/index.ts";
import {
  type Depth,
  eachOf,
  type LiveDigest,
  liveOf,
  type MirrorFetcher,
  MirrorTrouble,
  readReadyRepo,
  rulesForArch,
  rulesOf,
  type Survey,
  type SurveySite,
  surveyHub,
} from "../../shared/mirrors/index.ts";
import { Problem } from "../fleet/scene.ts";
import type { Io } from "../io.ts";
import { type Look, openReader } from "../look.ts";
import { isHubTrouble } from "../trace/pace.ts";
import type { Target } from "./check.ts";

export interface HubLook extends Target {
  readonly repo: string;
}

export interface HubOrder {
  readonly fetcher: MirrorFetcher;
  readonly depth: Depth;
  /** null = all. */
  readonly arches: readonly string[] | null;
  /** For the metadata of one READY repo; null = the config's for one look. */
  readonly budgetSeconds: number | null;
  readonly io: Io;
}

/** Anonymous, read-only. What is wrong with the hub's own settings goes to stderr, a line each. */
export async function looksOfHub(look: Look, order: HubOrder): Promise<readonly HubLook[]> {
  const mirrors = look.example ? mirrorsSchema.parse({}) : (look.site.mirrors ?? mirrorsSchema.parse({}));
  const hub = hubOf(look);
  const survey = await readHub(look, hub, mirrors);
  for (const sentence of survey.sentences) order.io.err(`toji mirrors: ${sentence}`);
  const digests = order.depth === "full" ? await readLive(survey, hub.topUrl, mirrors, order) : null;
  return survey.looks
    .filter(({ arch }) => order.arches?.includes(arch) ?? true)
    .map(({ repo, arch, url }) => ({
      ...{ repo, arch, url },
      rules: rulesForArch(rulesOf(mirrors, repo), arch),
      live: digests === null ? null : liveFor(digests, url, arch),
    }));
}

function liveFor(digests: readonly LiveDigest[], url: string, arch: string): Target["live"] {
  const entries = liveOf(
    digests.filter((each) => each.arch === arch),
    url,
  );
  return { tags: [...new Set(entries.flatMap(({ tags }) => tags))].sort(), entries };
}

/** Without a site document nobody says where the hub's files are: where Koji's own configuration has them. */
function hubOf({ example, site, url }: Look): SurveySite["hub"] {
  return { url, topUrl: example ? new URL("/kojifiles", url).href : site.hub.topUrl };
}

async function readHub(look: Look, hub: SurveySite["hub"], mirrors: MirrorsConfig): Promise<Survey> {
  const reader = openReader(look);
  try {
    return await surveyHub(reader, { hub, mirrors }, systemClock.now());
  } catch (error) {
    if (isHubTrouble(error)) throw new Problem(error.message, { cause: error });
    throw error;
  } finally {
    await reader.close();
  }
}

/** A READY repo that cannot be read is told: its rpms are not known, so they are not asked for. */
async function readLive(
  survey: Survey,
  topUrl: string,
  mirrors: MirrorsConfig,
  { fetcher, budgetSeconds, arches, io }: HubOrder,
): Promise<readonly LiveDigest[]> {
  const wanted = survey.ready.flatMap(({ id, tag, arches: all }) =>
    all.filter((arch) => arches?.includes(arch) ?? true).map((arch) => ({ id, tag, arch })),
  );
  const read = await eachOf(wanted, 4, async (repo) => {
    const signal = AbortSignal.timeout((budgetSeconds ?? mirrors.budgetSeconds) * 1000);
    try {
      return [await readReadyRepo(fetcher, topUrl, repo, { signal })];
    } catch (error) {
      if (!(error instanceof MirrorTrouble) && !signal.aborted) throw error;
      const why = error instanceof Error ? error.message : String(error);
      io.err(
        `toji mirrors: repo ${repo.id} of ${repo.tag} (${repo.arch}) cannot be read (${why}): its rpms are not asked for`,
      );
      return [];
    }
  });
  return read.flat();
}
