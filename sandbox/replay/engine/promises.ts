// What the forecast promised while a trace was played, and what came: children within a minute, each with its chance.

import { childrenAhead, isFirstStage, type Memory, type Snapshot } from "../../../shared/fleet/index.ts";
import type { CalibrationBand } from "../result.ts";
import type { PlayedTask } from "./task.ts";
import type { World } from "./world.ts";

const WITHIN_SECONDS = 60;
/** Not in step with the hub's scheduler (60 s): always just before or after its runs, every chance would look wrong. */
const LOOK_SECONDS = 70;
const BANDS = 10;

interface Promised {
  readonly parent: number;
  readonly at: number;
  readonly arch: string;
  readonly isFirst: boolean;
  readonly chance: number;
}

export class Promises {
  readonly #world: World;
  readonly #byId: ReadonlyMap<number, PlayedTask>;
  readonly #counts = Array.from({ length: BANDS }, () => ({ children: 0, appeared: 0 }));
  /** Those whose minute is not over. */
  #open: Promised[] = [];
  #last = Number.NEGATIVE_INFINITY;

  constructor(world: World) {
    this.#world = world;
    this.#byId = new Map(world.tasks.map((task) => [task.is.id, task]));
  }

  /** Not at each pass: those between see nearly the same. */
  note({ hub, lookups }: Snapshot, memory: Memory): void {
    const { now } = this.#world;
    if (!hub.seen || now - this.#last < LOOK_SECONDS) return;
    this.#settle();
    this.#last = now;
    for (const { parent, chance, tasks } of childrenAhead(hub.state, memory.forecast.graph, lookups, WITHIN_SECONDS)) {
      for (const { method, arch, share } of tasks) {
        const isFirst = isFirstStage({ method });
        this.#open.push({ parent: parent.id, at: now, arch, isFirst, chance: chance * share });
      }
    }
  }

  /** After the end; bands of a tenth that hold nothing are left out. */
  bands(): CalibrationBand[] {
    this.#settle();
    return this.#counts.flatMap((count, index) =>
      count.children === 0 ? [] : [{ low: index / BANDS, high: (index + 1) / BANDS, ...count }],
    );
  }

  /** All open ones were made a minute ago or more, or nothing comes any more. */
  #settle(): void {
    for (const promised of this.#open) {
      const count = this.#counts[Math.min(BANDS - 1, Math.floor(promised.chance * BANDS))];
      if (count === undefined) continue;
      count.children += 1;
      if (this.#isKept(promised)) count.appeared += 1;
    }
    this.#open = [];
  }

  #isKept({ parent, at, arch, isFirst }: Promised): boolean {
    const children = this.#byId.get(parent)?.children ?? [];
    return children.some(({ is, createdAt }) => {
      const isSrpm = isFirstStage(is);
      const fits = isFirst ? isSrpm : !isSrpm && is.method !== "tagBuild" && is.arch === arch;
      return fits && createdAt > at && createdAt <= at + WITHIN_SECONDS;
    });
  }
}
