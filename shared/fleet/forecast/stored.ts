// The forecast's memory as it lies in the bucket: its shape.

import * as z from "zod";
import type { ForecastMemory } from "./memory.ts";

const seconds = z.number();
const times = z.object({ count: z.number(), mean: z.number(), variance: z.number() });
const mean = z.object({ count: z.number(), seconds });
const pair = z.tuple([seconds, z.number()]).readonly();

const shards = <T extends z.ZodType>(value: T) => z.record(z.string(), z.record(z.string(), value));

const group = z.object({
  came: z.array(pair),
  hours: z.record(z.string(), z.number()),
  looks: z.array(z.object({ at: seconds, situation: z.array(z.string()), expected: z.number() })),
  rises: z.record(z.string(), z.record(z.string(), z.object({ ticks: z.number(), bins: z.array(z.number()) }))),
});
const path = z.object({ boot: mean, ready: mean, underWay: z.record(z.string(), seconds.nullable()) });

const family = z.object({
  method: z.string(),
  package: z.string().nullable(),
  target: z.string().nullable(),
  stage: z.enum(["queued", "first", "between", "out"]),
  since: seconds.nullable(),
  buildTag: z.string().nullable(),
});

export const forecastSchema: z.ZodType<ForecastMemory> = z.object({
  at: seconds.nullable(),
  newestTask: z.number(),
  groups: z.record(z.string(), group),
  paths: z.record(z.string(), path),
  keeps: z.record(z.string(), z.array(pair)),
  graph: z.object({
    families: z.record(z.string(), family),
    fanOuts: shards(z.object({ bins: z.array(z.string()), at: seconds })),
    tags: shards(z.string()),
    noarch: z.object({ count: z.number(), of: z.number() }),
    byMethod: shards(times),
    byPackage: shards(times),
    ended: shards(z.object({ count: z.number(), failed: z.number() })),
  }),
  work: z.object({
    running: z.array(z.object({ id: z.number(), kind: z.string(), own: z.string().nullable(), since: seconds, times })),
    byKind: shards(times),
    byPackage: shards(times),
  }),
});
