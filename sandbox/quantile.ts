// Waits in figures: what share of them was shorter.

/** Nearest rank of a sorted list; 0 for an empty one. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0;
}
