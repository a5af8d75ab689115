// Any state of the console, with the names and sentences that nobody expects.

import fc from "fast-check";
import type { ConsoleState, ShownDecision } from "../../sandbox/console/index.ts";
import type { BinQueue, BuilderView } from "../../shared/fleet/types.ts";
import { busyState, PHASES } from "./states.ts";

const anyNumber = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.double({ min: 0, max: 1e7 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1),
);
const anyText = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("ビルダー-01", "e\u0301\u0302", "👩‍👩‍👧‍👦", "\x1b[31mred\x1b[0m\r\n", "\u202eabc", "x".repeat(300)),
);
const anySentence = fc
  .tuple(
    fc.constantFrom("launch", "drain", "terminate", "enable", "no change", ""),
    fc.array(anyText, { maxLength: 12 }),
  )
  .map(([verb, words]) => `${verb} ${words.join(" ")}: ${words.toReversed().join(" ")}`);

const anyBin: fc.Arbitrary<BinQueue> = fc.record({
  channel: anyText,
  arch: anyText,
  free: fc.nat({ max: 3000 }),
  oldestSeconds: anyNumber,
  weight: anyNumber,
});

const anyBuilder: fc.Arbitrary<BuilderView> = fc.record({
  slot: anyText,
  profile: fc.constantFrom("default-x86", "default-arm", "もの"),
  phase: fc.constantFrom(...PHASES),
  instanceId: fc.constantFrom(null, "i-0123456789abcdef0"),
  instanceType: fc.option(anyText),
  market: fc.constantFrom("spot", "on-demand", null),
  pricePerHour: anyNumber,
  tasks: fc.nat({ max: 40 }),
  load: anyNumber,
});

const anyDecision: fc.Arbitrary<ShownDecision> = fc.record({
  at: anyNumber,
  changes: fc.array(anySentence, { maxLength: 8 }),
  keep: fc.array(anySentence, { maxLength: 8 }),
  notes: fc.array(anySentence, { maxLength: 4 }),
});

export const anyConsoleState: fc.Arbitrary<ConsoleState> = fc.record({
  now: anyNumber,
  speed: anyNumber,
  hubUrl: anyText,
  pageUrl: anyText,
  queue: fc.array(anyBin, { maxLength: 20 }),
  builders: fc.array(anyBuilder, { maxLength: 60 }),
  capacities: fc.constantFrom({}, { "default-x86": 3, "default-arm": 0 }),
  tasks: fc.constant(busyState().tasks),
  backups: fc.record({ summary: anyText, running: fc.array(anyText, { maxLength: 5 }), command: anyText }),
  mirrors: fc.record({
    summary: anyText,
    running: fc.array(anyText, { maxLength: 5 }),
    news: fc.option(anyText),
    command: anyText,
  }),
  decisions: fc.array(anyDecision, { maxLength: 20 }),
  totals: fc.record({
    tasksDone: anyNumber,
    waitP50Seconds: anyNumber,
    waitP95Seconds: anyNumber,
    instanceHours: anyNumber,
    dollars: anyNumber,
    launches: anyNumber,
    pricePerHour: anyNumber,
  }),
  history: fc.array(fc.record({ at: anyNumber, free: anyNumber, running: anyNumber, builders: anyNumber }), {
    maxLength: 100,
  }),
});
