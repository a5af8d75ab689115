// Asks the hub for a new repo of every build tag that takes rpms from the switched repo, each once.

import {
  ask,
  askAll,
  getRepo,
  HubFault,
  lacksMethod,
  listActiveTasks,
  listQueuedRepos,
  requestRegeneration,
} from "../../hub/index.ts";
import type { MirrorsPorts } from "../ports.ts";
import type { SwitchRecord } from "../states.ts";
import { commandText, regenerationCommands } from "./commands.ts";
import { SwitchNotPermitted } from "./errors.ts";
import { readSwitchEvent } from "./event.ts";
import { namesOf } from "./plan.ts";
import { editSpan, isDenied, isUnknownTag, ownRecord, writeRecord } from "./record.ts";

/** What of the hub's work answers the question whether a tag's new repo is there or on its way. */
export interface Asked {
  /** Of the hub's queue, or on a hub without one (before 1.35) of its newRepo task; null = none is needed. */
  readonly request: number | null;
  readonly repo: number | null;
}

/** Throws SwitchNotPermitted, SwitchOvertaken, and what calls of the hub throw. */
export async function regenerate(ports: MirrorsPorts, event: unknown): Promise<{ readonly status: "requested" }> {
  let kept = await ownRecord(ports, readSwitchEvent(event));
  const { tags } = kept.value;
  for (const { tag, request, repo } of tags) {
    if (request !== null || repo !== null) continue;
    const asked = await askUnlessGone(ports, kept.value, tag);
    // After each, so that a repeat asks for the others only.
    kept = await writeRecord(ports, kept, { tags: withAsked(kept.value, tag, asked) }, wordsOf(tag, asked));
  }
  if (kept.value.state === "edited") await writeRecord(ports, kept, { state: "regenerating" });
  return { status: "requested" };
}

/** The tags of the record with one of them changed, or dropped. */
export function withAsked({ tags }: SwitchRecord, tag: string, asked: Asked | "gone"): SwitchRecord["tags"] {
  return tags.flatMap((each) => (each.tag !== tag ? [each] : asked === "gone" ? [] : [{ tag, ...asked }]));
}

export function wordsOf(tag: string, asked: Asked | "gone"): string {
  if (asked === "gone") return `the hub has no tag ${tag} any more: it needs no repo`;
  return asked.repo === null
    ? `a repo of ${tag} is asked for (${asked.request})`
    : `repo ${asked.repo} of ${tag} is new`;
}

/** One of these does: a READY repo made since the edit, a request made since, or a new one. */
export async function askUnlessGone(ports: MirrorsPorts, record: SwitchRecord, tag: string): Promise<Asked | "gone"> {
  try {
    return (await findAsked(ports, record, tag)) ?? (await request(ports, tag));
  } catch (error) {
    if (isUnknownTag(error)) return "gone";
    if (!isDenied(error)) throw error;
    const open = record.tags.filter((each) => each.repo === null && each.request === null);
    const commands = commandText(regenerationCommands(namesOf(open)));
    throw new SwitchNotPermitted(`the hub does not let Toji's login ask for repos, an administrator may: ${commands}`, {
      cause: error,
    });
  }
}

async function request({ hubWriter, telemetry }: MirrorsPorts, tag: string): Promise<Asked> {
  telemetry.info(`asking the hub for a new repo of ${tag}`);
  const { kind, id } = await requestRegeneration(await hubWriter(), tag, true);
  return kind === "repo" ? { request: null, repo: id } : { request: id, repo: null };
}

async function findAsked(ports: MirrorsPorts, record: SwitchRecord, tag: string): Promise<Asked | null> {
  const { hubReader } = ports;
  const { newest, queue } = await askAll(hubReader, { newest: getRepo(tag), queue: listQueuedRepos() });
  if (newest instanceof HubFault) throw newest;
  const { from, until } = editSpan(ports, record);
  if (newest !== null && newest.create_ts >= until) return { request: null, repo: newest.id };
  const waiting = queue instanceof HubFault ? await newRepoTasks(ports, tag, queue) : queue;
  const found = waiting.filter(({ tag_name, create_ts }) => tag_name === tag && create_ts >= from);
  const id = found.length === 0 ? null : Math.max(...found.map((each) => each.id));
  return id === null || record.tags.some((each) => each.request === id) ? null : { request: id, repo: null };
}

/** On hubs before 1.35. */
async function newRepoTasks({ hubReader }: MirrorsPorts, tag: string, fault: HubFault) {
  if (!lacksMethod(fault, "repo.queryQueue")) throw fault;
  const tasks = await ask(hubReader, listActiveTasks());
  return tasks
    .filter(({ method, build_tag }) => method === "newRepo" && build_tag === tag)
    .map(({ id, create_ts }) => ({ id, create_ts, tag_name: tag }));
}
