// What a launch and an idle builder cost, what waits are worth, and the sentences that compare them. Pure.

import type { Site } from "../../config/index.ts";
import type { Relief } from "./capacity.ts";

/** A launch ahead of demand costs a boot and a hold, which are about equal. */
const LAUNCH_COST = 2;
/** Keeping also costs the drain that follows later, a scheduler run and a poll, so a little more than its own time. */
const KEEP_COST = 1.2;

export interface Thresholds {
  /** Expected tasks that a builder must relieve to be worth launching, and keeping. */
  readonly launch: number;
  readonly keep: number;
}

/**
 * A launch ahead of demand costs a boot and a hold, which are about equal, and the fee; keeping one costs the same time
 * once. What either saves is a wait of one boot for each task that it takes.
 */
export function thresholdsFor(pricePerHour: number, leadSeconds: number, site: Site): Thresholds {
  const { waitValuePerHour, launchFee } = site.builders;
  if (waitValuePerHour === 0) return { launch: Number.POSITIVE_INFINITY, keep: Number.POSITIVE_INFINITY };
  return {
    launch: (LAUNCH_COST * pricePerHour + (launchFee * 3600) / leadSeconds) / waitValuePerHour,
    keep: (KEEP_COST * pricePerHour) / waitValuePerHour,
  };
}

/**
 * A burst is seldom over when it is seen: what follows is about exponential, with a mean of 0.8 of what finds no room now
 * (measured on recorded traces, docs/policy.md). The dearer a wait, the more of it is launched for.
 */
export function burstAfter(shortage: number, launchThreshold: number): number {
  return shortage * BURST_MEAN * Math.max(0, Math.log(1 / launchThreshold) - BURST_ONSET);
}

const BURST_MEAN = 0.8;
const BURST_ONSET = 0.7;

export interface Figures {
  readonly pricePerHour: number;
  readonly leadSeconds: number;
  readonly demand: number;
  /** Expected tasks from builds under way. */
  readonly coming: number;
  /** Tasks that are likely to follow those that find no room now. */
  readonly burst: number;
  /** Builders whose expected relief is worth a launch. */
  readonly worthy: number;
  readonly relief: Relief;
  readonly tasksPerBuilder: number;
  readonly site: Site;
}

const tenth = (value: number) => String(Math.round(value * 10) / 10);
const dollars = (value: number) => `$${value >= 0.1 ? value.toFixed(2) : value.toFixed(4)}`;

/** "demand is 3 task(s), 1.6 more come from ...; ... builder 5 may come to take 0.4: launching it costs $0.0091, ..." */
export function launchSentence(figures: Figures): string {
  const { pricePerHour, leadSeconds, demand, coming, burst, worthy, relief, tasksPerBuilder, site } = figures;
  const last = Math.max(1, worthy);
  const taken = relief.of(last);
  const cost = (LAUNCH_COST * pricePerHour * leadSeconds) / 3600 + site.builders.launchFee;
  const worth = (taken * leadSeconds * site.builders.waitValuePerHour) / 3600;
  const per = tasksPerBuilder === 1 ? "" : ` (${tasksPerBuilder} a builder)`;
  const more = coming < 0.05 ? "" : `, ${tenth(coming)} more come from builds under way`;
  const follow = burst < 0.05 ? "" : `, ${tenth(burst)} more may follow what finds no room now`;
  return `demand is ${tenth(demand)} task(s)${per}${more}${follow}; in the ${Math.round(leadSeconds)} s of a boot builder ${last} may come to take ${tenth(taken)}: launching it costs ${dollars(cost)}, the wait saved is worth ${dollars(worth)}`;
}

export function keepSentence(kept: number, figures: Figures): string {
  const { pricePerHour, leadSeconds, relief, site } = figures;
  const cost = (KEEP_COST * pricePerHour * leadSeconds) / 3600;
  const worth = (builder: number) => (relief.of(builder) * leadSeconds * site.builders.waitValuePerHour) / 3600;
  if (kept === 0)
    return `none is worth keeping: one costs ${dollars(cost)} for the time of a boot, the wait it may save is worth ${dollars(worth(1))}`;
  return `${kept} ${kept === 1 ? "is" : "are"} worth keeping: one more costs ${dollars(cost)} for the time of a boot, the wait it may save is worth ${dollars(worth(kept + 1))}`;
}
