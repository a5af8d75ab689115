// A table of bounded size in 64 parts: to write one entry copies one part, and a pass may write many. Pure.

/** By part, then by key. */
export type Shards<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

const PARTS = 64;
const PART_LETTERS = 8;
const MOST_IN_PART = 16;

function partOf(key: string): string {
  let sum = 0;
  // The end of a name tells as much as all of it.
  for (let index = Math.max(0, key.length - PART_LETTERS); index < key.length; index++)
    sum = (sum * 31 + key.charCodeAt(index)) % 65_521;
  return String(sum % PARTS);
}

export function lookUp<T>(shards: Shards<T>, key: string): T | undefined {
  const part = shards[partOf(key)];
  return part !== undefined && Object.hasOwn(part, key) ? part[key] : undefined;
}

/** Writes entries, and copies what it has to once. */
export class Draft<T> {
  readonly #shards: Record<string, Record<string, T>> = {};
  #result: Shards<T>;

  constructor(known: Shards<T>) {
    this.#result = known;
  }

  get(key: string): T | undefined {
    return lookUp(this.#result, key);
  }

  set(key: string, value: T): void {
    if (this.get(key) === value) return;
    const part = partOf(key);
    let copy = this.#shards[part];
    if (copy === undefined) {
      copy = withoutOldest({ ...this.#result[part] });
      this.#shards[part] = copy;
      this.#result = { ...this.#result, [part]: copy };
    }
    copy[key] = value;
  }

  get result(): Shards<T> {
    return this.#result;
  }
}

/** Of too many those that were met first go, a few at a time. */
function withoutOldest<T>(part: Record<string, T>): Record<string, T> {
  const names = Object.keys(part);
  if (names.length < MOST_IN_PART) return part;
  return Object.fromEntries(Object.entries(part).slice(names.length - Math.floor(MOST_IN_PART * 0.9)));
}
