// One user's calls in-process, with that user's permissions and without a session. Any call may throw KojiFault.

import type { XmlRpcStruct } from "../../../shared/hub/xmlrpc/values.ts";
import * as administer from "./administer.ts";
import { assertOnline, type Caller, type HubContext } from "./context.ts";
import * as hosts from "./hosts.ts";
import type { UserRow } from "./rows.ts";
import { doRun } from "./scheduling.ts";
import type { NewTask } from "./tasks.ts";

export class HubUser {
  readonly #hub: HubContext;
  readonly #user: UserRow;
  constructor(hub: HubContext, user: UserRow) {
    this.#hub = hub;
    this.#user = user;
  }

  get #caller(): Caller {
    assertOnline(this.#hub);
    return { user: this.#user, session: null, exclusive: false };
  }

  // --- work: each returns the id of the task

  build(src: string, target: string | null, options?: administer.BuildOptions): number {
    return administer.build(this.#hub, this.#caller, src, target, options).id;
  }

  newRepo(tag: number | string, opts?: XmlRpcStruct): number {
    return administer.newRepo(this.#hub, this.#caller, tag, opts).id;
  }

  buildImage(image: administer.ImageBuild, options?: administer.BuildOptions): number {
    return administer.buildImage(this.#hub, this.#caller, image, options).id;
  }

  makeTask(wanted: NewTask): number {
    return administer.makeTask(this.#hub, this.#caller, wanted).id;
  }

  // --- tasks

  cancelTask(taskId: number, recurse?: boolean): void {
    administer.cancelTask(this.#hub, this.#caller, taskId, recurse);
  }

  freeTask(taskId: number): void {
    administer.freeTask(this.#hub, this.#caller, taskId);
  }

  assignTask(taskId: number, host: number | string, assignment?: administer.Assignment): boolean {
    return administer.assignTask(this.#hub, this.#caller, taskId, host, assignment);
  }

  setTaskPriority(taskId: number, priority: number, recurse?: boolean): void {
    administer.setTaskPriority(this.#hub, this.#caller, taskId, priority, recurse);
  }

  doRun(force = false): boolean {
    return doRun(this.#hub, this.#caller, force);
  }

  // --- hosts

  addHost(name: string, arches: readonly string[]): number {
    return hosts.addHost(this.#hub, this.#caller, name, arches.join(" ")).id;
  }

  editHost(host: number | string, edit: hosts.HostEdit): boolean {
    return hosts.editHost(this.#hub, this.#caller, host, edit);
  }

  enableHost(name: string): void {
    hosts.setHostEnabled(this.#hub, this.#caller, name, true);
  }

  disableHost(name: string): void {
    hosts.setHostEnabled(this.#hub, this.#caller, name, false);
  }

  addHostToChannel(host: string, channel: string, membership?: hosts.ChannelMembership): void {
    hosts.addHostToChannel(this.#hub, this.#caller, host, channel, membership);
  }

  removeHostFromChannel(host: string, channel: string): void {
    hosts.removeHostFromChannel(this.#hub, this.#caller, host, channel);
  }
}
