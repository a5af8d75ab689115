// `toji backup status`: what the machines of backups do and did, or one execution with its error in words.

import { executionLines, listExecutions, look, STATUS_WORDS } from "../executions.ts";
import { type Answer, Problem } from "../fleet/scene.ts";
import { durationText, timeText } from "../fleet/words.ts";
import { EXIT } from "../io.ts";
import { type BackupScene, MACHINE_NAMES, type MachineName } from "./scene.ts";
import { columns } from "./words.ts";

export async function status(scene: BackupScene, target: string): Promise<Answer> {
  return target === "" ? await statusOfAll(scene) : await statusOfOne(scene, target);
}

const NEWEST = 5;

async function statusOfAll(scene: BackupScene): Promise<Answer> {
  const lists = await Promise.all(namesOf(scene).map((machine) => listExecutions(scene, machine, NEWEST)));
  const executions = lists.flat().sort((a, b) => b.startedAt - a.startedAt);
  // What came last of each machine is how things are.
  const bad = lists.some(
    ([newest]) => newest !== undefined && newest.status !== "RUNNING" && newest.status !== "SUCCEEDED",
  );
  const rows = executions.map(({ machine, name, status: word, startedAt, endedAt }) => [
    machine,
    name,
    STATUS_WORDS[word] ?? word,
    timeText(startedAt),
    durationText((endedAt ?? scene.now) - startedAt),
  ]);
  return {
    code: bad ? EXIT.problem : EXIT.fine,
    json: { ok: !bad, executions },
    lines:
      rows.length === 0
        ? ["no backup, drill or restore has run yet: `toji backup now` makes a set"]
        : columns(["machine", "execution", "status", "begun", "took"], rows),
  };
}

async function statusOfOne(scene: BackupScene, target: string): Promise<Answer> {
  for (const arn of await candidates(scene, target)) {
    const view = await look(scene, arn);
    if (view === null) continue;
    const ok = view.status === "RUNNING" || view.status === "SUCCEEDED";
    return {
      code: ok ? EXIT.fine : EXIT.problem,
      json: { ok, execution: view },
      lines: executionLines(view, scene.now),
    };
  }
  throw new Problem(
    `no execution is named ${target}: \`toji backup status\` lists the newest; AWS forgets them after 90 days`,
  );
}

/** A name may be any machine's. */
async function candidates(scene: BackupScene, target: string): Promise<string[]> {
  if (target.startsWith("arn:")) return [target];
  const machines = await Promise.all(namesOf(scene).map((machine) => scene.machine(machine)));
  return machines.map((arn) => `${arn.replace(":stateMachine:", ":execution:")}:${target}`);
}

/** One that is named by its ARN is looked at alone, whichever it is. */
function namesOf({ args }: BackupScene): readonly MachineName[] {
  return args.machine === undefined ? MACHINE_NAMES : ["backup"];
}
