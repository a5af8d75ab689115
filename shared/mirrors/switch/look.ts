// Whether the repos that were asked for are READY: repeated until all are, one has failed twice, or time is up.

import {
  ask,
  askAll,
  checkRepoRequest,
  getRepo,
  HubFault,
  lacksMethod,
  listActiveTasks,
  REPO_STATE,
  type Repo,
} from "../../hub/index.ts";
import type { MirrorsPorts } from "../ports.ts";
import type { Kept, SwitchRecord } from "../states.ts";
import { changedMeanwhile } from "./edit.ts";
import { SwitchStuck } from "./errors.ts";
import { type RepoLook, readSwitchEvent } from "./event.ts";
import { isSameAddress, namesOf } from "./plan.ts";
import { addressNow, editSpan, isUnknownTag, ownRecord, writeRecord } from "./record.ts";
import { type Asked, askUnlessGone, withAsked, wordsOf } from "./regenerate.ts";

type Tag = SwitchRecord["tags"][number];

/** Throws SwitchStuck, SwitchOvertaken, and what calls of the hub throw. */
export async function lookForRepos(ports: MirrorsPorts, event: unknown): Promise<RepoLook> {
  const read = readSwitchEvent(event);
  let kept = await ownRecord(ports, read);
  const { state, repo, from, to } = kept.value;
  const isBack = state === "undoing";
  const has = await addressNow(ports, repo);
  if (has === null || !isSameAddress(has, isBack ? from : to)) throw changedMeanwhile(repo, has);
  const again = [...((isBack ? read.progress.undoLook : read.progress.look)?.again ?? [])];
  for (const tag of kept.value.tags.filter((each) => each.repo === null)) {
    const seen = await lookAt(ports, kept.value, tag);
    if (seen === "pending") continue;
    const isFailed = seen === "failed";
    if (isFailed && again.includes(tag.tag)) {
      throw new SwitchStuck(`the hub gave up the repo of ${tag.tag} twice (${tag.request}): see its newRepo tasks`);
    }
    if (isFailed) again.push(tag.tag);
    kept = await note(ports, kept, tag.tag, isFailed ? await askUnlessGone(ports, kept.value, tag.tag) : seen);
  }
  const open = kept.value.tags.filter((each) => each.repo === null);
  if (open.length > 0) requireTime(ports, kept.value, namesOf(open));
  return { status: open.length === 0 ? "ready" : "pending", again };
}

async function note(ports: MirrorsPorts, kept: Kept<SwitchRecord>, tag: string, asked: Asked | "gone") {
  return await writeRecord(ports, kept, { tags: withAsked(kept.value, tag, asked) }, wordsOf(tag, asked));
}

function requireTime({ clock, mirrors }: MirrorsPorts, { editedAt }: SwitchRecord, open: readonly string[]): void {
  const { readyMinutes } = mirrors.failover;
  if (editedAt !== null && clock.now() - editedAt <= readyMinutes * 60) return;
  throw new SwitchStuck(
    `no new repo of ${open.join(", ")} is READY after ${readyMinutes} min (mirrors.failover.readyMinutes): see its newRepo tasks and kojira`,
  );
}

async function lookAt(
  ports: MirrorsPorts,
  record: SwitchRecord,
  { tag, request }: Tag,
): Promise<Asked | "gone" | "pending" | "failed"> {
  const { hubReader } = ports;
  const { newest } = await askAll(hubReader, { newest: getRepo(tag) });
  if (isUnknownTag(newest)) return "gone";
  if (newest instanceof HubFault) throw newest;
  const { from, until } = editSpan(ports, record);
  if (newest !== null && newest.create_ts >= until) return { request, repo: newest.id };
  if (request === null) return await askUnlessGone(ports, record, tag);
  const { isActive, repo } = await follow(ports, request);
  if (repo?.state === REPO_STATE.READY && repo.create_ts >= from) return { request, repo: repo.id };
  const isComing = isActive || repo?.state === REPO_STATE.INIT;
  return isComing ? "pending" : "failed";
}

interface Followed {
  readonly isActive: boolean;
  readonly repo: Repo | null;
}

/** How a request stands, or on a hub without a queue the newRepo task. */
async function follow({ hubReader }: MirrorsPorts, id: number): Promise<Followed> {
  const { checked } = await askAll(hubReader, { checked: checkRepoRequest(id) });
  if (!(checked instanceof HubFault)) return { isActive: checked.request.active, repo: checked.repo };
  if (lacksMethod(checked, "repo.checkRequest")) {
    const tasks = await ask(hubReader, listActiveTasks());
    return { isActive: tasks.some((task) => task.id === id), repo: null };
  }
  // The hub forgets requests that are long served; its repo, if it is READY, was seen before.
  if (checked.code === 1000 && checked.faultString.startsWith("No such request"))
    return { isActive: false, repo: null };
  throw checked;
}
