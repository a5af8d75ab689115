// What can be launched for a profile and at what price, under what is left of the budget. Pure.

import { type Market, type Offering, onDemandPrice, type Profile, type Site, vcpusOf } from "../config/index.ts";
import type { FailedOffering, Instance, OfferingChoice } from "./types.ts";

/** What is left of the budget, or used of it. */
export interface Budget {
  readonly instances: number;
  readonly vcpus: number;
  readonly dollarsPerHour: number;
}

export const UNLIMITED: Budget = {
  instances: Number.POSITIVE_INFINITY,
  vcpus: Number.POSITIVE_INFINITY,
  dollarsPerHour: Number.POSITIVE_INFINITY,
};
export const NO_BUDGET: Budget = { instances: 0, vcpus: 0, dollarsPerHour: 0 };

export function addBudget(left: Budget, more: Budget): Budget {
  return {
    instances: left.instances + more.instances,
    vcpus: left.vcpus + more.vcpus,
    dollarsPerHour: left.dollarsPerHour + more.dollarsPerHour,
  };
}

export function subtractBudget(left: Budget, used: Budget): Budget {
  return {
    instances: left.instances - used.instances,
    vcpus: left.vcpus - used.vcpus,
    dollarsPerHour: left.dollarsPerHour - used.dollarsPerHour,
  };
}

/** Dollars per hour. The schema guarantees a price for every offering of the config. */
export function priceOf(offering: Offering, market: Market, site: Site): number {
  const onDemand = offering.onDemandPricePerHour ?? onDemandPrice(offering.instanceType) ?? 0;
  if (market === "on-demand") return onDemand;
  return offering.spotPricePerHour ?? onDemand * site.builders.spotPriceRatio;
}

/** vCPUs that count against the budget. */
export function offeringVcpus(offering: Offering): number {
  return offering.vcpus ?? vcpusOf(offering.instanceType) ?? 0;
}

interface Cost {
  readonly pricePerHour: number;
  readonly vcpus: number;
}

type Priced = Pick<Instance, "instanceType" | "market" | "profile">;

/** A site is not changed once it is read, and a pass asks for every instance several times. */
const costsOf = new WeakMap<Site, Map<string | null, Map<string, Partial<Record<Market, Cost>>>>>();

/** Price and vCPUs of a running instance; of a type the config does not name, what the table knows. */
export function instanceCost(instance: Priced, site: Site): Cost {
  let costs = costsOf.get(site);
  if (costs === undefined) {
    costs = new Map();
    costsOf.set(site, costs);
  }
  const { profile, instanceType, market } = instance;
  const ofProfile = costs.get(profile) ?? new Map<string, Partial<Record<Market, Cost>>>();
  const ofType = ofProfile.get(instanceType) ?? {};
  const known = ofType[market];
  if (known !== undefined) return known;
  const cost = findCost(instance, site);
  ofType[market] = cost;
  costs.set(profile, ofProfile.set(instanceType, ofType));
  return cost;
}

function findCost(instance: Priced, site: Site): Cost {
  // Profiles may name prices of their own for one type: those of the instance's own profile come first.
  const { profiles } = site.builders;
  const own = profiles.filter((profile) => profile.name === instance.profile);
  const offering = [...own, ...profiles]
    .flatMap((profile) => profile.offerings)
    .find((each) => each.instanceType === instance.instanceType);
  if (offering !== undefined)
    return { pricePerHour: priceOf(offering, instance.market, site), vcpus: offeringVcpus(offering) };
  const onDemand = onDemandPrice(instance.instanceType) ?? 0;
  const ratio = instance.market === "spot" ? site.builders.spotPriceRatio : 1;
  return { pricePerHour: onDemand * ratio, vcpus: vcpusOf(instance.instanceType) ?? 0 };
}

/** What all instances that still exist leave of the budget; stopping ones count until they are gone. */
export function remainingBudget(instances: readonly Instance[], site: Site): Budget {
  const { maxInstances, maxVcpus, dollarsPerHour } = site.builders.budget;
  return instances
    .filter((each) => each.state !== "terminated")
    .map((each) => instanceCost(each, site))
    .map(({ vcpus, pricePerHour }) => ({ instances: 1, vcpus, dollarsPerHour: pricePerHour }))
    .reduce(subtractBudget, { instances: maxInstances, vcpus: maxVcpus, dollarsPerHour });
}

/** Tolerance for sums of prices: a tenth of a thousandth of a cent. */
const EPSILON = 1e-6;

/**
 * Offerings of a profile that did not fail lately and fit the budget: the first market's by price, then the next
 * market's. Each one fits on its own, so whichever EC2 gives is within bounds.
 */
export function chooseOfferings(
  profile: Profile,
  site: Site,
  failed: readonly FailedOffering[],
  budget: Budget,
  now: number,
): OfferingChoice[] {
  if (budget.instances < 1) return [];
  const markets = [...new Set(profile.offerings.flatMap((offering) => offering.markets))];
  const down = new Set(failed.filter((each) => each.until > now).map(offeringKey));
  return markets.flatMap((market) => {
    const choices: OfferingChoice[] = [];
    for (const offering of profile.offerings) {
      if (!offering.markets.includes(market) || offeringVcpus(offering) > budget.vcpus) continue;
      const pricePerHour = priceOf(offering, market, site);
      if (pricePerHour > budget.dollarsPerHour + EPSILON) continue;
      for (const subnet of site.builders.subnets) {
        const choice = { instanceType: offering.instanceType, market, zone: subnet.zone };
        if (!down.has(offeringKey(choice))) choices.push({ ...choice, subnetId: subnet.id, pricePerHour });
      }
    }
    return choices.sort((a, b) => a.pricePerHour - b.pricePerHour);
  });
}

/** Dollars an hour of what a profile's launch gets as long as nothing fails. */
export function usualPrice(profile: Profile, site: Site): number {
  return chooseOfferings(profile, site, [], UNLIMITED, 0)[0]?.pricePerHour ?? 0;
}

export function offeringKey(offering: Pick<FailedOffering, "instanceType" | "zone" | "market">): string {
  return `${offering.instanceType} ${offering.zone} ${offering.market}`;
}

/** The most one launch may take: what is put aside for it before the next one is planned. */
export function worstCase(choices: readonly OfferingChoice[], profile: Profile): Budget {
  const types = new Set(choices.map((choice) => choice.instanceType));
  const vcpus = profile.offerings.filter((each) => types.has(each.instanceType)).map(offeringVcpus);
  return {
    instances: 1,
    vcpus: Math.max(0, ...vcpus),
    dollarsPerHour: Math.max(0, ...choices.map((choice) => choice.pricePerHour)),
  };
}
