// `toji backup restore SET`: the plan, the question, and only then the machine.

import type { RestoreTo } from "../../shared/backup/restore/plan.ts";
import { executionName } from "../executions.ts";
import { type Answer, Problem, readReason } from "../fleet/scene.ts";
import { UsageError } from "../io.ts";
import { tellRestore } from "./restore-plan.ts";
import type { BackupScene } from "./scene.ts";
import { readSet } from "./show.ts";
import { startAndTell } from "./start.ts";

export async function restore(scene: BackupScene, id: string): Promise<Answer> {
  const { args } = scene;
  const to = readTo(args.to);
  const acceptUnproven = args["accept-unproven"] === true;
  if (args.json === true && args.confirm === undefined) {
    throw new UsageError(`with --json nobody is asked: say --confirm ${id}`);
  }
  const manifest = await readSet(scene, id);
  const catalog = await scene.catalog();
  const home = catalog?.region ?? manifest.region;
  const telling = tellRestore(manifest, { to, home, acceptUnproven, now: scene.now });
  if (telling.kind === "refused") throw new Problem(`${telling.why}; nothing was done`);
  // Before anybody types: what cannot be started needs no answer.
  await scene.machine("restore");
  for (const line of telling.lines) scene.say(line);
  for (const warning of telling.warnings) scene.say(`WARNING: ${warning}`);
  const typed = args.confirm ?? (await scene.ask(`Type the set's id to go on: `));
  if (typed.trim() !== id) {
    const what = typed.trim() === "" ? "no id was typed" : `"${typed.trim()}" is not ${id}`;
    throw new Problem(`${what}: nothing was done`);
  }
  const input = { set: id, to, by: scene.by(), reason: readReason(args) ?? "", acceptUnproven };
  return await startAndTell(scene, "restore", executionName("restore", scene), input);
}

function readTo(to: string | undefined): RestoreTo {
  if (to === "new-volumes" || to === "replace") return to;
  const given = to === undefined ? "say where to" : `--to ${to}`;
  throw new UsageError(`${given}: --to new-volumes (beside the old ones) or --to replace (in place of the hub's)`);
}
