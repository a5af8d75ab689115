// What a restore would do, in words, before anybody agrees to it: made from the manifest alone, pure.

import { planRestore, type RestoreTo, type VolumePlan, whyNotRestored } from "../../shared/backup/restore/plan.ts";
import type { Manifest } from "../../shared/backup/types.ts";
import { durationText, plural, timeText } from "../fleet/words.ts";
import { columns } from "./words.ts";

export type RestoreTelling =
  | { readonly kind: "refused"; readonly why: string }
  | {
      readonly kind: "planned";
      readonly warnings: readonly string[];
      readonly lines: readonly string[];
      readonly volumes: readonly VolumePlan[];
    };

export interface RestoreWish {
  readonly to: RestoreTo;
  /** The hub's region. */
  readonly home: string;
  readonly acceptUnproven: boolean;
  readonly now: number;
}

/**
 * The hub is taken as it was when the set was made; the machine looks at it as it is then and refuses where that does not
 * fit.
 */
export function tellRestore(manifest: Manifest, { to, home, acceptUnproven, now }: RestoreWish): RestoreTelling {
  const why = whyNotRestored(manifest, home, acceptUnproven);
  if (why !== null) return { kind: "refused", why: hinted(why, manifest, acceptUnproven) };
  const mounts = manifest.members.map(({ holds }) => holds).filter((holds) => holds.startsWith("/"));
  const plan = planRestore(manifest, manifest.hub, to, [...new Set(mounts)]);
  if (plan.kind === "refused") return plan;
  const { volumes } = plan;
  const lines = [
    aboutSet(manifest, now),
    ...(to === "replace" ? inPlace(manifest, volumes) : beside(manifest, volumes)),
  ];
  return { kind: "planned", warnings: warningsOf(manifest, to, now), lines, volumes };
}

function hinted(why: string, { id, state }: Manifest, acceptUnproven: boolean): string {
  if (state !== "unverified" || acceptUnproven) return why;
  return `${why} (\`toji backup drill ${id}\`, or --accept-unproven)`;
}

function aboutSet({ id, instant, state, grade, drills }: Manifest, now: number): string {
  const when = instant === null ? "" : ` of ${timeText(instant)} (${durationText(now - instant)} ago)`;
  const measured = drills.findLast(({ rtoSeconds }) => rtoSeconds !== null)?.rtoSeconds ?? null;
  const time = measured === null ? "" : `; its drill took ${durationText(measured)}`;
  return `restores ${id}${when}, ${state}, ${grade}${time}`;
}

function warningsOf({ state, grade, instant, id }: Manifest, to: RestoreTo, now: number): string[] {
  const lost = instant === null ? null : durationText(now - instant);
  return [
    ...(state === "verified" ? [] : [`no drill has proved ${id}: it may hold damage that nobody has seen`]),
    ...(grade === "application"
      ? []
      : [`its grade is ${grade}: PostgreSQL has to recover, and the tree may not fit the database`]),
    ...(to === "replace" && lost !== null
      ? [
          `what the hub did in the last ${lost} will be gone from it: builds, tags, repos; the restore point keeps it aside`,
        ]
      : []),
  ];
}

function beside({ hub }: Manifest, volumes: readonly VolumePlan[]): string[] {
  return [
    `makes ${plural(volumes.length, "new volume")} in ${volumes[0]?.zone ?? hub.zone}:`,
    ...volumeRows(volumes),
    "attaches nothing, stops nothing: the hub does not notice",
  ];
}

function inPlace({ hub }: Manifest, volumes: readonly VolumePlan[]): string[] {
  const held = volumes.map(({ holds }) => holds).join(" and ");
  const replaced = new Set(volumes.map((each) => each.replaces));
  const boot = hub.volumes.find(({ isBoot }) => isBoot);
  const others = hub.volumes.filter(({ volume, isBoot }) => !isBoot && !replaced.has(volume));
  return [
    `1. takes a restore point: a backup set of ${hub.instanceId} as it is now`,
    `2. makes ${plural(volumes.length, "new volume")} in ${volumes[0]?.zone ?? hub.zone}:`,
    ...volumeRows(volumes),
    `3. stops the hub (httpd, kojira, PostgreSQL and what else uses them) and unmounts ${held}: users get no answer from here on`,
    "4. swaps the volumes:",
    ...volumes.map(
      ({ device, holds, replaces }) => `   ${device} (${holds}): ${replaces ?? "nothing"} goes, a new one comes`,
    ),
    "5. mounts them, starts the hub, and asks its API",
    `keeps ${[...replaced].filter((each) => each !== null).join(", ") || "nothing"}: detached, never deleted`,
    ...(boot === undefined ? [] : [`does not touch the boot volume ${boot.volume}`]),
    ...others.map(({ volume, device }) => `does not touch ${volume} (${device})`),
    "if a step fails, the old volumes are put back and the hub is started from them",
  ];
}

function volumeRows(volumes: readonly VolumePlan[]): string[] {
  const rows = volumes.map(({ snapshot, holds, sizeGiB, type, iops, throughput }) => [
    snapshot,
    holds,
    `${sizeGiB} GiB`,
    [type, iops === null ? null : `${iops} IOPS`, throughput === null ? null : `${throughput} MiB/s`]
      .filter((each) => each !== null)
      .join(", "),
  ]);
  return columns(["from", "holds", "size", "type"], rows).map((row) => `   ${row}`);
}
