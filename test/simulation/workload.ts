// What people and machines submit to a simulated hub: bursts of builds, new repos, images, now and then a cancellation.

import { isOffline } from "../../sandbox/world/hub/index.ts";
import type { PackageShape } from "../../sandbox/world/kojid/durations.ts";
import type { Random } from "../../sandbox/world/random.ts";
import { createWork, type Work } from "../../sandbox/world/work.ts";
import { chance, whole } from "./draw.ts";
import type { World } from "./world.ts";

const PACKAGER = "packager";
const RETRY_SECONDS = 60;
const PACKAGES = ["rubygem-rails", "rubygem-katello", "python-django", "candlepin", "qpid-proton", "createrepo_c"];

const QUICK: PackageShape = { noarch: true, buildSeconds: { median: 60, p95: 240, max: 900 } };
const SLOW: PackageShape = { noarch: false, buildSeconds: { median: 240, p95: 1200, max: 2400 } };

export function simulatedWork(random: Random): Work {
  return createWork({ random, packageShape: (name) => (/^(rubygem|python)-/.test(name) ? QUICK : SLOW) });
}

export function furnishHub(world: World): void {
  const { hub, site } = world;
  hub.addUser(PACKAGER, ["livemedia", "repo"]);
  const arches = new Set(
    site.builders.profiles.filter(({ channels }) => channels.includes("default")).flatMap((each) => each.arches),
  );
  const targets = { plain: "x86_64", full: [...arches].join(" ") };
  for (const [target, words] of Object.entries(targets)) {
    hub.addTag(`${target}-build`, { arches: words });
    hub.addTag(target);
    hub.addTarget(target, `${target}-build`, target);
  }
  hub.setPackageSeconds("qpid-proton", 1800);
  hub.setPackageSeconds("candlepin", 600);
}

/** Puts so many seconds of work on the clock; returns when, counted from now, builders will be wanted. */
export function scheduleWork(world: World, random: Random, seconds: number): number[] {
  const { clock, site } = world;
  const images = site.builders.profiles.some(({ channels }) => channels.includes("livemedia"));
  // Some of the time nothing comes, so that the fleet falls to its floor and rises again.
  const times = Array.from({ length: whole(random, 3, 10) }, () => random.between(0, seconds));
  for (const [burst, at] of times.entries()) {
    const size = chance(random, 0.15) ? whole(random, 4, 10) : whole(random, 1, 3);
    clock.after(at, () => submitBurst(world, random.fork(`burst ${burst}`), size));
  }
  if (images && chance(random, 0.7)) clock.after(random.between(0, seconds / 2), () => submitImage(world));
  return times;
}

function submitBurst(world: World, random: Random, size: number): void {
  const { clock, hub } = world;
  const user = hub.as(PACKAGER);
  for (let index = 0; index < size; index++) {
    const target = random.pick(["plain", "full", "full"]);
    const source = `git+https://git.test/rpms/${random.pick(PACKAGES)}#${Math.floor(clock.now())}.${index}`;
    const cancelAfter = chance(random, 0.08) ? random.between(20, 900) : null;
    clock.after(5 * index, () =>
      submit(world, () => {
        const id = user.build(source, target);
        if (cancelAfter !== null) clock.after(cancelAfter, () => submit(world, () => user.cancelTask(id)));
      }),
    );
  }
  if (chance(random, 0.5)) clock.after(5 * size + 60, () => submit(world, () => user.newRepo("full-build")));
}

function submitImage(world: World): void {
  const image = {
    name: "fdi",
    version: "5.1",
    arches: ["x86_64"],
    target: "plain",
    ksfile: "fdi.ks",
    type: "livemedia",
  };
  submit(world, () => world.hub.as(PACKAGER).buildImage(image));
}

/** People and CI jobs try again while the hub is offline. */
function submit(world: World, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!isOffline(error)) throw error;
    world.clock.after(RETRY_SECONDS, () => submit(world, work));
  }
}
