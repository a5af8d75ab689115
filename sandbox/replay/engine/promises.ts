// What the forecast promised while a trace was played, and what came: children within a minute, each with its chance.

import { childrenAhead, type Memory, type Snapshot } from "../../../shared/fleet/index.ts";
import type { CalibrationBand } from "../result.ts";
import type { World } from "./world.ts";

const WITHIN_SECONDS = 60;
const BANDS = 10;

interface Promised {
  readonly parent: number;
  readonly at: number;
  readonly arch: string;
  readonly isFirst: boolean;
  readonly chance: number;
}

export class Promises {
  readonly #promised: Promised[] = [];
  #last = Number.NEGATIVE_INFINITY;

  /** Once a minute is enough: the passes between see nearly the same. */
  note({ hub, lookups }: Snapshot, memory: Memory, world: World): void {
    if (!hub.seen || world.now - this.#last < WITHIN_SECONDS) return;
    this.#last = world.now;
    for (const { parent, chance, tasks } of childrenAhead(hub.state, memory.forecast.graph, lookups, WITHIN_SECONDS)) {
      for (const { method, arch, share } of tasks) {
        const isFirst = method === "buildSRPMFromSCM";
        this.#promised.push({ parent: parent.id, at: world.now, arch, isFirst, chance: chance * share });
      }
    }
  }

  /** After the end; bands of a tenth that hold nothing are left out. */
  bands(world: World): CalibrationBand[] {
    const byId = new Map(world.tasks.map((task) => [task.is.id, task]));
    const counts = Array.from({ length: BANDS }, () => ({ children: 0, appeared: 0 }));
    for (const { parent, at, arch, isFirst, chance } of this.#promised) {
      const count = counts[Math.min(BANDS - 1, Math.floor(chance * BANDS))];
      if (count === undefined) continue;
      const came = byId.get(parent)?.children.some(({ is, createdAt }) => {
        const isSrpm = is.method === "buildSRPMFromSCM" || is.method === "rebuildSRPM";
        const fits = isFirst ? isSrpm : !isSrpm && is.method !== "tagBuild" && is.arch === arch;
        return fits && createdAt > at && createdAt <= at + WITHIN_SECONDS;
      });
      count.children += 1;
      if (came === true) count.appeared += 1;
    }
    return counts.flatMap((count, index) =>
      count.children === 0 ? [] : [{ low: index / BANDS, high: (index + 1) / BANDS, ...count }],
    );
  }
}
