// Calls that only read: anyone may make them, anonymous callers too.

import { canonicalArch } from "../../../../shared/hub/index.ts";
import { isArray, type XmlRpcStruct, type XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import { type Caller, type HubContext, hasPermission, requireTask } from "../context.ts";
import { genericError, noRows, pythonError } from "../fault.ts";
import { taskValue } from "../results.ts";
import type { HostRow, TaskRow } from "../rows.ts";
import { isFinished } from "../tables.ts";
import { buildConfig, requireTag } from "../tags.ts";
import { type Args, asInt, asText } from "./args.ts";
import { listTasks } from "./list-tasks.ts";
import { type MethodTable, queryOpts } from "./method.ts";
import * as structs from "./structs.ts";

export const KOJI_VERSION = "1.35.3";

function taskInfo(hub: HubContext, id: XmlRpcValue, args: Args): XmlRpcValue {
  if (isArray(id)) return id.map((each) => taskInfo(hub, each, args));
  const task = hub.tables.tasks.get(asInt(id));
  if (task !== undefined) return args.flag("request") ? structs.taskWithRequest(task) : structs.taskStruct(task);
  if (args.flag("strict")) throw noRows();
  return null;
}

const childStructs = (hub: HubContext, id: number, request: boolean): XmlRpcStruct[] =>
  hub.tables.childrenOf(id).map((task) => (request ? structs.taskWithRequest(task) : structs.taskStruct(task)));

function descendents(hub: HubContext, task: TaskRow, request: boolean): [string, XmlRpcValue][] {
  const below = hub.tables.childrenOf(task.id).flatMap((child) => descendents(hub, child, request));
  return [[String(task.id), childStructs(hub, task.id, request)], ...below];
}

function listHosts(hub: HubContext, args: Args): XmlRpcValue {
  const arches = args.value("arches") === null ? null : args.list("arches").map(asText);
  if (arches?.length === 0) throw genericError("arches option cannot be empty");
  const channelId = args.value("channelID") === null ? null : channelIdOf(hub, args.idOrName("channelID"));
  const [ready, enabled, userId] = [args.maybeFlag("ready"), args.maybeFlag("enabled"), args.maybeInt("userID")];
  const wanted = (host: HostRow) =>
    (arches === null || host.arches.split(/\s+/).some((arch) => arches.includes(arch))) &&
    (channelId === null || host.channels.includes(channelId)) &&
    (ready === null || host.ready === ready) &&
    (enabled === null || host.enabled === enabled) &&
    (userId === null || host.user_id === userId);
  return hub.tables.hostsInPlace().filter(wanted).map(structs.hostStruct);
}

function channelIdOf(hub: HubContext, channel: number | string): number {
  const found = hub.tables.channels.find(channel);
  if (found === undefined) throw genericError(`No such entry in table channels: ${channel}`);
  return found.id;
}

function listChannels(hub: HubContext, args: Args): XmlRpcValue {
  const enabled = args.maybeFlag("enabled");
  const idOrName = args.value("hostID") === null ? null : args.idOrName("hostID");
  const host = idOrName === null ? null : hub.tables.findHost(idOrName);
  if (host === undefined) throw genericError(`Invalid hostInfo: ${idOrName}`);
  return hub.tables.channels
    .all()
    .filter((channel) => host === null || host.channels.includes(channel.id))
    .filter((channel) => enabled === null || channel.enabled === enabled)
    .map(structs.channelStruct);
}

function getHost(hub: HubContext, args: Args): XmlRpcValue {
  const info = args.idOrName("hostInfo");
  const host = hub.tables.findHost(info);
  if (host !== undefined) return structs.hostStruct(host);
  if (args.flag("strict")) throw genericError(`Invalid hostInfo: ${info}`);
  return null;
}

/** When any session of the host's user last called; not the same as update_ts. */
function getLastHostUpdate(hub: HubContext, args: Args): XmlRpcValue {
  const host = hub.tables.hosts.get(args.int("hostID"));
  const user = host && hub.tables.users.find(host.user_id);
  const at = user?.last_call_ts ?? null;
  if (at === null) return null;
  return args.flag("ts") ? structs.double(at) : structs.timeText(at);
}

function targetStruct(hub: HubContext, id: number): XmlRpcValue {
  const target = hub.tables.targets.find(id);
  if (target === undefined) return null;
  const { build_tag, dest_tag, name } = target;
  const nameOf = (tag: number) => requireTag(hub, tag).name;
  return { build_tag, build_tag_name: nameOf(build_tag), dest_tag, dest_tag_name: nameOf(dest_tag), id, name };
}

function getBuildTarget(hub: HubContext, args: Args): XmlRpcValue {
  const info = args.idOrName("info");
  const target = hub.tables.targets.find(info);
  if (target === undefined && args.flag("strict")) throw genericError(`No such build target: ${info}`);
  return target === undefined ? null : targetStruct(hub, target.id);
}

function loggedInUser({ user, session }: Caller): XmlRpcValue {
  if (user === null) return null;
  return { ...structs.userStruct(user), authtype: session?.authtype ?? null, krb_principal: null };
}

function allArches(hub: HubContext): string[] {
  const words = hub.tables.hostsInPlace().flatMap((host) => host.arches.split(/\s+/));
  return [...new Set(words.filter((word) => word !== "").map(canonicalArch))];
}

export const READS: MethodTable = {
  "system.listMethods": ["HandlerRegistry.system_listMethods(self)", () => null],
  getAPIVersion: ["RootExports.getAPIVersion(self)", () => 1],
  getKojiVersion: ["RootExports.getKojiVersion(self)", () => KOJI_VERSION],
  echo: ["RootExports.echo(self, *args)", ({ args }) => args.positional],
  error: [
    "RootExports.error(self)",
    () => {
      throw genericError("test error");
    },
  ],
  fault: [
    "RootExports.fault(self)",
    () => {
      throw pythonError("Exception", "test exception");
    },
  ],
  getLoggedInUser: ["RootExports.getLoggedInUser(self)", ({ caller }) => loggedInUser(caller)],
  getPerms: ["RootExports.getPerms(self)", ({ caller }) => [...(caller.user?.permissions ?? [])].toSorted()],
  hasPerm: [
    "RootExports.hasPerm(self, perm, strict=False)",
    ({ caller, args }) => hasPermission(caller, args.text("perm")),
  ],
  getUser: [
    "get_user(userInfo=None, strict=False, krb_princs=True, groups=False)",
    ({ hub, caller, args }) => {
      const info = args.value("userInfo") === null ? caller.user?.id : args.idOrName("userInfo");
      const user = info === undefined ? undefined : hub.tables.users.find(info);
      if (user === undefined && args.flag("strict")) throw genericError(`No such user: ${info}`);
      return user === undefined ? null : structs.userStruct(user);
    },
  ],
  listTasks: [
    "RootExports.listTasks(self, opts=None, queryOpts=None)",
    ({ hub, args }) => listTasks(hub, args.struct("opts"), queryOpts(args)),
  ],
  getTaskInfo: [
    "RootExports.getTaskInfo(self, task_id, request=False, strict=False)",
    ({ hub, args }) => taskInfo(hub, args.value("task_id"), args),
  ],
  getTaskChildren: [
    "RootExports.getTaskChildren(self, task_id, request=False, strict=False)",
    ({ hub, args }) => {
      if (args.flag("strict")) requireTask(hub, args.int("task_id"));
      return childStructs(hub, args.int("task_id"), args.flag("request"));
    },
  ],
  getTaskDescendents: [
    "RootExports.getTaskDescendents(self, task_id, request=False)",
    ({ hub, args }) =>
      Object.fromEntries(descendents(hub, requireTask(hub, args.int("task_id")), args.flag("request"))),
  ],
  getTaskRequest: [
    "RootExports.getTaskRequest(self, taskId)",
    ({ hub, args }) => requireTask(hub, args.int("taskId")).request,
  ],
  getTaskResult: [
    "RootExports.getTaskResult(self, taskId, raise_fault=True)",
    ({ hub, args }) => taskValue(requireTask(hub, args.int("taskId")), args.flag("raise_fault", true)),
  ],
  taskFinished: [
    "RootExports.taskFinished(self, taskId)",
    ({ hub, args }) => isFinished(requireTask(hub, args.int("taskId"))),
  ],
  listHosts: [
    "RootExports.listHosts(self, arches=None, channelID=None, ready=None, enabled=None, userID=None, queryOpts=None)",
    ({ hub, args }) => listHosts(hub, args),
  ],
  getHost: ["get_host(hostInfo, strict=False, event=None)", ({ hub, args }) => getHost(hub, args)],
  getLastHostUpdate: [
    "RootExports.getLastHostUpdate(self, hostID, ts=False)",
    ({ hub, args }) => getLastHostUpdate(hub, args),
  ],
  getAllArches: ["RootExports.getAllArches(self)", ({ hub }) => allArches(hub)],
  listChannels: ["list_channels(hostID=None, event=None, enabled=None)", ({ hub, args }) => listChannels(hub, args)],
  getChannel: [
    "get_channel(channelInfo, strict=False)",
    ({ hub, args }) => {
      const channel = hub.tables.channels.find(args.idOrName("channelInfo"));
      if (channel === undefined && args.flag("strict")) throw noRows();
      return channel === undefined ? null : structs.channelStruct(channel);
    },
  ],
  getBuildTarget: ["get_build_target(info, event=None, strict=False)", ({ hub, args }) => getBuildTarget(hub, args)],
  getBuildTargets: [
    "get_build_targets(info=None, event=None, buildTagID=None, destTagID=None, queryOpts=None)",
    ({ hub }) => hub.tables.targets.all().map((target) => targetStruct(hub, target.id)),
  ],
  getTag: [
    "get_tag(tagInfo, strict=False, event=None, blocked=False)",
    ({ hub, args }) => {
      const info = args.idOrName("tagInfo");
      const tag = args.flag("strict") ? requireTag(hub, info) : hub.tables.tags.find(info);
      return tag === undefined ? null : structs.tagStruct(tag);
    },
  ],
  getBuildConfig: [
    "RootExports.getBuildConfig(self, tag, event=None)",
    ({ hub, args }) => structs.buildConfigStruct(buildConfig(hub, args.idOrName("tag"))),
  ],
  getAverageBuildDuration: [
    "RootExports.getAverageBuildDuration(self, package, age=None)",
    ({ hub, args }) => structs.maybeDouble(hub.tables.packageSeconds(args.text("package"))),
  ],
};
