// The scripted day: what people and machines submit to the hub from 06:00 to 06:00, and what goes wrong meanwhile.
// Shape of the load: hour histogram and burst sizes of Foreman's packaging in 2020 (facts: about 300 tasks a day).

import type { Sandbox } from "./sandbox.ts";
import { isOffline } from "./world/hub/index.ts";
import { startKojid } from "./world/kojid.ts";
import type { MachineFault } from "./world/machines.ts";
import { Random } from "./world/random.ts";

const HOUR = 3600;
export const DAY_SECONDS = 24 * HOUR;
/** 2026-11-23T06:00:00Z, a Monday. */
export const DAY_START = Date.UTC(2026, 10, 23, 6) / 1000;

/** Pushes by hour of the day from 06:00 UTC: relative weights of spec changes. */
const PUSHES: readonly number[] = [
  32, 46, 56, 59, 115, 157, 201, 130, 141, 110, 51, 62, 90, 73, 53, 10, 5, 3, 2, 0, 0, 2, 4, 8,
];
const PUSHES_A_DAY = 14;
/** Packages in one push: half are one or two, now and then a rebase of many. */
const PUSH_SIZES: readonly number[] = [1, 1, 1, 1, 2, 2, 2, 3, 4, 7];
const PACKAGES: readonly string[] = [
  "rubygem-fog-aws",
  "rubygem-katello",
  "rubygem-foreman_remote_execution",
  "rubygem-rails",
  "python-pulpcore",
  "python-django",
  "nodejs-react",
  "nodejs-webpack",
  "candlepin",
  "qpid-proton",
  "createrepo_c",
];
const TARGETS = ["foreman-nightly-el9", "katello-nightly-el9"] as const;
/** Of each target the tag that its builds take their packages from. */
export const BUILD_TAGS = [
  { name: `${TARGETS[0]}-build`, arches: ["x86_64", "aarch64"] },
  { name: `${TARGETS[1]}-build`, arches: ["x86_64"] },
] as const;
const PACKAGER = "packager";
const RETRY_SECONDS = 60;
/** A static builder beside the pool, as on the hub's own machine: makes repos where the files are. */
const REPO_HOST = "hub-createrepo.example.org";

/** Tags, targets, the static host that makes repos, and everyone who submits. */
export function furnishHub({ hub, clock, work }: Sandbox): void {
  hub.addUser(PACKAGER, ["livemedia", "repo"]);
  TARGETS.forEach((target, index) => {
    const { name, arches } = BUILD_TAGS[index] ?? BUILD_TAGS[0];
    hub.addTag(name, { arches: arches.join(" ") });
    hub.addTag(target);
    hub.addTarget(target, name, target);
  });
  hub.setPackageSeconds("qpid-proton", 2400);
  hub.setPackageSeconds("candlepin", 900);
  hub.addHost(REPO_HOST, { arches: "x86_64", channels: ["createrepo"], capacity: 4 });
  startKojid({ hub, clock, work, hostName: REPO_HOST });
}

/** Puts a whole day on the sandbox's clock. Returns what was planned, one line each. */
export function scheduleDay(sandbox: Sandbox, { pushes = PUSHES_A_DAY } = {}): string[] {
  const random = sandbox.random.fork("day");
  const start = sandbox.clock.now();
  const planned: string[] = [];
  const at = (seconds: number, what: string, run: () => unknown) => {
    planned.push(`${clockTime(start + seconds)} ${what}`);
    sandbox.clock.at(start + seconds, run);
  };
  for (const seconds of pushTimes(random, pushes)) {
    const size = random.pick(PUSH_SIZES);
    at(seconds, `push of ${size} package(s)`, () => submitPush(sandbox, random.fork(`push ${seconds}`), size));
  }
  const user = sandbox.hub.as(PACKAGER);
  for (let nightly = 0; nightly < 6; nightly++) {
    const source = `git+https://git.example.org/foreman-${nightly}#develop`;
    at((2 + nightly * 2) * HOUR, "nightly build", () => submit(sandbox, () => user.build(source, TARGETS[0])));
  }
  at(8 * HOUR, "mass push of 30 packages", () => submitPush(sandbox, random.fork("mass"), 30));
  const image = { name: "fdi", version: "5.1", arches: ["x86_64"], target: TARGETS[0], ksfile: "fdi.ks" };
  at(7 * HOUR, "image build", () => submit(sandbox, () => user.buildImage({ ...image, type: "livemedia" })));
  scheduleMishaps(sandbox, at);
  return planned.sort();
}

function pushTimes(random: Random, pushes: number): number[] {
  const total = PUSHES.reduce((sum, weight) => sum + weight, 0);
  return PUSHES.flatMap((weight, hour) => {
    const expected = (pushes * weight) / total;
    const count = Math.floor(expected) + (random.uniform() < expected % 1 ? 1 : 0);
    return Array.from({ length: count }, () => Math.round((hour + random.uniform()) * HOUR));
  });
}

/** People and CI jobs try again while the hub is offline. */
function submit({ clock }: Pick<Sandbox, "clock">, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!isOffline(error)) throw error;
    clock.after(RETRY_SECONDS, () => submit({ clock }, work));
  }
}

/** One build for each package and target, five seconds apart, then a new repo for each target. */
export function submitPush(sandbox: Sandbox, random: Random, size: number): void {
  const { hub, clock } = sandbox;
  const user = hub.as(PACKAGER);
  let delay = 0;
  for (let index = 0; index < size; index++) {
    const name = random.pick(PACKAGES);
    const release = Math.floor(random.uniform() * 1000);
    for (const target of TARGETS) {
      const source = `cli-build/${index}/${name}-1.0-${release}.src.rpm`;
      clock.after(delay, () => submit(sandbox, () => user.build(source, target)));
      delay += 5;
    }
  }
  for (const target of TARGETS) clock.after(delay + 600, () => submit(sandbox, () => user.newRepo(`${target}-build`)));
}

/** Some machines never come up right: 5 % never check in, 3 % have no room on their disk. The same ones for a seed. */
export function machineFaults(
  seed: number | string,
): (instance: { readonly instanceId: string }) => MachineFault | null {
  const random = new Random(seed).fork("machines");
  return ({ instanceId }) => {
    const drawn = random.fork(instanceId).uniform();
    if (drawn < 0.05) return "never-checks-in";
    return drawn < 0.08 ? "disk-full" : null;
  };
}

/** What a real day brings: no capacity, throttling, a spot interruption, a person's hand, a hub that is down. */
function scheduleMishaps(sandbox: Sandbox, at: (seconds: number, what: string, run: () => unknown) => void): void {
  const { aws, hub } = sandbox;
  const spot = { market: "spot" } as const;
  at(4.4 * HOUR, "EC2 has no spot capacity", () => aws.ec2.setCapacity(spot, "none"));
  at(5.6 * HOUR, "spot capacity is back", () => aws.ec2.setCapacity(spot, "unlimited"));
  at(6 * HOUR, "EC2 throttles three calls", () => aws.ec2.throttleNext(3));
  at(8.1 * HOUR, "a spot builder is interrupted", () => takeBusy(sandbox, "spot", (id) => aws.ec2.spotInterrupt(id)));
  at(8.2 * HOUR, "somebody terminates a builder", () => takeBusy(sandbox, null, (id) => aws.ec2.terminateByPerson(id)));
  at(9 * HOUR, "the hub is offline", () => hub.setOffline("back in five minutes"));
  at(9 * HOUR + 300, "the hub is online", () => hub.setOffline(null));
  at(10 * HOUR, "the account's spot quota shrinks", () => aws.ec2.setQuota("spot", 8));
  at(12 * HOUR, "the spot quota is back", () => aws.ec2.setQuota("spot", Number.POSITIVE_INFINITY));
}

/** The first running builder with work, in the order of launch; none is fine. */
function takeBusy(sandbox: Sandbox, market: "spot" | null, take: (instanceId: string) => void): void {
  const busy = sandbox
    .live()
    .find(
      (each) =>
        each.state === "running" &&
        (market === null || each.market === market) &&
        (sandbox.machines.kojidOf(each.instanceId)?.taskIds.length ?? 0) > 0,
    );
  if (busy !== undefined) take(busy.instanceId);
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 16);
}
