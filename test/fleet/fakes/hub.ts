// A hub with a state behind the calls that the fleet makes, and the replica as its scheduler.

import {
  type Channel,
  DEFAULT_HUB_OPTIONS,
  type Host,
  type HubCall,
  HubFault,
  type HubOutcome,
  HubUnreachable,
  type HubWriter,
  schedule,
  TASK_STATE,
  type Task,
  type TaskRun,
} from "../../../shared/hub/index.ts";
import { isStruct, XmlRpcDouble, type XmlRpcStruct, type XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { Scalpel } from "./scalpel.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
export type FakeHost = Mutable<Omit<Host, "channels">> & { channels: number[] };
export type FakeTask = Mutable<Task>;

const READS = /^(?:(?:scheduler\.)?(?:get|list)|repo\.query)/;
const generic = (text: string) => new HubFault(1000, text);

export class FakeHub {
  readonly channels: Channel[] = [
    { id: 1, name: "default", enabled: true },
    { id: 2, name: "createrepo", enabled: true },
  ];
  readonly hosts: FakeHost[] = [];
  readonly tasks: FakeTask[] = [];
  readonly runs: Mutable<TaskRun>[] = [];
  /** Set to make every call fail: with this fault, or because nobody answers. */
  away: HubFault | HubUnreachable | null = null;
  readonly #scalpel: Scalpel;

  constructor(scalpel = new Scalpel()) {
    this.#scalpel = scalpel;
  }

  get connection(): HubWriter {
    return {
      version: "1.35.3",
      clockAhead: 0,
      call: async (method, params = []) => {
        this.#begin();
        const value = this.#answer({ method, params });
        if (!READS.test(method)) this.#scalpel.did(`${method} ${String(params[0])}`);
        return value;
      },
      multiCall: async (calls) => {
        this.#begin();
        const outcomes = calls.map((call) => this.#outcome(call));
        const writes = calls.filter(({ method }) => !READS.test(method));
        if (writes.length > 0)
          this.#scalpel.did(writes.map(({ method, params }) => `${method} ${String(params?.[0])}`).join(" + "));
        return outcomes;
      },
      close: async () => {},
      logout: async () => {},
    };
  }

  host(name: string): FakeHost {
    const host = this.hosts.find((each) => each.name === name);
    if (host === undefined) throw generic(`No such entry in table host: ${name}`);
    return host;
  }

  addHost(changes: Partial<FakeHost> & Pick<FakeHost, "name">): FakeHost {
    const host: FakeHost = {
      id: this.hosts.length + 1,
      arches: "x86_64",
      capacity: 2,
      enabled: true,
      ready: false,
      task_load: 0,
      update_ts: null,
      channels: [1],
      data: null,
      ...changes,
    };
    this.hosts.push(host);
    return host;
  }

  addTask(changes: Partial<FakeTask> & { readonly create_ts: number }): FakeTask {
    const task: FakeTask = {
      id: 1001 + this.tasks.length,
      state: TASK_STATE.FREE,
      waiting: false,
      weight: 1,
      channel_id: 1,
      host_id: null,
      arch: "x86_64",
      method: "buildArch",
      priority: 20,
      parent: null,
      label: null,
      start_ts: null,
      ...changes,
    };
    this.tasks.push(task);
    if (task.host_id !== null) this.#assign(task, task.host_id, task.create_ts, task.state);
    return task;
  }

  heldBy(name: string): FakeTask[] {
    const id = this.hosts.find((each) => each.name === name)?.id;
    return this.tasks.filter(
      (task) => task.host_id === id && (task.state === TASK_STATE.OPEN || task.state === TASK_STATE.ASSIGNED),
    );
  }

  free(task: FakeTask): void {
    task.state = TASK_STATE.FREE;
    task.host_id = null;
    for (const run of this.runs) if (run.task_id === task.id) run.active = false;
  }

  /** One run of the hub's scheduler; kojid's poll makes it. */
  runScheduler(now: number): void {
    const options = DEFAULT_HUB_OPTIONS;
    const { channels, hosts, tasks, runs } = this;
    const result = schedule({ now, options, channels, hosts, tasks, refusals: [], runs });
    for (const id of result.marked_not_ready) {
      const host = hosts.find((each) => each.id === id);
      if (host !== undefined) host.ready = false;
    }
    for (const { task_id } of result.freed) {
      const task = tasks.find((each) => each.id === task_id);
      if (task !== undefined) this.free(task);
    }
    for (const { task_id, host_id } of result.assigned) {
      const task = tasks.find((each) => each.id === task_id);
      if (task !== undefined) this.#assign(task, host_id, now, TASK_STATE.ASSIGNED);
    }
  }

  #assign(task: FakeTask, host_id: number, create_ts: number, state: Task["state"]): void {
    task.state = state;
    task.host_id = host_id;
    this.runs.push({ id: this.runs.length + 1, task_id: task.id, host_id, active: true, create_ts });
  }

  #begin(): void {
    this.#scalpel.check();
    if (this.away !== null) throw this.away;
  }

  #outcome(call: HubCall): HubOutcome {
    try {
      return { ok: true, value: this.#answer(call) };
    } catch (error) {
      if (error instanceof HubFault) return { ok: false, fault: error };
      throw error;
    }
  }

  #answer({ method, params = [] }: HubCall): XmlRpcValue {
    const last = params.at(-1);
    const named: XmlRpcStruct = isStruct(last) && last.__starstar === true ? last : {};
    const name = String(params[0]);
    switch (method) {
      case "listChannels": {
        const own = params.length === 0 ? null : this.host(name).channels;
        return this.channels.filter(({ id }) => own === null || own.includes(id)).map((each) => ({ ...each }));
      }
      case "listHosts": {
        const channel = named.channelID;
        return this.hosts
          .filter((each) => channel === undefined || each.channels.includes(Number(channel)))
          .map(hostRow);
      }
      case "getHost":
        return this.hosts.filter((each) => each.name === name).map(hostRow)[0] ?? null;
      case "listTasks":
        return this.#listTasks(params[0]);
      case "scheduler.getHostData":
        return this.hosts.flatMap(({ id, data }) =>
          data === null ? [] : [{ host_id: id, data: { maxjobs: data.maxjobs ?? null, methods: [] } }],
        );
      case "scheduler.getTaskRuns":
        return this.runs.filter((run) => run.active).map((run) => ({ ...run }));
      case "scheduler.getTaskRefusals":
      case "repo.queryQueue":
        return [];
      case "getBuildConfig":
        return { name: "build", arches: "x86_64" };
      case "getAverageBuildDuration":
        return null;
      default:
        return this.#write(method, name, params, named);
    }
  }

  #listTasks(options: XmlRpcValue | undefined): XmlRpcValue {
    const wanted = isStruct(options ?? null) ? (options as XmlRpcStruct) : {};
    const states = wanted.state as readonly number[];
    const hosts = wanted.host_id as readonly number[] | undefined;
    return this.tasks
      .filter((task) => states.includes(task.state) && (hosts === undefined || hosts.includes(task.host_id ?? -1)))
      .map(({ build_tag: _tag, package: _package, parent = null, label = null, start_ts = null, ...task }) => ({
        ...task,
        parent,
        label,
        start_ts,
        request: null,
      }));
  }

  #write(method: string, name: string, params: readonly XmlRpcValue[], named: XmlRpcStruct): XmlRpcValue {
    const channel = () => {
      const found = this.channels.find((each) => each.name === params[1]);
      if (found === undefined) throw generic(`channel does not exist: ${String(params[1])}`);
      return found.id;
    };
    switch (method) {
      case "addHost":
        if (this.hosts.some((each) => each.name === name)) throw generic(`host already exists: ${name}`);
        return this.addHost({ name, arches: (params[1] as readonly string[]).join(" ") }).id;
      case "editHost":
        if (typeof named.arches === "string") this.host(name).arches = named.arches;
        if (named.capacity instanceof XmlRpcDouble) this.host(name).capacity = named.capacity.value;
        return true;
      case "enableHost":
      case "disableHost":
        this.host(name).enabled = method === "enableHost";
        return null;
      case "addHostToChannel":
        if (this.host(name).channels.includes(channel()))
          throw generic(`host ${name} is already subscribed to the ${String(params[1])} channel`);
        this.host(name).channels.push(channel());
        return null;
      case "removeHostFromChannel": {
        const id = channel();
        this.host(name).channels = this.host(name).channels.filter((each) => each !== id);
        return null;
      }
      case "freeTask": {
        const task = this.tasks.find((each) => each.id === params[0]);
        if (task === undefined || task.state === TASK_STATE.FREE) throw generic(`No such task: ${name}`);
        this.free(task);
        return null;
      }
      default:
        throw generic(`Invalid method: ${method}`);
    }
  }
}

const hostRow = ({ channels: _channels, data: _data, ...host }: FakeHost): XmlRpcStruct => ({
  ...host,
  description: null,
  comment: null,
});

export const unreachable = () => new HubUnreachable("https://hub.test/kojihub", "timeout", "no answer in 30 s");
