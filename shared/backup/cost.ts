// What snapshots cost: EBS stores a set as the blocks that changed since the set before, in every region it lies in.

import type { RetentionPlan } from "./types.ts";

/** Standard tier, dollars per GiB (AWS writes GB) and month: EBS pricing. The archive tier is not used. */
export const SNAPSHOT_GIB_MONTH_DOLLARS = 0.05;

const GIB = 2 ** 30;

/** `places`: regions the set lies in, the hub's included; a copy stores the same changed blocks. null = not measured. */
export function dollarsPerMonth(
  changedBytes: number | null,
  places = 1,
  gibMonthDollars = SNAPSHOT_GIB_MONTH_DOLLARS,
): number | null {
  return changedBytes === null ? null : (changedBytes / GIB) * gibMonthDollars * places;
}

export interface PlanSavings {
  /**
   * At most: blocks that a set brought and younger sets still use are not freed with it (deleting an incremental
   * snapshot frees what nothing else references).
   */
  readonly atMostDollarsPerMonth: number;
  /** Sets that go and were never measured. */
  readonly unmeasured: number;
}

/** `costs`: dollars per month by set id; null or absent = not measured. */
export function planSavings(
  plan: Pick<RetentionPlan, "expire">,
  costs: ReadonlyMap<string, number | null>,
): PlanSavings {
  const known = plan.expire.map(({ id }) => costs.get(id) ?? null).filter((each) => each !== null);
  return {
    atMostDollarsPerMonth: known.reduce((sum, each) => sum + each, 0),
    unmeasured: plan.expire.length - known.length,
  };
}
