// Stories that are cut off: each is played once whole, then again for every side effect of Toji, killed right after it.

import {
  DescribeLaunchTemplateVersionsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { Random } from "../../sandbox/world/random.ts";
import { TAG } from "../../shared/fleet/index.ts";
import { BUCKET, LAUNCH_TEMPLATE, START } from "./constants.ts";
import type { Container } from "./container.ts";
import { makeSite, Stage, type Story } from "./crash-stage.ts";
import { simulatedWork } from "./workload.ts";
import { World } from "./world.ts";

const STATES = ["FREE", "OPEN", "CLOSED", "CANCELED", "ASSIGNED", "FAILED"];

/** One side effect of Toji. */
interface Effect {
  readonly at: number;
  readonly by: string;
  /** "PutObject fleet/lease.json", "enableHost" */
  readonly what: string;
}

/** Counts side effects over all containers, and kills the one that makes the chosen one. */
class Scalpel {
  readonly effects: Effect[] = [];
  readonly #world: World;
  readonly #cut: number;
  #pass: Container | undefined;

  constructor(world: World, cut: number) {
    this.#world = world;
    this.#cut = cut;
    const onEffect = world.onEffect.bind(world);
    world.onEffect = (call, answer, container) => {
      onEffect(call, answer, container);
      // A pass takes its lease before it writes to the hub, so the last one to write anywhere is the one that does.
      if (container.name.startsWith("c")) this.#pass = container;
      this.#did(`${call.operation} ${subjectOf(call.input)}`, container);
    };
    world.weather.hub.add(({ writes, members }) => {
      if (writes) this.#did(members.join("+"), this.#pass);
      return null;
    });
  }

  /** The effect takes place and nothing comes after it. */
  #did(what: string, container: Container | undefined): void {
    this.effects.push({ at: this.#world.clock.now(), by: container?.name ?? "", what });
    if (this.effects.length === this.#cut) container?.killAfter(1);
  }
}

function subjectOf(input: object): string {
  if ("Key" in input) return String(input.Key).replace(/(decisions\/)\d.*/, "$1...");
  if ("Tags" in input && Array.isArray(input.Tags)) return input.Tags.map((tag) => String(tag.Key)).join("+");
  return "";
}

export interface Played {
  readonly effects: readonly Effect[];
  readonly cutFrom: number;
  readonly trace: readonly string[];
  readonly broken: readonly string[];
  readonly wasCutOff: boolean;
  /** Minutes beyond the story's own until the world was as it should be. */
  readonly moreMinutes: number;
  readonly end: EndState;
}

const LONGEST_MORE_MINUTES = 45;

/** With `like`, on until the end is like that one, or it is clear that it will not be. */
export async function play(story: Story, cut = Number.POSITIVE_INFINITY, like?: EndState): Promise<Played> {
  const world = await World.open({
    seed: "1",
    site: makeSite(story),
    work: simulatedWork(new Random("1")),
    wire: "values",
    awsLatencySeconds: 0.02,
    hubLatencySeconds: 0.02,
  });
  // A crash is no calm: how long a task may wait after one is not the question here.
  world.calmFrom = Number.POSITIVE_INFINITY;
  const scalpel = new Scalpel(world, cut);
  const stage = new Stage(world);
  story.begin(stage);
  world.lambda.startSchedule();
  world.invariants.watch();
  const { clock } = world;
  await clock.runUntil(START + 60 * story.minutes);
  let end = await endState(world);
  let moreMinutes = 0;
  while (like !== undefined && !isSame(end, like) && moreMinutes < LONGEST_MORE_MINUTES) {
    moreMinutes += 1;
    await clock.runUntil(clock.now() + 60);
    end = await endState(world);
  }
  return {
    effects: scalpel.effects,
    cutFrom: stage.cutFrom,
    trace: world.trace.show(),
    wasCutOff: world.faults.has("invocation killed after a side effect"),
    broken: world.invariants.violations.map(({ rule, detail }) => `${rule}: ${detail}`),
    moreMinutes,
    end,
  };
}

/** What must be the same wherever a story was cut off. Times, ids and which launch it was do not matter. */
export interface EndState {
  readonly serving: readonly string[];
  readonly instances: readonly string[];
  readonly hosts: readonly string[];
  readonly tasks: readonly string[];
  readonly leftBehind: readonly string[];
}

export const isSame = (a: EndState, b: EndState): boolean => JSON.stringify(a) === JSON.stringify(b);

async function endState(world: World): Promise<EndState> {
  const { hub, aws } = world;
  const channels = new Map(["default", "createrepo"].map((name) => [hub.channelId(name), name]));
  const keys = aws.s3.keys(BUCKET, "identities/").map((key) => key.split("/").slice(0, 2).join("/"));
  const others = await othersLeft(world);
  const running = world.live().filter(({ state }) => state === "running");
  const enabled = new Set(hub.hosts().flatMap(({ name, enabled }) => (enabled ? [name] : [])));
  return {
    serving: running.map(({ tags }) => tags[TAG.slot] ?? "untagged").filter((slot) => enabled.has(slot)),
    instances: world.live().map(instanceLine).sort(),
    hosts: hub
      .hosts()
      .filter(({ name }) => world.invariants.slots.has(name))
      .map(({ name, enabled, arches, capacity, channels: ids }) => {
        const names = ids.map((id) => channels.get(id) ?? `#${id}`).sort();
        return `${name} ${enabled ? "enabled" : "disabled"} ${arches} ${capacity} ${names.join("+")}`;
      })
      .sort(),
    tasks: [...hub.tasks()].map(({ id, method, state }) => `${id} ${method} ${STATES[state]}`),
    leftBehind: [...keys, ...others].sort(),
  };
}

/** Tags that say which launch it was, or when: that they are there is what counts. */
const VALUES_THAT_COUNT: ReadonlySet<string> = new Set([
  "Name",
  TAG.fleet,
  TAG.slot,
  TAG.profile,
  TAG.pin,
  TAG.drainNow,
]);

function instanceLine({ state, tags }: ReturnType<World["live"]>[number]): string {
  const own = Object.entries(tags).filter(([key]) => !key.startsWith("aws:"));
  const shown = own.map(([key, value]) => (VALUES_THAT_COUNT.has(key) ? `${key}=${value}` : key)).sort();
  return `${state} ${shown.join(" ")}`;
}

/** Template versions, volumes and network interfaces; those of a live instance are attached, and so no left-overs. */
async function othersLeft({ clock, aws }: World): Promise<string[]> {
  const { ec2 } = aws.clients;
  let found: string[] = [];
  clock.after(0, async () => {
    const versions = await ec2.send(new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: LAUNCH_TEMPLATE }));
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
    const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({}));
    const made = (versions.LaunchTemplateVersions ?? []).filter(({ DefaultVersion }) => DefaultVersion !== true);
    const free = [...Volumes.map(({ State }) => State), ...NetworkInterfaces.map(({ Status }) => Status)];
    found = [
      ...made.map(() => "a template version"),
      ...free.filter((state) => state === "available").map(() => "a volume or a network interface"),
    ];
  });
  // Asking takes its time, which is the clock's.
  await clock.runUntil(clock.now() + 1);
  return found;
}

/**
 * The side effects to cut after: each one, but where passes only repeat what the last ones did (a lease, a decision) the
 * first of them. What led up to an effect counts as part of it.
 */
export function cutPoints({ of = "passes" }: Story, { effects, cutFrom }: Played): number[] {
  const letter = of === "passes" ? "c" : "s";
  const met = new Set<string>();
  const before: string[] = [];
  return effects.flatMap(({ at, by, what }, index) => {
    if (!by.startsWith(letter)) return [];
    const history = [...before.slice(-3), what].join("; ");
    before.push(what);
    if (at < cutFrom || met.has(history)) return [];
    met.add(history);
    return [index + 1];
  });
}
