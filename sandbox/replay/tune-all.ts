// `npm run tune:policy [-- TRACE ...]`: searches the known traces again and keeps the winners in winners.json.

import { fileURLToPath } from "node:url";
import { type CrewStage, openStage } from "./crew.ts";
import { BOOT_TIMES, MISHAPS } from "./engine/setting.ts";
import { identifyTrace, type TraceChoice } from "./load.ts";
import { FAMILIES } from "./policies/index.ts";
import { tune } from "./tuning.ts";
import { hashOfGrids, identifySite, keepWinners } from "./winners.ts";

const WAIT_VALUES = [1, 5, 25];
const SEED = 1;

interface Known {
  readonly word: string;
  readonly name: string;
  readonly spacingSeconds: number;
}

const file = (name: string) => fileURLToPath(new URL(`../../test/fixtures/traces/${name}.jsonl.gz`, import.meta.url));
const known = (word: string, name: string, spacingSeconds = 5): Known => ({ word, name, spacingSeconds });

/** In this order: the quick ones first. */
const KNOWN: readonly Known[] = [
  known("mobile-1-decision", file("firefox-ci-mobile-1-decision")),
  known("mobile-3-decision", file("firefox-ci-mobile-3-decision")),
  known("mobile-3-b", file("firefox-ci-mobile-3-b-linux-large")),
  known("cbs", "synthetic:cbs"),
  known("linux-large", file("firefox-ci-gecko-t-t-linux-large")),
  known("foreman", file("foreman-2020")),
  known("mass-rebuild", "synthetic:mass-rebuild"),
  known("foreman-0", file("foreman-2020"), 0),
  known("foreman-15", file("foreman-2020"), 15),
];

const asked = process.argv.slice(2);
const unknown = asked.find((word) => !KNOWN.some((each) => each.word === word));
if (unknown === undefined) {
  for (const each of KNOWN) if (asked.length === 0 || asked.includes(each.word)) await tuneKnown(each);
} else {
  console.error(`there is no trace "${unknown}": choose from ${KNOWN.map(({ word }) => word).join(", ")}`);
  process.exitCode = 2;
}

async function tuneKnown({ word, name, spacingSeconds }: Known): Promise<void> {
  const began = performance.now();
  const choice: TraceChoice = { name, seed: SEED, spacingSeconds, serviceFactor: 1 };
  const stage: CrewStage = {
    trace: choice,
    site: null,
    tasksPerBuilder: null,
    seed: SEED,
    boot: BOOT_TIMES,
    mishaps: MISHAPS,
  };
  const { trace, site } = await openStage(stage);
  const about = {
    trace: identifyTrace(choice),
    name: spacingSeconds === 5 ? trace.name : `${trace.name} (spacing ${spacingSeconds} s)`,
    tasks: trace.tasks.length,
    spanHours: Math.round(trace.spanSeconds / 360) / 10,
    isFlat: trace.tasks.every(({ parent }) => parent === null),
  };
  const { winners, replays, cut } = await tune(stage, FAMILIES, WAIT_VALUES, (done, all) => {
    if (done % 20 === 0) console.error(`${word}: ${done} of ${all} replays, ${secondsSince(began)} s`);
  });
  keepWinners({
    ...about,
    name: name.startsWith("synthetic:") ? name : about.name,
    site: identifySite(site, true),
    grids: hashOfGrids(),
    seed: SEED,
    winners: winners.map((each) => ({ ...each, families: { ...each.families } })),
  });
  console.error(`${word}: ${replays} replays, ${cut} of them cut, ${secondsSince(began)} s`);
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 1000);
}
