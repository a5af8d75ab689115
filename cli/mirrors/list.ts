// `toji mirrors list`: the hub's external repos as the last run of the checks found them.

import type { MirrorStatus } from "../../shared/mirrors/index.ts";
import { columns } from "../backup/words.ts";
import type { Answer } from "../fleet/scene.ts";
import { durationText, oneLine } from "../fleet/words.ts";
import { EXIT, UsageError } from "../io.ts";
import type { MirrorScene } from "./scene.ts";

/** Runs come every 15 minutes: three that are missing are a problem of their own. */
const STALE_SECONDS = 45 * 60;

export async function list(scene: MirrorScene, [extra]: readonly string[]): Promise<Answer> {
  if (extra !== undefined) throw new UsageError(`list takes no "${extra}"`);
  const status = await scene.status();
  const stale = scene.now - status.at > STALE_SECONDS;
  const current = status.repos.flatMap(({ looks }) => looks.filter(({ role }) => role === "current"));
  const ok = !stale && current.every(({ verdict }) => verdict === "ok");
  return {
    code: ok ? EXIT.fine : EXIT.problem,
    json: { ok, stale, ...status },
    lines: linesOf(status, scene.now, stale),
  };
}

function linesOf({ at, repos, sentences }: MirrorStatus, now: number, stale: boolean): string[] {
  const rows = repos.flatMap(({ name, url, local, uses, looks }) =>
    looks.length === 0
      ? [[name, "-", local ?? (uses.length === 0 ? "unused" : "not looked at"), "-", "-", "-", url]]
      : looks.map((look) => [
          name,
          look.arch,
          look.role === "current" ? look.verdict : `${look.verdict} (${look.role})`,
          look.lagSeconds === null ? "-" : durationText(look.lagSeconds),
          look.live === null ? "-" : `${look.live.total - look.live.missing}/${look.live.total}`,
          `${durationText(now - look.at)} ago`,
          look.url,
        ]),
  );
  const failing = repos.flatMap(({ name, looks }) =>
    looks.flatMap(({ arch, role, failing: checks }) =>
      checks.map(
        (each) => `${name} ${arch}${role === "current" ? "" : ` (${role})`}: ${each.name}: ${oneLine(each.detail)}`,
      ),
    ),
  );
  const under = repos.flatMap(({ name, switch: last }) =>
    last === null ? [] : [`${name}: switch ${last.state} (${last.from} -> ${last.to}, by ${last.by})`],
  );
  return [
    `as of ${durationText(now - at)} ago${stale ? ": OLD, no run has ended since; look at the machine mirror-check" : ""}`,
    ...(rows.length === 0
      ? ["the hub has no external repo"]
      : columns(["repo", "arch", "verdict", "lag", "live rpms", "looked at", "url"], rows)),
    ...failing,
    ...under,
    ...sentences.map(oneLine),
  ];
}
