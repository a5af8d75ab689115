// Structured logs and EMF metrics by Powertools, behind the small interface that the fleet speaks to.

import type { Logger } from "@aws-lambda-powertools/logger";
import { type Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";

/** Where code says what it is about to do, and what it measured. */
export interface Telemetry {
  info(sentence: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(sentence: string, fields?: Readonly<Record<string, unknown>>): void;
  metric(name: string, unit: "Count" | "Seconds", value: number, dimensions?: Readonly<Record<string, string>>): void;
}

/** `stage` is a dimension of every metric, so that two stages in one account stay apart. */
export function openTelemetry(logger: Logger, metrics: Metrics, stage: string): Telemetry {
  return {
    info: (sentence, fields) => logger.info(sentence, { ...fields }),
    warn: (sentence, fields) => logger.warn(sentence, { ...fields }),
    metric(name, unit, value, dimensions = {}) {
      const single = metrics.singleMetric();
      for (const [key, text] of Object.entries({ stage, ...dimensions })) single.addDimension(key, text);
      single.addMetric(name, unit === "Count" ? MetricUnit.Count : MetricUnit.Seconds, value);
    },
  };
}
