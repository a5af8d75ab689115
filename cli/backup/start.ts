// `toji backup now` and `toji backup drill`, and what all that starts a machine has in common.

import { type ExecutionView, executionLines, executionName, follow, start } from "../executions.ts";
import { type Answer, Problem, readReason } from "../fleet/scene.ts";
import { durationText } from "../fleet/words.ts";
import { EXIT } from "../io.ts";
import type { BackupScene, MachineName } from "./scene.ts";

export async function now(scene: BackupScene): Promise<Answer> {
  const input = { kind: "on-demand", by: scene.by(), reason: readReason(scene.args) ?? "" };
  return await startAndTell(scene, "backup", executionName("on-demand", scene), input);
}

/** `set` empty = the newest that has no verdict. */
export async function drill(scene: BackupScene, set: string): Promise<Answer> {
  if (set !== "") await requireKnown(scene, set);
  const input = { set: set === "" ? null : set, by: scene.by() };
  return await startAndTell(scene, "drill", executionName("drill-on-demand", scene), input);
}

/** A wrong id is told at once, not by an execution that fails. Without a catalog nobody knows better. */
async function requireKnown(scene: BackupScene, set: string): Promise<void> {
  const catalog = await scene.catalog();
  if (catalog === null || catalog.sets.some(({ id }) => id === set)) return;
  const age = durationText(scene.now - catalog.at);
  throw new Problem(`there is no backup set ${set} (as of ${age} ago): \`toji backup list\` shows those that are`);
}

export async function startAndTell(
  scene: BackupScene,
  machine: MachineName,
  name: string,
  input: object,
  before: readonly string[] = [],
): Promise<Answer> {
  const execution = await start(scene, machine, name, input);
  const begun = [...before, `begun: ${machine} ${name}`];
  if (scene.args.wait !== true) {
    const lines = [...begun, `follow it with \`toji backup status ${name}\``];
    return { code: EXIT.fine, json: { ok: true, machine, execution, input }, lines };
  }
  for (const line of begun) scene.say(line);
  return endAnswer(scene, machine, await follow(scene, execution.arn));
}

function endAnswer(scene: BackupScene, machine: MachineName, view: ExecutionView): Answer {
  const ok = view.status === "SUCCEEDED";
  return {
    code: ok ? EXIT.fine : EXIT.problem,
    json: { ok, machine, execution: view },
    lines: executionLines(view, scene.clock.now()),
  };
}
