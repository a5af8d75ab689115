// `toji backup`: sets are made, listed, proved and restored; the machines do it, this starts and tells.

import { parseArgs } from "node:util";
import { nearestOf } from "../../shared/config/index.ts";
import { awsSentence } from "../aws-failure.ts";
import { list } from "../backup/list.ts";
import { restore } from "../backup/restore.ts";
import { type BucketArgs, retentionCommand, type StoredCatalog } from "../backup/retention.ts";
import {
  BACKUP_OPTIONS,
  type BackupArgs,
  type BackupScene,
  type BackupWorld,
  COMMON_OPTIONS,
  openScene,
  PROCESS_WORLD,
} from "../backup/scene.ts";
import { show } from "../backup/show.ts";
import { drill, now } from "../backup/start.ts";
import { status } from "../backup/status.ts";
import { type Answer, Problem } from "../fleet/scene.ts";
import { type Command, EXIT, type Io, UsageError } from "../io.ts";
import { clockAt } from "../place.ts";

interface Action {
  /** Besides those of every action. */
  readonly options: readonly (keyof BackupArgs)[];
  /** What may or must be named: a set, an execution. */
  readonly target: "none" | "may" | "must";
  run(scene: BackupScene, target: string): Promise<Answer>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  now: { options: ["reason", "by", "wait", "machine"], target: "none", run: now },
  list: { options: [], target: "none", run: list },
  show: { options: [], target: "must", run: show },
  drill: { options: ["by", "wait", "machine"], target: "may", run: drill },
  restore: {
    options: ["to", "confirm", "accept-unproven", "reason", "by", "wait", "machine"],
    target: "must",
    run: restore,
  },
  status: { options: ["machine"], target: "may", run: status },
};

const RETENTION = "retention";

const USAGE = [
  "usage: npx toji backup now [--reason TEXT] [--wait]",
  "       npx toji backup list",
  "       npx toji backup show SET",
  "       npx toji backup drill [SET] [--wait]",
  "       npx toji backup restore SET --to new-volumes|replace [--reason TEXT] [--confirm SET] [--wait]",
  "       npx toji backup retention [--catalog FILE] [--now ISO]",
  "       npx toji backup status [EXECUTION]",
  "",
  "now        makes a set of the hub; --wait stays until it has ended, exit 1 if it failed",
  "list       age of the newest verified set (RPO), measured restore time (RTO), cost, freeze window, all sets;",
  "           exit 1 if no set is verified, the newest is too old, or something does not fit",
  "show       all that the manifest of one set says",
  "drill      proves a set by restoring it apart: the one named, or the newest without a verdict",
  "restore    prints what would be done, asks for the set's id, and does it: new volumes beside the old ones, or in",
  "           place of the hub's, which are kept; --confirm SET answers for scripts; --accept-unproven for a set",
  "           that no drill has proved",
  "retention  which sets would go, which stay and by which rule; deletes nothing",
  "status     what ran last, or one execution by its name: where it is, and why it failed",
  "",
  "Every one of them takes:",
  "  --bucket NAME    Toji's bucket (or TOJI_BUCKET)",
  "  --region NAME    the hub's (or AWS_REGION); credentials are found as by any AWS tool",
  "  --config FILE    the site document: its time zone and its limits",
  "  --machine ARN    the state machine (or TOJI_BACKUP_MACHINE, TOJI_DRILL_MACHINE, TOJI_RESTORE_MACHINE);",
  "                   default: as the stack's hourly look at the sets has written it into the bucket",
  "  --by NAME        who asks; default: your user name",
  "  --endpoint URL   one address for S3 and Step Functions: a sandbox",
  "  --json           one JSON object on stdout",
].join("\n");

export function backupCommand(world: BackupWorld = PROCESS_WORLD): Command {
  return {
    summary: "backup sets of the hub: make, list, prove by a restore, bring back",
    usage: USAGE,
    async run(args, io) {
      const [name, ...rest] = args;
      if (name === RETENTION)
        return await explained(world, rest, io, async () => {
          const clock = await clockAt(wordsOf(rest).endpoint, world.clock);
          return await retention({ ...world, clock }).run(rest, io);
        });
      const { values, positionals } = parseArgs({ args: [...args], options: BACKUP_OPTIONS, allowPositionals: true });
      const { action, target } = readAction(positionals, values);
      return await explained(world, args, io, async () => {
        const clock = await clockAt(values.endpoint, world.clock);
        const answer = await action.run(openScene(values, { ...world, clock }, io.out), target);
        if (values.json === true) io.out(JSON.stringify(answer.json));
        else for (const line of answer.lines) io.out(line);
        return answer.code;
      });
    },
  };
}

function retention(world: BackupWorld): Command {
  return retentionCommand({ clock: world.clock, readCatalog: (place) => readStored(place, world) });
}

async function readStored(place: BucketArgs, world: BackupWorld): Promise<StoredCatalog> {
  const scene = openScene(place, world, () => {});
  scene.store();
  const catalog = await scene.catalog();
  if (catalog === null) throw new Problem("nobody has looked at the sets yet: name a catalog with --catalog FILE");
  return { entries: catalog.entries, disagreements: catalog.disagreements, home: catalog.region };
}

/** What AWS or the world refuses: one sentence on stderr, exit 1. */
async function explained(
  { env }: BackupWorld,
  args: readonly string[],
  io: Io,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const { bucket, region, endpoint } = wordsOf(args);
    const place = {
      bucket: bucket ?? env.TOJI_BUCKET ?? null,
      region: region ?? env.AWS_REGION ?? null,
      endpoint: endpoint ?? null,
    };
    const problem = error instanceof Problem ? error.message : awsSentence(error, place);
    if (problem === null) throw error;
    if (args.includes("--json")) io.out(JSON.stringify({ ok: false, problem }));
    io.err(`toji backup: ${problem}`);
    return EXIT.problem;
  }
}

/** Where the call went, for its error's sentence; both parsers have these three. */
function wordsOf(args: readonly string[]): BucketArgs {
  const options = { bucket: { type: "string" }, region: { type: "string" }, endpoint: { type: "string" } } as const;
  const { values } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true });
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  return { bucket: text(values.bucket), region: text(values.region), endpoint: text(values.endpoint) };
}

function readAction(
  [name, target = "", ...rest]: readonly string[],
  values: BackupArgs,
): { readonly action: Action; readonly target: string } {
  const names = [...Object.keys(ACTIONS), RETENTION];
  if (name === undefined) throw new UsageError(`say what to do: backup ${names.join(", backup ")}`);
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) {
    const nearest = nearestOf(name, names);
    const hint = nearest === undefined ? `: ${names.join(", ")}` : `, did you mean "backup ${nearest}"?`;
    throw new UsageError(name === RETENTION ? `write ${RETENTION} first` : `there is no "backup ${name}"${hint}`);
  }
  const allowed = new Set<string>([...COMMON_OPTIONS, ...action.options]);
  const stray = Object.keys(values).find((each) => !allowed.has(each));
  if (stray !== undefined) throw new UsageError(`${name} takes no --${stray}`);
  if (action.target === "must" && target === "") {
    throw new UsageError(`name the set: backup ${name} bs-20261123T020000Z-1a2b3c4d (\`toji backup list\` shows them)`);
  }
  const extra = action.target === "none" ? target : (rest[0] ?? "");
  if (extra !== "") throw new UsageError(`${name} takes no "${extra}"`);
  return { action, target };
}
