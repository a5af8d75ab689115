// Puts a made-up trace together: who follows whom, ids in the order in which tasks are made if nothing waits.

import type { Trace, TraceTask } from "../trace.ts";

export type TaskFacts = Omit<TraceTask, "id" | "parent" | "release">;

/** A task without an id. Times as its submission's, with builders at once. */
export interface Draft {
  readonly facts: TaskFacts;
  readonly parent: Draft | null;
  /** Siblings that it follows; null = submitted at `madeAt`. */
  readonly after: readonly Draft[] | null;
  readonly delay: number;
  readonly madeAt: number;
  /** Of a parent: by the children it has so far. */
  endsAt: number;
}

export class Assembly {
  readonly #drafts: Draft[] = [];

  submit(at: number, facts: TaskFacts): Draft {
    return this.#add({ facts, parent: null, after: null, delay: 0, madeAt: at, endsAt: at + facts.seconds });
  }

  /** `delay`: seconds from the end of the last of `after`, or from the parent's opening. */
  follow(parent: Draft, after: readonly Draft[], delay: number, facts: TaskFacts): Draft {
    const released = after.reduce((latest, each) => Math.max(latest, each.endsAt), parent.madeAt);
    const madeAt = released + delay;
    const draft = this.#add({ facts, parent, after, delay, madeAt, endsAt: madeAt + facts.seconds });
    let above: Draft | null = parent;
    for (let below = draft; above !== null; above = above.parent) {
      above.endsAt = Math.max(above.endsAt, below.endsAt + above.facts.seconds);
      below = above;
    }
    return draft;
  }

  /** `calendar`: submissions are epoch seconds; otherwise `start` is their instant 0. */
  toTrace(head: Pick<Trace, "name" | "targets" | "synthetic">, start: number | "calendar"): Trace {
    // Stable: of tasks made at once, parents stay before their children.
    const inOrder = this.#drafts.toSorted((a, b) => a.madeAt - b.madeAt);
    const first = inOrder[0]?.madeAt ?? 0;
    const zero = start === "calendar" ? Math.floor(first) : 0;
    const ids = new Map(inOrder.map((draft, index) => [draft, index + 1]));
    const idOf = (draft: Draft): number => {
      const id = ids.get(draft);
      if (id === undefined) throw new RangeError("a task follows one of another assembly");
      return id;
    };
    const tasks = inOrder.map((draft): TraceTask => {
      const { facts, parent, after, delay, madeAt } = draft;
      return {
        id: idOf(draft),
        parent: parent === null ? null : idOf(parent),
        ...facts,
        release: after === null ? { at: toMillis(madeAt - zero) } : { after: after.map(idOf), delay: toMillis(delay) },
        seconds: toMillis(facts.seconds),
      };
    });
    const last = inOrder.reduce((latest, { endsAt }) => Math.max(latest, endsAt), first);
    return { ...head, start: start === "calendar" ? zero : start, spanSeconds: toMillis(last - first), tasks };
  }

  #add(draft: Draft): Draft {
    this.#drafts.push(draft);
    return draft;
  }
}

function toMillis(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
