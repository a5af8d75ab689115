// Why EC2 would refuse an instance: no capacity in a pool, a vCPU quota, or whatever else a test declares.

import type { Market } from "../../../shared/config/index.ts";
import type { ModelInstance, Pool } from "./state.ts";

/** Fields left out match everything. */
export type PoolFilter = Partial<Pool>;

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

interface Limit {
  readonly filter: PoolFilter;
  readonly instances: number;
  readonly code: string | undefined;
}

export class Capacity {
  readonly #limits = new Map<string, Limit>();
  readonly #quotas: Record<Market, number>;

  constructor(quotas: Partial<Readonly<Record<Market, number>>>) {
    this.#quotas = { spot: Number.POSITIVE_INFINITY, "on-demand": Number.POSITIVE_INFINITY, ...quotas };
  }

  /** At most so many instances at once in the pools that match; replaces an earlier limit with the same filter. */
  limit(filter: PoolFilter, instances: number, code: string | undefined): void {
    const key = JSON.stringify([filter.instanceType, filter.zone, filter.market]);
    this.#limits.set(key, { filter, instances, code });
  }

  setQuota(market: Market, vcpus: number): void {
    this.#quotas[market] = vcpus;
  }

  /** Null = one more instance of so many vCPUs may start beside those that EC2 still counts. */
  refusal(pool: Pool, vcpus: number, counted: readonly ModelInstance[]): Refusal | null {
    for (const { filter, instances, code } of this.#limits.values()) {
      if (!matches(pool, filter)) continue;
      if (counted.filter((each) => matches(each, filter)).length < instances) continue;
      return code === undefined ? noCapacity(pool) : { code, message: `${code} (declared for this pool)` };
    }
    const used = counted.filter((each) => each.market === pool.market).reduce((sum, each) => sum + each.vcpus, 0);
    return used + vcpus > this.#quotas[pool.market] ? overQuota(pool.market, this.#quotas[pool.market]) : null;
  }
}

function matches(pool: Pool, filter: PoolFilter): boolean {
  return (
    (filter.instanceType ?? pool.instanceType) === pool.instanceType &&
    (filter.zone ?? pool.zone) === pool.zone &&
    (filter.market ?? pool.market) === pool.market
  );
}

/** Codes: EC2 API error codes, "UnfulfillableCapacity" being the spot one. */
function noCapacity({ instanceType, zone, market }: Pool): Refusal {
  return market === "spot"
    ? {
        code: "UnfulfillableCapacity",
        message: "Unable to fulfill capacity due to your request configuration. Please adjust your request.",
      }
    : {
        code: "InsufficientInstanceCapacity",
        message: `We currently do not have sufficient ${instanceType} capacity in the Availability Zone you requested (${zone}).`,
      };
}

function overQuota(market: Market, vcpus: number): Refusal {
  return market === "spot"
    ? { code: "MaxSpotInstanceCountExceeded", message: "Max spot instance count exceeded" }
    : {
        code: "VcpuLimitExceeded",
        message: `You have requested more vCPU capacity than your current vCPU limit of ${vcpus} allows for the instance bucket that the specified instance type belongs to.`,
      };
}
