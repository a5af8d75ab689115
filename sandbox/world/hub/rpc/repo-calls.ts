// External repos, repos and the repo queue over XML-RPC: repo.*, getRepo, listExternalRepos and the like.

import type { XmlRpcStruct, XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import type { HubContext } from "../context.ts";
import * as external from "../external-repos.ts";
import { genericError } from "../fault.ts";
import * as repos from "../repos.ts";
import type { ExternalRepoRow, RepoRequestRow, RepoRow } from "../rows.ts";
import { requireTag } from "../tags.ts";
import type { Args } from "./args.ts";
import { type Call, type MethodTable, nil } from "./method.ts";
import { double, taskStruct, timeText } from "./structs.ts";
import { runQuery, type View } from "./views.ts";

/** newRepo's of a tag without options of its own. */
const REPO_OPTS = { src: false, maven: false, debuginfo: false, separate_src: false } satisfies XmlRpcStruct;

const taskStateOf = (id: number | null, hub: HubContext): XmlRpcValue =>
  id === null ? null : (hub.tables.tasks.get(id)?.state ?? null);

const REPOS: View<RepoRow> = {
  columns: {
    id: (repo) => repo.id,
    tag_id: (repo) => repo.tag_id,
    create_event: (repo) => repo.create.id,
    state: (repo) => repo.state,
    dist: (repo) => repo.dist,
    task_id: (repo) => repo.task_id,
    opts: () => REPO_OPTS,
    custom_opts: () => ({}),
  },
  more: {
    tag_name: (repo, hub) => requireTag(hub, repo.tag_id).name,
    create_ts: (repo) => double(repo.create.ts),
    creation_time: (repo) => timeText(repo.create.ts),
    creation_ts: (repo) => double(repo.create.ts),
    state_time: (repo) => timeText(repo.state_ts),
    state_ts: (repo) => double(repo.state_ts),
    begin_event: (repo) => repo.begin.id,
    begin_ts: (repo) => double(repo.begin.ts),
    // kojira fills it in later, when the tag has changed.
    end_event: () => null,
    end_ts: () => null,
    task_state: (repo, hub) => taskStateOf(repo.task_id, hub),
  },
  rows: (hub) => [...hub.tables.repos.values()],
};

const REQUESTS: View<RepoRequestRow> = {
  columns: {
    id: (request) => request.id,
    tag_id: (request) => request.tag_id,
    at_event: () => null,
    min_event: (request) => request.min_event,
    create_ts: (request) => double(request.create_ts),
    task_id: (request) => request.task_id,
    tries: (request) => request.tries,
    repo_id: (request) => request.repo_id,
    opts: (request) => request.opts,
    active: (request) => request.active,
    update_ts: (request) => double(request.update_ts),
  },
  more: {
    create_time: (request) => timeText(request.create_ts),
    update_time: (request) => timeText(request.update_ts),
    owner: (request) => request.owner,
    owner_name: (request, hub) => hub.tables.users.find(request.owner)?.name ?? null,
    priority: (request) => request.priority,
    tag_name: (request, hub) => requireTag(hub, request.tag_id).name,
    task_state: (request, hub) => taskStateOf(request.task_id, hub),
  },
  rows: (hub) => [...hub.tables.repoRequests.values()],
};

/** All that a view has of one row; nil = none. */
function whole<Row>(hub: HubContext, view: View<Row>, row: Row | null | undefined): XmlRpcValue {
  if (row === null || row === undefined) return null;
  const found = runQuery(hub, { ...view, rows: () => [row] }, { clauses: null, fields: "**", opts: {} });
  return typeof found === "number" ? null : (found[0] ?? null);
}

const query = (args: Args) => ({
  clauses: args.value("clauses"),
  fields: args.value("fields"),
  opts: args.struct("opts"),
});

function request({ hub, caller, args }: Call): XmlRpcValue {
  const wished = repos.requestRepo(hub, caller, {
    tag: args.idOrName("tag"),
    minEvent: repos.readMinEvent(args.value("min_event")),
    opts: args.struct("opts"),
    priority: args.maybeInt("priority"),
    force: args.flag("force"),
  });
  return {
    repo: whole(hub, REPOS, wished.repo),
    request: whole(hub, REQUESTS, wished.request),
    duplicate: wished.duplicate,
  };
}

function checkRequest({ hub, args }: Call): XmlRpcValue {
  const found = hub.tables.repoRequests.get(args.int("req_id"));
  if (found === undefined) throw genericError("No such request");
  const repo = found.repo_id === null ? undefined : hub.tables.repos.get(found.repo_id);
  const task = found.task_id === null ? undefined : hub.tables.tasks.get(found.task_id);
  const status = { repo: whole(hub, REPOS, repo), request: whole(hub, REQUESTS, found) };
  return repo === undefined && task !== undefined ? { ...status, task: taskStruct(task) } : status;
}

const externalRepo = ({ id, name, url }: ExternalRepoRow): XmlRpcStruct => ({ id, name, url });

const attached = ({ tag, repo, row }: external.AttachedRepo): XmlRpcStruct => ({
  arches: row.arches,
  external_repo_id: repo.id,
  external_repo_name: repo.name,
  merge_mode: row.merge_mode,
  priority: row.priority,
  tag_id: tag.id,
  tag_name: tag.name,
  url: repo.url,
});

function getExternalRepo({ hub, args }: Call): XmlRpcValue {
  const info = args.idOrName("info");
  const found = args.flag("strict") ? external.requireExternalRepo(hub, info) : hub.tables.externalRepos.find(info);
  return found === undefined ? null : externalRepo(found);
}

const maybeIdOrName = (args: Args, name: string) => (args.value(name) === null ? null : args.idOrName(name));

export const REPO_CALLS: MethodTable = {
  listExternalRepos: [
    "get_external_repos(info=None, url=None, event=None, queryOpts=None)",
    ({ hub }) => hub.tables.externalRepos.all().map(externalRepo),
  ],
  getExternalRepo: ["get_external_repo(info, strict=False, event=None)", getExternalRepo],
  getExternalRepoList: [
    "get_external_repo_list(tag_info, event=None)",
    ({ hub, args }) => external.externalRepoList(hub, args.idOrName("tag_info")).map(attached),
  ],
  getTagExternalRepos: [
    "get_tag_external_repos(tag_info=None, repo_info=None, event=None)",
    ({ hub, args }) => {
      const wanted = { tag: maybeIdOrName(args, "tag_info"), repo: maybeIdOrName(args, "repo_info") };
      return external.tagExternalRepos(hub, wanted).map(attached);
    },
  ],
  editExternalRepo: [
    "edit_external_repo(info, name=None, url=None)",
    ({ hub, caller, args }) =>
      nil(external.editExternalRepo(hub, caller, args.idOrName("info"), args.maybeText("url"))),
  ],
  getRepo: [
    "RootExports.getRepo(self, tag, state=None, event=None, dist=False, min_event=None)",
    ({ hub, args }) => whole(hub, REPOS, repos.readyRepo(hub, args.idOrName("tag"))),
  ],
  repoInfo: [
    "repo_info(repo_id, strict=False)",
    ({ hub, args }) => whole(hub, REPOS, hub.tables.repos.get(args.int("repo_id"))),
  ],
  "repo.get": [
    "get_repo(tag, min_event=None, at_event=None, opts=None)",
    ({ hub, args }) => whole(hub, REPOS, repos.readyRepo(hub, args.idOrName("tag"), args.maybeInt("min_event") ?? 0)),
  ],
  "repo.query": [
    "RepoExports.query(self, clauses, fields=None, opts=None)",
    ({ hub, args }) => runQuery(hub, REPOS, query(args)),
  ],
  "repo.queryQueue": [
    "RepoExports.queryQueue(self, clauses=None, fields=None, opts=None)",
    ({ hub, args }) => runQuery(hub, REQUESTS, query(args)),
  ],
  "repo.request": ["request_repo(tag, min_event=None, at_event=None, opts=None, priority=None, force=False)", request],
  "repo.checkRequest": ["check_repo_request(req_id)", checkRequest],
  "repo.checkQueue": ["RepoExports.checkQueue(self)", ({ hub, caller }) => nil(repos.checkRepoQueue(hub, caller))],
};
