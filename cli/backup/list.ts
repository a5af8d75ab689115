// `toji backup list`: the numbers people watch, and a table of the sets, as the last look at them found it.

import { minuteText } from "../../shared/backup/calendar.ts";
import type { CatalogFile, CatalogSet } from "../../shared/backup/catalog-file.ts";
import { backupSchema } from "../../shared/config/index.ts";
import { type Answer, Problem } from "../fleet/scene.ts";
import { durationText, plural, timeText } from "../fleet/words.ts";
import { EXIT } from "../io.ts";
import type { BackupScene } from "./scene.ts";
import { bytesText, columns, dollarsText, millisecondsText } from "./words.ts";

/** The look at the sets is hourly. */
const STALE_SECONDS = 3 * 3600;

export async function list(scene: BackupScene): Promise<Answer> {
  scene.store();
  const catalog = await scene.catalog();
  if (catalog === null) {
    throw new Problem(
      "nobody has looked at the sets yet: the stack does so every hour, is it deployed and its schedule on?",
    );
  }
  const { verifiedAgeHours, retention } = scene.site?.backup ?? backupSchema.parse({});
  const numbers = numbersOf(catalog, scene.now);
  const problems = problemsOf(catalog, numbers, scene.now, verifiedAgeHours);
  const { at, site, region, sets, disagreements, unknown, others, protection, newestVerified } = catalog;
  return {
    code: problems.length === 0 ? EXIT.fine : EXIT.problem,
    json: {
      ok: problems.length === 0,
      problems,
      at,
      site,
      region,
      newestVerified,
      numbers,
      disagreements,
      unknown,
      others,
      protection,
      sets,
    },
    lines: [
      ...problems.map((problem) => `WARNING: ${problem}`),
      ...numberLines(catalog, numbers),
      ...disagreements.map((sentence) => `disagreement: ${sentence}`),
      ...unknown.map((sentence) => `unknown snapshot: ${sentence}`),
      ...others.map((sentence) => `note: ${sentence}`),
      ...protection.map((sentence) => `unprotected: ${sentence}`),
      ...(sets.length === 0 ? [] : ["", ...tableOf(sets, retention.timezone)]),
    ],
  };
}

export interface BackupNumbers {
  /** Age of the newest verified set; null = there is none. */
  readonly rpoSeconds: number | null;
  /** Of the newest drill that measured it. */
  readonly rtoSeconds: number | null;
  readonly byState: Readonly<Record<string, number>>;
  /** Of all sets that were measured. */
  readonly dollarsPerMonth: number;
  readonly unmeasured: number;
  /** Of the newest set that was frozen, and the longest of all. */
  readonly freezeMilliseconds: { readonly newest: number; readonly longest: number } | null;
}

/** Pure. */
export function numbersOf({ sets, newestVerified }: CatalogFile, now: number): BackupNumbers {
  const byState: Record<string, number> = {};
  for (const { state } of sets) byState[state] = (byState[state] ?? 0) + 1;
  const freezes = sets.flatMap(({ freezeMilliseconds: each }) => (each === null ? [] : [each]));
  const costs = sets.flatMap(({ dollarsPerMonth: each }) => (each === null ? [] : [each]));
  const [newest] = freezes;
  return {
    rpoSeconds: newestVerified === null ? null : now - newestVerified.instant,
    rtoSeconds: sets.find(({ rtoSeconds }) => rtoSeconds !== null)?.rtoSeconds ?? null,
    byState,
    dollarsPerMonth: costs.reduce((sum, each) => sum + each, 0),
    unmeasured: sets.length - costs.length,
    freezeMilliseconds: newest === undefined ? null : { newest, longest: Math.max(...freezes) },
  };
}

function problemsOf(
  { at, disagreements, protection }: CatalogFile,
  { rpoSeconds }: BackupNumbers,
  now: number,
  verifiedAgeHours: number,
): string[] {
  const stale = now - at > STALE_SECONDS;
  const old = rpoSeconds !== null && rpoSeconds > verifiedAgeHours * 3600;
  return [
    ...(stale
      ? [`nobody has looked at the sets for ${durationText(now - at)}: look at the function's log and at its alarms`]
      : []),
    ...(rpoSeconds === null
      ? ["no set is verified, so nobody knows that any can be restored: `toji backup drill`"]
      : []),
    ...(old
      ? [
          `the newest verified set is ${durationText(rpoSeconds)} old, more than ${verifiedAgeHours} h: \`toji backup drill\``,
        ]
      : []),
    ...(disagreements.length > 0
      ? [`${plural(disagreements.length, "disagreement")} between tags, manifests and AWS`]
      : []),
    ...(protection.length > 0
      ? [`the hub is not protected against a mistake in ${plural(protection.length, "way")}`]
      : []),
  ];
}

function numberLines({ at, site, region, newestVerified, sets }: CatalogFile, numbers: BackupNumbers): string[] {
  const { rpoSeconds, rtoSeconds, byState, dollarsPerMonth, unmeasured, freezeMilliseconds } = numbers;
  const states = Object.entries(byState).map(([state, count]) => `${count} ${state}`);
  const missing = unmeasured === 0 ? "" : `, ${plural(unmeasured, "set")} not measured`;
  return [
    `backup sets of ${site} in ${region}, as of ${timeText(at)}`,
    `newest verified set (RPO): ${rpoSeconds === null ? "none" : `${durationText(rpoSeconds)} old, ${newestVerified?.id}`}`,
    `restore time (RTO): ${rtoSeconds === null ? "not measured" : `${durationText(rtoSeconds)}, in the newest drill that measured it`}`,
    `sets: ${sets.length === 0 ? "none" : states.join(", ")}`,
    `cost: ${dollarsText(dollarsPerMonth)} a month${missing}`,
    `freeze window: ${
      freezeMilliseconds === null
        ? "not measured"
        : `${millisecondsText(freezeMilliseconds.newest)} at the newest set, ${millisecondsText(freezeMilliseconds.longest)} at most`
    }`,
  ];
}

function tableOf(sets: readonly CatalogSet[], timezone: string): string[] {
  const rows = sets.map((set) => [
    set.id,
    set.instant === null ? "-" : minuteText(set.instant, timezone),
    set.grade,
    set.state,
    placesText(set),
    millisecondsText(set.freezeMilliseconds),
    bytesText(set.changedBytes),
    dollarsText(set.dollarsPerMonth),
    set.notes.join("; "),
  ]);
  const instant = `instant (${timezone})`;
  return columns(["set", instant, "grade", "state", "snapshots", "freeze", "changed", "$/month", "notes"], rows);
}

/** "2", or with copies "2 in eu-west-1, 1 of 2 in eu-central-1". */
function placesText({ regions }: CatalogSet): string {
  const places = Object.entries(regions).map(([region, { completed, expected }]) => ({
    region,
    text: completed === expected ? String(expected) : `${completed} of ${expected}`,
  }));
  if (places.length === 1) return places[0]?.text ?? "-";
  return places.map(({ region, text }) => `${text} in ${region}`).join(", ") || "-";
}
