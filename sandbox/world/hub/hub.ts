// The hub as one object: seed it, call it in-process or over XML-RPC, switch its modes, look at its state and log.

import { DEFAULT_HUB_OPTIONS, type HubOptions, type HubState, TASK_STATE } from "../../../shared/hub/index.ts";
import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { BuilderSession } from "./builder-session.ts";
import { type Caller, type HubContext, type HubSettings, requireHost } from "./context.ts";
import { EventLog, type TaskEvent, type TaskWait, taskWaits } from "./events.ts";
import {
  addExternalRepo,
  addTagExternalRepo,
  requireExternalRepo,
  type TagExternalRepoSeed,
} from "./external-repos.ts";
import { genericError } from "./fault.ts";
import { addChannel, addHost, addHostToChannel, addUser, type ChannelSeed, editHost, type HostEdit } from "./hosts.ts";
import { defaultChannelPolicy } from "./placement.ts";
import { beginRepo, checkRepoQueue, expireRepos, finishRepo, followNewRepo } from "./repos.ts";
import {
  type ExternalRepoRow,
  type HostRow,
  type RepoRequestRow,
  type RepoRow,
  type TaskRow,
  USER_STATUS,
  type UserRow,
} from "./rows.ts";
import {
  answer,
  answerValues,
  type HubAnswer,
  type HubRequest,
  type Outcome,
  type ValueRequest,
} from "./rpc/answer.ts";
import { copyState, runScheduler } from "./scheduling.ts";
import { Tables } from "./tables.ts";
import { addTag, addTarget, type TagSeed } from "./tags.ts";
import { HubUser } from "./user.ts";

/** Channels of a new schema, with ids from 1. */
const CHANNELS = ["default", "createrepo", "maven", "livecd", "appliance", "vm", "image", "livemedia"];

/** The first user of a hub, id 1. */
export const ADMIN_USER = "kojiadmin";

export interface HubInput {
  /** Epoch seconds. */
  readonly clock: { now(): number };
  readonly options?: Partial<HubOptions>;
  readonly settings?: Partial<HubSettings>;
}

export interface HostSeed extends HostEdit {
  readonly arches: string;
  /** Default: `default` only. */
  readonly channels?: readonly string[];
  readonly enabled?: boolean;
}

export class Hub {
  readonly #context: HubContext;
  readonly #admin: Caller;

  constructor({ clock, options, settings }: HubInput) {
    const tables = new Tables();
    this.#context = {
      clock,
      tables,
      options: { ...DEFAULT_HUB_OPTIONS, ...options },
      settings: {
        offline: null,
        lockOut: false,
        loginCreatesUser: true,
        sessionRenewalMinutes: 1440,
        maxRequestLength: 4_194_304,
        channelPolicy: defaultChannelPolicy,
        ...settings,
      },
      log: new EventLog(tables.journal),
      exclusiveSessions: new Map(),
      lastRun: 0,
    };
    this.#context.log.subscribe((event) => followNewRepo(this.#context, event));
    for (const channel of CHANNELS) addChannel(this.#context, channel);
    const user = this.addUser(ADMIN_USER, ["admin"]);
    this.#admin = { user, session: null, exclusive: false };
  }

  // --- seed

  addUser(name: string, permissions: readonly string[] = []): UserRow {
    const user = addUser(this.#context, name);
    for (const permission of permissions) user.permissions.add(permission);
    return user;
  }

  /** A blocked user cannot log in, and its sessions are refused. */
  blockUser(name: string): void {
    this.#user(name).status = USER_STATUS.BLOCKED;
  }

  addChannel(name: string, seed?: ChannelSeed): number {
    return addChannel(this.#context, name, seed).id;
  }

  /** Registers and sets up a host as an administrator would; enabled unless told otherwise. */
  addHost(name: string, { arches, channels = ["default"], enabled = true, ...edit }: HostSeed): Readonly<HostRow> {
    const host = addHost(this.#context, this.#admin, name, arches);
    editHost(this.#context, this.#admin, host.id, edit);
    this.#context.tables.patch(host, { channels: [], enabled });
    for (const channel of channels) {
      addHostToChannel(this.#context, this.#admin, name, channel, { create: true, force: true });
    }
    return host;
  }

  addTag(name: string, seed?: TagSeed): number {
    return addTag(this.#context, name, seed).id;
  }

  addTarget(name: string, buildTag: string, destTag: string): number {
    return addTarget(this.#context, name, buildTag, destTag).id;
  }

  /** `url` with $arch; the slash at its end is the hub's. */
  addExternalRepo(name: string, url: string): number {
    return addExternalRepo(this.#context, name, url).id;
  }

  addTagExternalRepo(tag: string, repo: string, seed: TagExternalRepoSeed): void {
    addTagExternalRepo(this.#context, tag, repo, seed);
  }

  /** A repo that is READY at once, without a task, and answers the requests that wait for it. */
  makeRepo(tag: string): Readonly<RepoRow> {
    const repo = beginRepo(this.#context, tag, null);
    finishRepo(this.#context, repo);
    return repo;
  }

  /** What getAverageBuildDuration answers for the package. */
  setPackageSeconds(name: string, seconds: number): void {
    this.#context.tables.setPackageSeconds(name, seconds);
  }

  // --- calls

  /** Calls of a user in-process, with the permissions of that user. */
  as(userName: string): HubUser {
    return new HubUser(this.#context, this.#user(userName));
  }

  /** Login and lock of a builder; throws KojiFault 1014 while the hub is offline. */
  connectBuilder(hostName: string): BuilderSession {
    return new BuilderSession(this.#context, hostName);
  }

  /** One HTTP request as the hub behind its web server gets it. */
  answer(request: HubRequest): HubAnswer {
    return answer(this.#context, request);
  }

  /** The hub's own clock. */
  now(): number {
    return this.#context.clock.now();
  }

  /** The same call without XML: see rpc/answer.ts. */
  answerValues<T>(request: ValueRequest, finish: (result: XmlRpcValue) => T): Outcome<T> {
    return answerValues(this.#context, request, finish);
  }

  /** One round of kojira: tasks for requested repos, and an end to repos that newer ones replaced. */
  runKojira(): void {
    checkRepoQueue(this.#context, this.#admin);
    expireRepos(this.#context);
  }

  // --- modes

  /** ServerOffline: every POST gets fault 1014 with this text. null = online again. */
  setOffline(message: string | null = "server is offline"): void {
    this.#context.settings.offline = message;
  }

  /** LockOut: fault 1014 for all but admins; logins go on. */
  setLockOut(lockOut: boolean): void {
    this.#context.settings.lockOut = lockOut;
  }

  /** Ends all sessions of a user, as koji-sweep-db or an administrator does. Returns how many there were. */
  endSessions(userName: string): number {
    const { tables, exclusiveSessions } = this.#context;
    const user = this.#user(userName);
    const theirs = [...tables.sessions.values()].filter((session) => session.user_id === user.id);
    for (const session of theirs) tables.closeSession(session);
    exclusiveSessions.delete(user.id);
    return theirs.length;
  }

  get settings(): HubSettings {
    return this.#context.settings;
  }

  // --- state

  /** Unfinished tasks, hosts in the order in which the hub lists them, channels, refusals and active runs: a copy. */
  state(): HubState {
    return copyState(this.#context);
  }

  task(id: number): Readonly<TaskRow> {
    const task = this.#context.tables.tasks.get(id);
    if (task === undefined) throw genericError(`No such task: ${id}`);
    return task;
  }

  tasks(): IterableIterator<Readonly<TaskRow>> {
    return this.#context.tables.tasks.values();
  }

  /** null = there is no channel of that name. */
  channelId(name: string): number | null {
    return this.#context.tables.channels.find(name)?.id ?? null;
  }

  /** FREE ones, as they are. */
  freeTasks(): Iterable<Readonly<TaskRow>> {
    return this.#context.tables.inState(TASK_STATE.FREE).values();
  }

  /** ASSIGNED and OPEN tasks of a host, as they are. */
  tasksHeldBy(hostId: number): readonly Readonly<TaskRow>[] {
    return [...this.#context.tables.heldBy(hostId).values()];
  }

  children(id: number): readonly Readonly<TaskRow>[] {
    return this.#context.tables.childrenOf(id);
  }

  host(name: string): Readonly<HostRow> {
    return requireHost(this.#context, name);
  }

  /** undefined = there is none of that name. */
  findHost(name: string): Readonly<HostRow> | undefined {
    return this.#context.tables.findHost(name);
  }

  hosts(): readonly Readonly<HostRow>[] {
    return this.#context.tables.hostsInPlace();
  }

  externalRepo(name: string): Readonly<ExternalRepoRow> {
    return requireExternalRepo(this.#context, name);
  }

  repos(): readonly Readonly<RepoRow>[] {
    return [...this.#context.tables.repos.values()];
  }

  repoRequests(): readonly Readonly<RepoRequestRow>[] {
    return [...this.#context.tables.repoRequests.values()];
  }

  events(): readonly TaskEvent[] {
    return this.#context.log.all();
  }

  onEvent(listener: (event: TaskEvent) => void): () => void {
    return this.#context.log.subscribe(listener);
  }

  waits(): TaskWait[] {
    return taskWaits(this.#context.log.all());
  }

  /** A run without a builder's call; for tests. */
  runScheduler(force = true): boolean {
    return runScheduler(this.#context, force);
  }

  #user(name: string): UserRow {
    const user = this.#context.tables.users.find(name);
    if (user === undefined) throw genericError(`No such user: ${name}`);
    return user;
  }
}

export function createHub(input: HubInput): Hub {
  return new Hub(input);
}
