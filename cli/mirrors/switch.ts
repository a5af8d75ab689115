// `toji mirrors switch REPO URL`: what would happen, then the machine that does it.

import { nearestOf } from "../../shared/config/index.ts";
import { administratorCommands } from "../../shared/mirrors/index.ts";
import { executionLines, executionName, follow, start } from "../executions.ts";
import { type Answer, Problem, readReason } from "../fleet/scene.ts";
import { EXIT, UsageError } from "../io.ts";
import type { MirrorScene } from "./scene.ts";

export async function switchRepo(scene: MirrorScene, [name = "", url = "", extra]: readonly string[]): Promise<Answer> {
  if (name === "" || url === "" || extra !== undefined)
    throw new UsageError("name the external repo and its new address: mirrors switch REPO 'https://.../$arch/'");
  const to = requireTemplate(url);
  const { repos, hubAdmin } = await scene.status();
  const repo = repos.find((each) => each.name === name);
  if (repo === undefined) {
    const nearest = nearestOf(
      name,
      repos.map((each) => each.name),
    );
    const hint = nearest === undefined ? "`toji mirrors list` shows them" : `did you mean "${nearest}"?`;
    throw new Problem(`the hub has no external repo ${name}: ${hint}`);
  }
  const tags = repo.uses;
  if (!hubAdmin) {
    const commands = administratorCommands(name, to, tags);
    throw new Problem(
      `Toji's login is no administrator of the hub (hub.admin in toji.yml): an administrator runs ${commands.join(" && ")}`,
    );
  }
  const input = { repo: name, to, by: scene.by(), reason: readReason(scene.args) ?? "", automatic: false };
  const before = [
    `${name}: ${repo.url} -> ${to}`,
    `the new address is looked at first; then ${tags.length === 0 ? "no build tag" : tags.join(", ")} will be regenerated; it is taken back when one of them does not get READY`,
  ];
  for (const line of before) scene.say(line);
  const execution = await start(scene, "switch", executionName("switch", scene), input);
  if (scene.args.wait !== true) {
    const lines = [`begun: ${execution.name}`, "`npx toji mirrors list` shows how it goes"];
    return { code: EXIT.fine, json: { ok: true, execution, input }, lines };
  }
  const view = await follow(scene, execution.arn);
  const ok = view.status === "SUCCEEDED";
  return {
    code: ok ? EXIT.fine : EXIT.problem,
    json: { ok, execution: view },
    lines: executionLines(view, scene.clock.now()),
  };
}

/** As the hub writes it: with a slash at the end. */
function requireTemplate(text: string): string {
  const url = URL.parse(text.replaceAll("$arch", "arch"));
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new UsageError(`${text}: give an http or https address, with $arch where the arch stands`);
  return text.endsWith("/") ? text : `${text}/`;
}
