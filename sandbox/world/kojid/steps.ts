// What a task's handler asks of its kojid, step by step: work for a while, call the hub, wait for children.

import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { type BuilderSession, KojiFault } from "../hub/index.ts";

export type Step =
  | { readonly kind: "run"; readonly seconds: number }
  /** Repeated until the hub is online; any other fault is thrown into the handler. */
  | { readonly kind: "call"; send(session: BuilderSession): void }
  /** Until kojid sees, at a poll, that a child it waits for has finished. */
  | { readonly kind: "pause" };

export type Steps<T> = Generator<Step, T, void>;

/** So many seconds of the builder's time. */
export function* run(seconds: number): Steps<void> {
  yield { kind: "run", seconds };
}

export function* call<T>(request: (session: BuilderSession) => T): Steps<T> {
  const answers: T[] = [];
  yield { kind: "call", send: (session) => answers.push(request(session)) };
  for (const answer of answers) return answer;
  throw new Error("the handler went on before the hub had answered");
}

/**
 * Waits for children of `parent` and returns their results in their order (koji/tasks.py wait, all and failany).
 * When one fails or is canceled the others are canceled and its fault is thrown.
 */
export function* waitFor(parent: number, children: readonly number[]): Steps<XmlRpcValue[]> {
  yield* call((session) => session.taskSetWait(parent, children));
  for (;;) {
    const { finished, unfinished } = yield* call((session) => session.taskWait(parent));
    if (unfinished.length === 0) break;
    if (finished.length === 0) yield { kind: "pause" };
    for (const id of finished) yield* failWith(parent, id);
  }
  const results = yield* call((session) => session.taskWaitResults(parent, children));
  return results.map(([, value]) => value);
}

function* failWith(parent: number, child: number): Steps<void> {
  try {
    yield* call((session) => session.getTaskResult(child));
  } catch (error) {
    if (error instanceof KojiFault) yield* call((session) => session.cancelTaskChildren(parent));
    throw error;
  }
}
