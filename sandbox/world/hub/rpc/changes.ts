// Calls that change hosts, channels and tasks, or start work.

import type { XmlRpcStruct, XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import * as administer from "../administer.ts";
import { assertPermission, type Caller, type HubContext } from "../context.ts";
import { genericError } from "../fault.ts";
import * as hosts from "../hosts.ts";
import type { NewTask } from "../tasks.ts";
import { type Args, asList, asText } from "./args.ts";
import { type Call, type MethodTable, nil } from "./method.ts";

/** addHost takes any sequence: a string is split into letters. */
function arches(value: XmlRpcValue): string {
  return (typeof value === "string" ? [...value] : asList(value).map(asText)).join(" ");
}

/** Unknown keywords are ignored; nil is a value here. */
function hostEdit(args: Args): hosts.HostEdit {
  return {
    ...(args.has("arches") ? { arches: args.text("arches") } : {}),
    ...(args.has("capacity") ? { capacity: args.number("capacity") } : {}),
    ...(args.has("description") ? { description: args.maybeText("description") } : {}),
    ...(args.has("comment") ? { comment: args.maybeText("comment") } : {}),
  };
}

function buildOptions(args: Args): administer.BuildOptions {
  return { opts: args.struct("opts"), priority: args.maybeInt("priority"), channel: args.maybeText("channel") };
}

/** Options of makeTask and host.subtask: what is there. */
export function taskOptions(hub: HubContext, args: Args): Omit<NewTask, "method" | "args" | "parent"> {
  return {
    label: args.maybeText("label"),
    channel: args.maybeText("channel"),
    ...(args.value("arch") === null ? {} : { arch: args.text("arch") }),
    ...(args.value("priority") === null ? {} : { priority: args.int("priority") }),
    ...(args.value("assign") === null ? {} : { assign: hostId(hub, args.idOrName("assign")) }),
  };
}

function hostId(hub: HubContext, host: number | string): number {
  if (typeof host === "number") return host;
  const found = hub.tables.findHost(host);
  if (found === undefined) throw genericError(`Invalid hostInfo: ${host}`);
  return found.id;
}

function makeTask({ hub, caller, args }: Call): XmlRpcValue {
  assertPermission(caller, "admin");
  const parent = args.maybeInt("parent");
  return administer.makeTask(hub, caller, {
    method: args.text("method"),
    args: args.list("arglist"),
    ...taskOptions(hub, args),
    ...(parent === null ? {} : { parent }),
  }).id;
}

/** Named arguments of newRepo that are kept in the task's request. */
const REPO_OPTIONS = ["event", "src", "debuginfo", "separate_src"];

function newRepo({ hub, caller, args }: Call): XmlRpcValue {
  const given = REPO_OPTIONS.filter((name) => args.value(name) !== null);
  const opts: XmlRpcStruct = Object.fromEntries(given.map((name) => [name, args.value(name)]));
  return administer.newRepo(hub, caller, args.idOrName("tag"), opts).id;
}

function buildImage({ hub, caller, args }: Call): XmlRpcValue {
  const image = {
    name: args.text("name"),
    version: args.text("version"),
    arches: args.value("arch"),
    target: args.text("target"),
    ksfile: args.text("ksfile"),
    type: args.text("img_type"),
  };
  return administer.buildImage(hub, caller, image, buildOptions(args)).id;
}

const enable = (enabled: boolean) => (call: Call) =>
  nil(hosts.setHostEnabled(call.hub, call.caller, call.args.text("hostname"), enabled));

const channelSwitch =
  (enabled: boolean) =>
  ({ hub, caller, args }: Call) =>
    nil(hosts.setChannelEnabled(hub, caller, args.text("channelname"), enabled, args.maybeText("comment")));

function addChannel({ hub, caller, args }: Call): XmlRpcValue {
  assertPermission(caller, "admin");
  const name = args.text("channel_name");
  if (hub.tables.channels.find(name) !== undefined) throw genericError(`channel ${name} already exists`);
  return hosts.addChannel(hub, name, { description: args.maybeText("description") }).id;
}

function addHostToChannel(hub: HubContext, caller: Caller, args: Args): null {
  const membership = { create: args.flag("create"), force: args.flag("force") };
  return nil(hosts.addHostToChannel(hub, caller, args.text("hostname"), args.text("channel_name"), membership));
}

export const CHANGES: MethodTable = {
  addHost: [
    "add_host(hostname, arches, krb_principal=None, force=False)",
    ({ hub, caller, args }) =>
      hosts.addHost(hub, caller, args.text("hostname"), arches(args.value("arches")), args.flag("force")).id,
  ],
  editHost: [
    "edit_host(hostInfo, **kw)",
    ({ hub, caller, args }) => hosts.editHost(hub, caller, args.idOrName("hostInfo"), hostEdit(args)),
  ],
  enableHost: ["RootExports.enableHost(self, hostname)", enable(true)],
  disableHost: ["RootExports.disableHost(self, hostname)", enable(false)],
  addHostToChannel: [
    "add_host_to_channel(hostname, channel_name, create=False, force=False)",
    ({ hub, caller, args }) => addHostToChannel(hub, caller, args),
  ],
  removeHostFromChannel: [
    "remove_host_from_channel(hostname, channel_name)",
    ({ hub, caller, args }) =>
      nil(hosts.removeHostFromChannel(hub, caller, args.text("hostname"), args.text("channel_name"))),
  ],
  addChannel: ["add_channel(channel_name, description=None)", addChannel],
  enableChannel: ["enable_channel(channelname, comment=None)", channelSwitch(true)],
  disableChannel: ["disable_channel(channelname, comment=None)", channelSwitch(false)],
  build: [
    "RootExports.build(self, src, target, opts=None, priority=None, channel=None)",
    ({ hub, caller, args }) =>
      administer.build(hub, caller, args.text("src"), args.maybeText("target"), buildOptions(args)).id,
  ],
  buildImage: [
    "RootExports.buildImage(self, name, version, arch, target, ksfile, img_type, opts=None, priority=None)",
    buildImage,
  ],
  newRepo: ["RootExports.newRepo(self, tag, event=None, src=None, debuginfo=None, separate_src=None)", newRepo],
  makeTask: ["make_task(method, arglist, **opts)", makeTask],
  cancelTask: [
    "RootExports.cancelTask(self, task_id, recurse=True)",
    ({ hub, caller, args }) => nil(administer.cancelTask(hub, caller, args.int("task_id"), args.flag("recurse", true))),
  ],
  cancelTaskFull: [
    "RootExports.cancelTaskFull(self, task_id, strict=True)",
    ({ hub, caller, args }) =>
      nil(administer.cancelTaskFull(hub, caller, args.int("task_id"), args.flag("strict", true))),
  ],
  cancelTaskChildren: [
    "RootExports.cancelTaskChildren(self, task_id)",
    ({ hub, caller, args }) => nil(administer.cancelTaskChildren(hub, caller, args.int("task_id"))),
  ],
  freeTask: [
    "RootExports.freeTask(self, task_id)",
    ({ hub, caller, args }) => nil(administer.freeTask(hub, caller, args.int("task_id"))),
  ],
  assignTask: [
    "RootExports.assignTask(self, task_id, host, force=False, override=False)",
    ({ hub, caller, args }) =>
      administer.assignTask(hub, caller, args.int("task_id"), args.idOrName("host"), {
        force: args.flag("force"),
        override: args.flag("override"),
      }),
  ],
  setTaskPriority: [
    "RootExports.setTaskPriority(self, task_id, priority, recurse=True)",
    ({ hub, caller, args }) =>
      nil(
        administer.setTaskPriority(hub, caller, args.int("task_id"), args.int("priority"), args.flag("recurse", true)),
      ),
  ],
};
