// The report of a replay as a file: what the page needs besides the answer, and where it is written.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import type { Compared, Replayed } from "../../sandbox/replay/answer.ts";
import type { ReplayOrder } from "../../sandbox/replay/line-up.ts";
import type { ReportInput } from "../../sandbox/replay/report/input.ts";
import type { Objective } from "../../sandbox/replay/result.ts";
import { testDurations } from "../../sandbox/replay/sensitivity.ts";
import { type Offering, PRICE_TABLE, type Profile, type Site } from "../../shared/config/index.ts";
import { DEFAULT_HUB_OPTIONS } from "../../shared/hub/index.ts";
import { UsageError } from "../io.ts";

type WriteReport = (
  replayed: Replayed,
  order: ReplayOrder,
  command: string,
  tell: (line: string) => void,
) => Promise<void>;

/** Throws at once if the file could not be written, not after minutes of replays. */
export function reportWriter(file: string): WriteReport {
  const folder = statSync(dirname(file === "" ? "/" : file), { throwIfNoEntry: false });
  if (file === "" || folder === undefined || !folder.isDirectory()) {
    throw new UsageError(`--report ${file}: there is no such folder; name a file, for example --report out.html`);
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new UsageError(`--report ${file}: it is a folder; name a file, for example --report out.html`);
  }
  return async (replayed, order, command, tell) => {
    const whole = replayed.answer.objective.filter(isWhole);
    const sensitivity = await testDurations(order.stage, replayed.stage, whole, tell);
    // The plots' library is large, and other commands do without.
    const { renderReport } = await import("../../sandbox/replay/report/report.ts");
    writeFileSync(file, renderReport({ ...inputOf(replayed, order, command, whole), sensitivity }));
  };
}

function isWhole(compared: Compared): compared is Objective {
  return compared.toji !== null && compared.bestBaseline !== null && compared.bestBaselineAtDefaults !== null;
}

function inputOf(
  { answer, stage, details, bounds }: Replayed,
  { stage: asked }: ReplayOrder,
  command: string,
  objective: readonly Objective[],
): Omit<ReportInput, "sensitivity"> {
  const { site, trace, boot, mishaps } = stage;
  const onlyMadeUp = asked.trace.name.startsWith("synthetic:");
  const [first] = bounds.objective;
  return {
    answer: { ...answer, objective },
    details,
    bounds: {
      note: [bounds.work.note, bounds.zeroWait.note, ...(first === undefined ? [] : [first.bound.note])].join(" "),
      work: { taskHours: bounds.taskHours, instanceHours: bounds.instanceHours },
    },
    calibration: calibrationOf(details),
    setting: {
      command,
      config: [...describeSite(site, asked.site === null), ...answer.notes],
      prices: PRICE_TABLE,
      hubOptions: { ...DEFAULT_HUB_OPTIONS, ...site.hub.options, pollSeconds: site.builders.pollSeconds },
      boot: `log-normal, median ${boot.median} s, 95th percentile ${boot.p95} s; ${percent(mishaps.bootFailureRate)} of launches never check in, ${percent(mishaps.capacityErrorRate)} find no capacity, spot builders are lost at ${percent(mishaps.spotLossPerHour)} an hour`,
      seed: Number(asked.seed),
      recorded: onlyMadeUp ? [] : [recordedSentence(trace.synthetic.length > 0)],
    },
    versionLine: `toji ${versionOf()}`,
  };
}

/** Of Toji at the middle one of its wait values. */
function calibrationOf(details: Replayed["details"]): ReportInput["calibration"] {
  const of = Object.entries(details).flatMap(([key, detail]) => (key.startsWith("toji ") ? [detail.calibration] : []));
  return of[Math.floor(of.length / 2)] ?? null;
}

function recordedSentence(partly: boolean): string {
  return partly
    ? "When things were submitted, as the trace file tells; what is made up besides stands opposite."
    : "When each task appeared, what it waited for, and how long it worked, as the trace file tells.";
}

function describeSite({ builders }: Site, isMade: boolean): string[] {
  const { profiles, launchFee } = builders;
  return [
    ...(isMade
      ? ["No --config was given: a profile was made for each arch, with as many slots as the trace needs."]
      : []),
    ...profiles.map(describeProfile),
    `Each launch costs a fee of $${launchFee} beside its hours.`,
  ];
}

function describeProfile({ name, capacity, maxJobs, slots, max, offerings }: Profile): string {
  const kinds = offerings.map((each) => `${each.instanceType}${describePrice(each)}`).join(", ");
  return `${name}: ${kinds}; capacity ${capacity}, up to ${maxJobs} tasks each, up to ${max ?? slots.count} builders.`;
}

function describePrice({ markets }: Offering): string {
  return ` (${markets.join(", ")})`;
}

const percent = (share: number) => `${Number((share * 100).toPrecision(3))} %`;

function versionOf(): string {
  const file = new URL("../../package.json", import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, "utf8"))).version;
}
