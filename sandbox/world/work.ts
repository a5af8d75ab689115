// What tasks do: how long they work, which children they make, and how they end. Same submissions, same work.

import { packageOf } from "../../shared/hub/requests.ts";
import { isArray, isStruct, type XmlRpcStruct, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { type BuilderSession, KojiFault, type TaskRow, taskArch } from "./hub/index.ts";
import { DURATIONS, type PackageShape, packageShape, type Seconds } from "./kojid/durations.ts";
import { call, run, type Steps, waitFor } from "./kojid/steps.ts";
import type { Random } from "./random.ts";

type OpenTask = Readonly<TaskRow>;

export interface TaskMethod {
  /** What kojid sets as the task's weight when it opens it. */
  readonly weight: number;
  run(task: OpenTask): Steps<XmlRpcValue>;
}

export interface Work {
  readonly methods: ReadonlyMap<string, TaskMethod>;
}

export interface WorkInput {
  readonly random: Random;
  /** Of each buildArch; its build fails with it. Default 0.08. */
  readonly buildArchFailureRate?: number;
  /** A buildNotification task after every build that was tagged. Default: none. */
  readonly notifications?: boolean;
  /** Default: by the name, as Foreman's packages are. `opts` are those of the build. */
  readonly packageShape?: (name: string, opts: XmlRpcStruct) => PackageShape;
}

const BUILD_ARCH_FAILURE_RATE = 0.08;
const BUILD_ARCH_WEIGHT = 1.5;
const SECONDS_PER_WEIGHT = 4800;
const MOST_WEIGHT_FOR_LENGTH = 18;

export function createWork(input: WorkInput): Work {
  const site: SiteOfWork = {
    draws: new Draws(input.random),
    failureRate: input.buildArchFailureRate ?? BUILD_ARCH_FAILURE_RATE,
    notifications: input.notifications ?? false,
    shapeOf: input.packageShape ?? packageShape,
  };
  const method = (weight: number, steps: (site: SiteOfWork, task: OpenTask) => Steps<XmlRpcValue>): TaskMethod => ({
    weight,
    run: (task) => steps(site, task),
  });
  const plain = (weight: number, seconds: Seconds) => method(weight, (_, task) => workFor(site, task, seconds));
  return {
    methods: new Map([
      ["build", method(0.2, build)],
      ["rebuildSRPM", method(1, makeSrpm)],
      ["buildSRPMFromSCM", method(1, makeSrpm)],
      ["buildArch", method(BUILD_ARCH_WEIGHT, buildArch)],
      ["tagBuild", plain(1, DURATIONS.tagBuild)],
      ["newRepo", method(0.1, newRepo)],
      ["createrepo", plain(1.5, DURATIONS.createrepo)],
      ["livemedia", method(1, livemedia)],
      ["createLiveMedia", plain(1.5, DURATIONS.createLiveMedia)],
      ["buildNotification", plain(0.1, DURATIONS.notification)],
      ["sleep", method(0.25, sleep)],
    ]),
  };
}

interface SiteOfWork {
  readonly draws: Draws;
  readonly failureRate: number;
  readonly notifications: boolean;
  shapeOf(name: string, opts: XmlRpcStruct): PackageShape;
}

/**
 * Random numbers of a task, named by what was submitted at the top of its tree (and the how-many-eth such submission
 * it is) and its own place in the tree: task ids depend on who was built when, and would make every policy's work its own.
 */
class Draws {
  readonly #random: Random;
  readonly #labels = new Map<number, string>();
  readonly #counts = new Map<string, number>();
  constructor(random: Random) {
    this.#random = random;
  }

  of(session: BuilderSession, task: OpenTask): Random {
    return this.#random.fork(`${this.#treeOf(rootOf(session, task))}|${task.method}|${task.label ?? task.arch}`);
  }

  #treeOf(root: OpenTask): string {
    const known = this.#labels.get(root.id);
    if (known !== undefined) return known;
    const submitted = `${root.method} ${JSON.stringify(root.request)}`;
    const count = this.#counts.get(submitted) ?? 0;
    this.#counts.set(submitted, count + 1);
    const label = `${submitted}#${count}`;
    this.#labels.set(root.id, label);
    return label;
  }
}

function rootOf(session: BuilderSession, task: OpenTask): OpenTask {
  return task.parent === null ? task : rootOf(session, session.getTaskInfo(task.parent));
}

function draw(random: Random, { median, p95, max = Number.POSITIVE_INFINITY }: Seconds): number {
  return Math.min(random.lognormal(median, p95), max);
}

function* workFor(site: SiteOfWork, task: OpenTask, seconds: Seconds): Steps<XmlRpcValue> {
  const random = yield* call((session) => site.draws.of(session, task));
  yield* run(draw(random, seconds));
  return null;
}

// --- builds

function* build(site: SiteOfWork, task: OpenTask): Steps<XmlRpcValue> {
  const [source, target] = [text(task, 0), text(task, 1)];
  const opts = optionsOf(task.request[2]);
  const { buildTag, destTag } = yield* call((session) => session.getBuildTarget(target));
  const srpm = yield* makeChild(task, {
    method: source.endsWith(".src.rpm") ? "rebuildSRPM" : "buildSRPMFromSCM",
    args: [source, buildTag, opts],
    label: "srpm",
    arch: "noarch",
  });
  const [made = null] = yield* waitFor(task.id, [srpm]);
  yield* buildArches(site, task, { pkg: made, buildTag, source, opts });
  if (opts.scratch === true || opts.skip_tag === true) return null;
  const args = [destTag, task.id, false, null, true];
  const tag = yield* makeChild(task, { method: "tagBuild", args, label: "tag", arch: "noarch" });
  yield* waitFor(task.id, [tag]);
  if (site.notifications) yield* call((session) => session.notifyBuild(task.id));
  return null;
}

interface ArchBuilds {
  readonly pkg: XmlRpcValue;
  readonly buildTag: number;
  readonly source: string;
  readonly opts: XmlRpcStruct;
}

function* buildArches(site: SiteOfWork, task: OpenTask, { pkg, buildTag, source, opts }: ArchBuilds): Steps<void> {
  const { arches } = yield* call((session) => session.getBuildConfig(buildTag));
  const override = opts.arch_override;
  const wanted = typeof override === "string" ? words(override) : words(arches ?? "");
  if (wanted.length === 0) throw new KojiFault(1005, "No arches for tag");
  const list = site.shapeOf(packageName(source), opts).noarch ? ["noarch"] : wanted;
  const children: number[] = [];
  for (const [index, arch] of list.entries()) {
    const args = [pkg, buildTag, arch, index === 0, opts];
    children.push(yield* makeChild(task, { method: "buildArch", args, label: arch, arch: taskArch(arch) }));
  }
  yield* waitFor(task.id, children);
}

function* makeSrpm(site: SiteOfWork, task: OpenTask): Steps<XmlRpcValue> {
  yield* workFor(site, task, DURATIONS.srpm);
  const file = `${packageName(text(task, 0))}-1.0-1.src.rpm`;
  return `tasks/${task.id % 10_000}/${task.id}/${file}`;
}

function* buildArch(site: SiteOfWork, task: OpenTask): Steps<XmlRpcValue> {
  const name = packageName(text(task, 0));
  const average = yield* call((session) => session.getAverageBuildDuration(name));
  if (average !== null) {
    const weight = BUILD_ARCH_WEIGHT + Math.min(average / SECONDS_PER_WEIGHT, MOST_WEIGHT_FOR_LENGTH);
    yield* call((session) => session.setTaskWeight(task.id, weight));
  }
  const random = yield* call((session) => site.draws.of(session, task));
  const fails = random.uniform() < site.failureRate;
  yield* run(draw(random, site.shapeOf(name, optionsOf(task.request[4])).buildSeconds));
  if (fails) throw new KojiFault(1005, `error building package (arch ${task.arch}), mock exited with status 1`);
  return null;
}

// --- repos and images

function* newRepo(site: SiteOfWork, task: OpenTask): Steps<XmlRpcValue> {
  const [first] = task.request;
  // The repo queue's own tasks name the tag as a struct.
  const tag = isStruct(first) ? first.id : first;
  if (typeof tag !== "string" && typeof tag !== "number") throw new KojiFault(1000, "no tag to make a repo of");
  const { arches } = yield* call((session) => session.getBuildConfig(tag));
  yield* workFor(site, task, DURATIONS.newRepo);
  const children: number[] = [];
  for (const arch of new Set(words(arches ?? "").map(taskArch))) {
    children.push(
      yield* makeChild(task, { method: "createrepo", args: [task.id, arch, null], label: arch, arch: "noarch" }),
    );
  }
  if (children.length > 0) yield* waitFor(task.id, children);
  return [task.id, task.id];
}

function* livemedia(_site: SiteOfWork, task: OpenTask): Steps<XmlRpcValue> {
  const [name = null, version = null, arches = null] = task.request;
  const opts = optionsOf(task.request[5]);
  const { buildTag, destTag } = yield* call((session) => session.getBuildTarget(text(task, 3)));
  const children: number[] = [];
  for (const arch of isArray(arches) ? arches : [arches]) {
    const args = [name, version, "1", arch, {}, buildTag, {}, task.request[4] ?? null, opts];
    const word = String(arch);
    const child = { method: "createLiveMedia", args, label: `livemedia ${word}`, arch: taskArch(word) };
    children.push(yield* makeChild(task, child));
  }
  yield* waitFor(task.id, children);
  if (opts.scratch === true) return null;
  const args = [destTag, task.id, false, null, true];
  const tag = yield* makeChild(task, { method: "tagBuild", args, label: "tag", arch: "noarch" });
  yield* waitFor(task.id, [tag]);
  return null;
}

function* sleep(_site: SiteOfWork, task: OpenTask): Steps<XmlRpcValue> {
  yield* run(Number(task.request[0]));
  return null;
}

interface Child {
  readonly method: string;
  readonly args: readonly XmlRpcValue[];
  readonly label: string;
  readonly arch: string;
}

function* makeChild(parent: OpenTask, child: Child): Steps<number> {
  return yield* call((session) => session.subtask({ ...child, parent: parent.id }));
}

function text(task: OpenTask, position: number): string {
  const value = task.request[position];
  if (typeof value === "string") return value;
  throw new KojiFault(1000, `parameter ${position} of ${task.method} is not text`);
}

function optionsOf(value: XmlRpcValue | undefined): XmlRpcStruct {
  return isStruct(value) ? value : {};
}

const words = (list: string) => list.split(/\s+/).filter((word) => word !== "");

const packageName = (source: string) => packageOf(source) ?? source;
