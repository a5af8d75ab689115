// A priority queue of what is to happen: earliest first, and in the order of entry at one instant.

export interface QueuedEvent {
  readonly time: number;
  readonly sequence: number;
  readonly fire: () => unknown;
  /** Runs inside an actor of its own if it is asynchronous; false for the clock's own wake-ups. */
  readonly foreign: boolean;
  cancelled: boolean;
}

/** A binary heap. Cancelled events are dropped when they surface, or together when they are the majority. */
export class EventQueue {
  #heap: QueuedEvent[] = [];
  #sequence = 0;
  #cancelled = 0;

  /** Events that will still fire. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  push(time: number, fire: () => unknown, foreign: boolean): QueuedEvent {
    const event: QueuedEvent = { time, sequence: this.#sequence++, fire, foreign, cancelled: false };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  /** Safe to call twice, and after the event has fired. */
  cancel(event: QueuedEvent): void {
    if (event.cancelled) return;
    event.cancelled = true;
    this.#cancelled++;
    if (this.#cancelled > 1000 && this.#cancelled * 2 > this.#heap.length) this.#dropCancelled();
  }

  peek(): QueuedEvent | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || !first.cancelled) return first;
      this.#cancelled--;
      this.#removeFirst();
    }
  }

  pop(): QueuedEvent | undefined {
    const first = this.peek();
    if (first === undefined) return undefined;
    this.#removeFirst();
    first.cancelled = true;
    return first;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #dropCancelled(): void {
    // A sorted array is a heap, and the order of entry stays in `sequence`.
    this.#heap = this.#heap.filter((event) => !event.cancelled).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#cancelled = 0;
  }

  #rise(start: number): void {
    const heap = this.#heap;
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const event = heap[index];
      const parent = heap[parentIndex];
      if (event === undefined || parent === undefined || isBefore(parent, event)) return;
      heap[index] = parent;
      heap[parentIndex] = event;
      index = parentIndex;
    }
  }

  #sink(start: number): void {
    const heap = this.#heap;
    let index = start;
    for (;;) {
      const event = heap[index];
      if (event === undefined) return;
      let least = index;
      let leastEvent = event;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        const candidate = heap[child];
        if (candidate !== undefined && isBefore(candidate, leastEvent)) {
          least = child;
          leastEvent = candidate;
        }
      }
      if (least === index) return;
      heap[index] = leastEvent;
      heap[least] = event;
      index = least;
    }
  }
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
