// Repositories made anew after tags change: newRepo with one createrepo an arch, in a channel that the hub serves itself.

import { DURATIONS, type Seconds } from "../../world/kojid/durations.ts";
import type { Random } from "../../world/random.ts";
import type { Assembly, TaskFacts } from "./assemble.ts";

/** The least from one newRepo of a target to the next. */
const PAUSE_SECONDS = 15 * 60;

const CHANNEL = "createrepo";
const WEIGHTS = { newRepo: 0.1, createrepo: 1.5 };

/** kojihub gives newRepo 15, and children one less than their parent. */
const PRIORITY = 15;

const FIRST_CHILD_SECONDS = 0.5;

export interface RepoRequest {
  readonly target: string;
  /** End of the tagBuild. */
  readonly at: number;
}

/** Requests of the time in which the next newRepo of the target is still to come are met by that one. */
export function addRepos(
  assembly: Assembly,
  requests: readonly RepoRequest[],
  targets: Readonly<Record<string, readonly string[]>>,
  random: Random,
  serviceFactor: number,
): void {
  const lastOfTarget = new Map<string, number>();
  const countOfTarget = new Map<string, number>();
  for (const { target, at: asked } of requests.toSorted((a, b) => a.at - b.at)) {
    const last = lastOfTarget.get(target) ?? Number.NEGATIVE_INFINITY;
    if (last >= asked) continue;
    const at = Math.max(asked, last + PAUSE_SECONDS);
    lastOfTarget.set(target, at);
    const count = (countOfTarget.get(target) ?? 0) + 1;
    countOfTarget.set(target, count);
    const draws = random.fork(`${target} ${count}`);
    const draw = ({ median, p95 }: Seconds) => serviceFactor * draws.lognormal(median, p95);
    const common = { channel: CHANNEL, package: null, target: null, scratch: false, failed: false };
    const newRepo: TaskFacts = {
      ...common,
      method: "newRepo",
      arch: "noarch",
      weight: WEIGHTS.newRepo,
      priority: PRIORITY,
      seconds: draw(DURATIONS.newRepo),
    };
    const parent = assembly.submit(at, newRepo);
    for (const arch of targets[target] ?? []) {
      assembly.follow(parent, [], FIRST_CHILD_SECONDS, {
        ...common,
        method: "createrepo",
        arch,
        weight: WEIGHTS.createrepo,
        priority: PRIORITY - 1,
        seconds: draw(DURATIONS.createrepo),
      });
    }
  }
}
