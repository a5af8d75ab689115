// The hub's tables with the indexes that its calls need, so that no call looks through finished tasks.

import { TASK_STATE, type TaskState } from "../../../shared/hub/index.ts";
import { Journal } from "./journal.ts";
import type {
  ChannelRow,
  EventRow,
  ExternalRepoRow,
  HostRow,
  RefusalRow,
  RepoRequestRow,
  RepoRow,
  SessionRow,
  TagExternalRepoRow,
  TagRow,
  TargetRow,
  TaskRow,
  TaskRunRow,
  UserRow,
} from "./rows.ts";

const NO_TASKS: ReadonlyMap<number, TaskRow> = new Map();

/** A table with a unique name beside the id. */
class NamedTable<Row extends { readonly id: number; readonly name: string }> {
  readonly #byId = new Map<number, Row>();
  readonly #journal: Journal;
  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get nextId(): number {
    return this.#byId.size + 1;
  }

  insert(row: Row): Row {
    this.#byId.set(row.id, row);
    this.#journal.record(() => this.#byId.delete(row.id));
    return row;
  }

  find(idOrName: number | string): Row | undefined {
    if (typeof idOrName === "number") return this.#byId.get(idOrName);
    return this.all().find((row) => row.name === idOrName);
  }

  all(): Row[] {
    return [...this.#byId.values()];
  }
}

export class Tables {
  readonly journal = new Journal();
  readonly users = new NamedTable<UserRow>(this.journal);
  readonly channels = new NamedTable<ChannelRow>(this.journal);
  readonly tags = new NamedTable<TagRow>(this.journal);
  readonly targets = new NamedTable<TargetRow>(this.journal);
  readonly externalRepos = new NamedTable<ExternalRepoRow>(this.journal);
  readonly repos = new Map<number, RepoRow>();
  readonly repoRequests = new Map<number, RepoRequestRow>();
  readonly sessions = new Map<number, SessionRow>();
  readonly tasks = new Map<number, TaskRow>();
  readonly runs = new Map<number, TaskRunRow>();
  readonly hosts = new Map<number, HostRow>();
  #hostsInPlace: readonly HostRow[] = [];
  readonly #hostIdByName = new Map<string, number>();
  readonly #hostIdByUser = new Map<number, number>();
  readonly #tasksByState = new Map<TaskState, Map<number, TaskRow>>();
  readonly #heldByHost = new Map<number, Map<number, TaskRow>>();
  readonly #children = new Map<number, TaskRow[]>();
  readonly #activeRuns = new Map<number, TaskRunRow>();
  readonly #refusals = new Map<string, RefusalRow>();
  readonly #packageSeconds = new Map<string, number>();
  readonly #events: EventRow[] = [];
  readonly #repoOfTask = new Map<number, RepoRow>();
  readonly #tagExternalRepos: TagExternalRepoRow[] = [];
  #lastSessionId = 0;
  #lastTaskId = 0;
  #lastRunId = 0;
  #lastRefusalId = 0;
  #lastPlace = 0;

  // --- any row

  /** Changes a row in place; taken back when the transaction is. */
  patch<Row extends object>(row: Row, changes: Partial<Row>): void {
    const before = this.journal.open ? { ...row } : row;
    Object.assign(row, changes);
    this.journal.record(() => Object.assign(row, before));
  }

  #put<Key, Row>(table: Map<Key, Row>, key: Key, row: Row): void {
    table.set(key, row);
    this.journal.record(() => table.delete(key));
  }

  // --- events, external repos and repos

  newEvent(ts: number): EventRow {
    return this.#push(this.#events, { id: this.#events.length + 1, ts });
  }

  /** The last one before the time; undefined = there was none yet. */
  eventBefore(ts: number): EventRow | undefined {
    return this.#events.findLast((event) => event.ts < ts);
  }

  addTagExternalRepo(row: TagExternalRepoRow): void {
    this.#push(this.#tagExternalRepos, row);
  }

  tagExternalRepos(): readonly TagExternalRepoRow[] {
    return this.#tagExternalRepos;
  }

  insertRepo(row: Omit<RepoRow, "id">): RepoRow {
    const repo = { id: this.repos.size + 1, ...row };
    this.#put(this.repos, repo.id, repo);
    if (repo.task_id !== null) this.#put(this.#repoOfTask, repo.task_id, repo);
    return repo;
  }

  /** The last one that the task began. */
  repoOfTask(taskId: number): RepoRow | undefined {
    return this.#repoOfTask.get(taskId);
  }

  insertRepoRequest(row: Omit<RepoRequestRow, "id">): RepoRequestRow {
    const request = { id: this.repoRequests.size + 1, ...row };
    this.#put(this.repoRequests, request.id, request);
    return request;
  }

  #push<Row>(rows: Row[], row: Row): Row {
    rows.push(row);
    this.journal.record(() => rows.pop());
    return row;
  }

  // --- sessions: open ones only

  nextSessionId(): number {
    this.#lastSessionId += 1;
    return this.#lastSessionId;
  }

  insertSession(row: SessionRow): void {
    this.#put(this.sessions, row.id, row);
  }

  closeSession(row: SessionRow): void {
    this.patch(row, { closed: true, expired: true, exclusive: false });
    this.sessions.delete(row.id);
    this.journal.record(() => this.sessions.set(row.id, row));
  }

  // --- hosts

  insertHost(row: HostRow): HostRow {
    this.#hostsInPlace = [];
    this.#put(this.hosts, row.id, row);
    this.#put(this.#hostIdByName, row.name, row.id);
    this.#put(this.#hostIdByUser, row.user_id, row.id);
    return row;
  }

  findHost(idOrName: number | string): HostRow | undefined {
    const id = typeof idOrName === "number" ? idOrName : this.#hostIdByName.get(idOrName);
    return id === undefined ? undefined : this.hosts.get(id);
  }

  hostOfUser(userId: number): HostRow | undefined {
    return this.hosts.get(this.#hostIdByUser.get(userId) ?? Number.NaN);
  }

  /** The last place among the host configurations. */
  nextPlace(): number {
    this.#lastPlace += 1;
    return this.#lastPlace;
  }

  /** By their places; put in order anew only after one was added or edited. */
  hostsInPlace(): readonly HostRow[] {
    const known = this.#hostsInPlace;
    if (known.length === this.hosts.size && isInPlace(known)) return known;
    this.#hostsInPlace = [...this.hosts.values()].sort((a, b) => a.place - b.place);
    return this.#hostsInPlace;
  }

  // --- tasks

  nextTaskId(): number {
    this.#lastTaskId += 1;
    return this.#lastTaskId;
  }

  insertTask(task: TaskRow): void {
    this.#put(this.tasks, task.id, task);
    this.#index(task);
    this.journal.record(() => this.#unindex(task));
    if (task.parent === null) return;
    const siblings = this.#children.get(task.parent) ?? [];
    this.#children.set(task.parent, siblings);
    siblings.push(task);
    this.journal.record(() => siblings.pop());
  }

  patchTask(task: TaskRow, changes: Partial<TaskRow>): void {
    const before = this.journal.open ? { ...task } : task;
    this.#unindex(task);
    Object.assign(task, changes);
    this.#index(task);
    this.journal.record(() => {
      this.#unindex(task);
      Object.assign(task, before);
      this.#index(task);
    });
  }

  /** Tasks in a state, in the order in which they came into it (the database's own order is not defined). */
  inState(state: TaskState): ReadonlyMap<number, TaskRow> {
    return this.#tasksByState.get(state) ?? NO_TASKS;
  }

  /** ASSIGNED and OPEN tasks of a host. */
  heldBy(hostId: number): ReadonlyMap<number, TaskRow> {
    return this.#heldByHost.get(hostId) ?? NO_TASKS;
  }

  childrenOf(parent: number): readonly TaskRow[] {
    return this.#children.get(parent) ?? [];
  }

  #index(task: TaskRow): void {
    submap(this.#tasksByState, task.state).set(task.id, task);
    if (task.host_id !== null && isActive(task)) submap(this.#heldByHost, task.host_id).set(task.id, task);
  }

  #unindex(task: TaskRow): void {
    this.#tasksByState.get(task.state)?.delete(task.id);
    if (task.host_id !== null) this.#heldByHost.get(task.host_id)?.delete(task.id);
  }

  // --- the scheduler's tables

  insertRun(run: Omit<TaskRunRow, "id">): void {
    this.#lastRunId += 1;
    const row = { id: this.#lastRunId, ...run };
    this.#put(this.runs, row.id, row);
    if (row.active) this.#put(this.#activeRuns, row.id, row);
  }

  endRun(run: TaskRunRow): void {
    this.patch(run, { active: false });
    this.#activeRuns.delete(run.id);
    this.journal.record(() => this.#activeRuns.set(run.id, run));
  }

  activeRuns(): TaskRunRow[] {
    return [...this.#activeRuns.values()];
  }

  refusals(): RefusalRow[] {
    return [...this.#refusals.values()];
  }

  findRefusal(taskId: number, hostId: number): RefusalRow | undefined {
    return this.#refusals.get(`${taskId}:${hostId}`);
  }

  insertRefusal(refusal: Omit<RefusalRow, "id">): void {
    this.#lastRefusalId += 1;
    const key = `${refusal.task_id}:${refusal.host_id}`;
    this.#put(this.#refusals, key, { id: this.#lastRefusalId, ...refusal });
  }

  deleteRefusal(taskId: number, hostId: number): void {
    const key = `${taskId}:${hostId}`;
    const row = this.#refusals.get(key);
    if (row === undefined) return;
    this.#refusals.delete(key);
    this.journal.record(() => this.#refusals.set(key, row));
  }

  // --- history of builds

  setPackageSeconds(name: string, seconds: number): void {
    this.#packageSeconds.set(name, seconds);
  }

  /** Average build time of a package; null = it was never built. */
  packageSeconds(name: string): number | null {
    return this.#packageSeconds.get(name) ?? null;
  }
}

export function isActive(task: { readonly state: TaskState }): boolean {
  return task.state === TASK_STATE.OPEN || task.state === TASK_STATE.ASSIGNED;
}

const isInPlace = (hosts: readonly HostRow[]) =>
  hosts.every(({ place }, index) => index === 0 || place > (hosts[index - 1]?.place ?? 0));

export function isFinished(task: { readonly state: TaskState }): boolean {
  return task.state !== TASK_STATE.FREE && !isActive(task);
}

function submap<Key, Id, Row>(index: Map<Key, Map<Id, Row>>, key: Key): Map<Id, Row> {
  const known = index.get(key) ?? new Map<Id, Row>();
  index.set(key, known);
  return known;
}
