// What an onlooker hears of the functions: sentences, and the metrics that the alarms look at.

import type { Clock } from "../../shared/clock.ts";
import type { Telemetry } from "../../shared/telemetry.ts";

export interface Measured {
  readonly at: number;
  readonly name: string;
  readonly value: number;
}

export class Board implements Telemetry {
  readonly sentences: { readonly at: number; readonly isWarning: boolean; readonly text: string }[] = [];
  readonly metrics: Measured[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  info(text: string): void {
    this.sentences.push({ at: this.#clock.now(), isWarning: false, text });
  }

  warn(text: string): void {
    this.sentences.push({ at: this.#clock.now(), isWarning: true, text });
  }

  metric(name: string, _unit: "Count" | "Seconds", value: number): void {
    this.metrics.push({ at: this.#clock.now(), name, value });
  }

  /** How often a metric said more than nothing, in a span of time. */
  raised(name: string, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY): number {
    return this.metrics.filter((each) => each.name === name && each.value > 0 && each.at >= from && each.at <= to)
      .length;
  }
}
