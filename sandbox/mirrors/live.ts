// Mirrors of the live sandbox: opened beside the fleet and the backups, and said in a few lines for terminal and page.

import type { MirrorStatus } from "../../shared/mirrors/index.ts";
import { VERDICTS } from "../../shared/mirrors/types.ts";
import type { Board } from "../backup/board.ts";
import type { LiveBackups } from "../backup/live.ts";
import { HOME } from "../backup/site.ts";
import { BUCKET } from "../backup/world.ts";
import type { ConsoleState } from "../console/index.ts";
import { BUILD_TAGS } from "../day.ts";
import { statesUnderWay } from "../machines/index.ts";
import type { Sandbox } from "../sandbox.ts";
import { Random } from "../world/random.ts";
import { type DeployedMirrors, type MirrorWorld, openMirrorWorld } from "./world.ts";

/** So that there is something to see at once. */
const OPENING_SECONDS = 30;
const REFRESH_SECONDS = 60;

export interface LiveMirrors {
  readonly world: MirrorWorld;
  readonly deployed: DeployedMirrors;
  look(): NonNullable<ConsoleState["mirrors"]>;
  close(): void;
}

/** The hub has its tags; the answer's `beside` goes to the account's Step Functions before `startLiveMirrors`. */
export function openLiveMirrorWorld({ clock, hub, site, aws }: Sandbox, seed: string): MirrorWorld {
  const random = new Random(seed).fork("mirrors");
  return openMirrorWorld({ clock, hub, site, random, tags: BUILD_TAGS, ssm: aws.clients.ssm });
}

export function startLiveMirrors(
  { clock }: Pick<Sandbox, "clock">,
  world: MirrorWorld,
  backups: Pick<LiveBackups, "world" | "endpoint">,
): LiveMirrors {
  const { machines, aws } = backups.world;
  const deployed = world.deploy({ clients: aws.clients, machines, bucket: BUCKET });
  const restoreEnvironment = setEnvironment({
    TOJI_MIRROR_CHECK_MACHINE: machines.arnOf("toji-mirror-check"),
    TOJI_MIRROR_SWITCH_MACHINE: machines.arnOf("toji-mirror-switch"),
  });
  const ends = [deployed.startSchedule(), deployed.startLife(), world.close, restoreEnvironment];
  const cancelOpening = clock.after(OPENING_SECONDS, () => deployed.check("opening-check"));
  let status: MirrorStatus | null = null;
  let cancel = () => {};
  const refresh = async () => {
    status = await deployed.status();
    cancel = clock.after(REFRESH_SECONDS, refresh);
  };
  cancel = clock.after(REFRESH_SECONDS, refresh);
  return {
    ...{ world, deployed },
    look: () => ({
      summary: status === null ? "not looked at yet" : summaryOf(status, clock.now()),
      running: statesUnderWay(machines, ["toji-mirror-switch"]),
      news: newsOf(world.board),
      command: `npx toji mirrors list --endpoint ${backups.endpoint} --bucket ${BUCKET} --region ${HOME}`,
    }),
    close() {
      for (const end of [cancelOpening, cancel, ...ends]) end();
    },
  };
}

/** Verdicts of what builds use, best first; then what could take its place, and the rpms that builds depend on. */
export function summaryOf({ at, repos }: MirrorStatus, now: number): string {
  const looks = repos.flatMap((repo) => repo.looks);
  const counts = (role: string) => {
    const own = looks.filter((look) => look.role === role);
    return VERDICTS.flatMap((verdict) => {
      const count = own.filter((look) => look.verdict === verdict).length;
      return count === 0 ? [] : [`${count} ${verdict.replaceAll("_", " ")}`];
    }).join(", ");
  };
  const candidates = counts("candidate");
  const total = looks.reduce((sum, { live }) => sum + (live?.total ?? 0), 0);
  const missing = looks.reduce((sum, { live }) => sum + (live?.missing ?? 0), 0);
  return [
    counts("current") || "no external repo",
    ...(candidates === "" ? [] : [`candidates ${candidates}`]),
    `${missing} of ${total} live rpms gone`,
    `looked at ${Math.round((now - at) / 60)} min ago`,
  ].join("; ");
}

/** The newest warning, or how a switch ended, which is news though nothing is wrong. */
function newsOf({ sentences }: Board): string | null {
  const newest = sentences.findLast(({ isWarning, text }) => isWarning || text.startsWith("switch "));
  return newest === undefined ? null : `${new Date(newest.at * 1000).toISOString().slice(11, 16)} ${newest.text}`;
}

/** As the stack sets it for the functions. Returns how to take it back. */
function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
