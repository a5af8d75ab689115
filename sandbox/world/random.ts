// Seeded random numbers (sfc32): the same seed and label give the same stream, whatever else is drawn.

/** Standard normal quantile of 0.95. */
const NORMAL_P95 = 1.6448536269514722;

export class Random {
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number | string) {
    this.seed = String(seed);
    this.#a = hash(`a:${this.seed}`);
    this.#b = hash(`b:${this.seed}`);
    this.#c = hash(`c:${this.seed}`);
    for (let i = 0; i < 12; i++) this.uniform();
  }

  /** 0 <= x < 1, in steps of 2^-32. */
  uniform(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** low <= x < high. */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Log-normal by two figures one can measure: half are below `median`, 95 % below `p95`. */
  lognormal(median: number, p95: number): number {
    if (!(median > 0 && p95 >= median)) throw new RangeError(`need 0 < median <= p95, got ${median} and ${p95}`);
    const sigma = Math.log(p95 / median) / NORMAL_P95;
    return median * Math.exp(sigma * this.#normal());
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("cannot pick from an empty list");
    return items[Math.floor(this.uniform() * items.length)] as T;
  }

  /** A stream of its own, named by the label and not by how much was drawn here. */
  fork(label: string): Random {
    return new Random(`${this.seed}/${label}`);
  }

  /** Box-Muller; always two draws. */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

/** FNV-1a with a final mix: spreads near seeds apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
