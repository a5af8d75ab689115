// `toji snapshot`: a hub's state as its scheduler sees it, in the format that `toji schedule` reads. Anonymous, read-only.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../../shared/clock.ts";
import { observeHub } from "../../shared/fleet/index.ts";
import { type HubState, TASK_STATE } from "../../shared/hub/index.ts";
import { type Command, EXIT } from "../io.ts";
import { LOOK_OPTIONS, openReader, readLook } from "../look.ts";

export const snapshot: Command = {
  summary: "a hub's hosts, tasks, runs and refusals as one line of JSON (read-only)",
  usage: [
    "usage: npx toji snapshot --hub URL [--config FILE] [--out FILE] [--ca FILE] [--timeout SECONDS] [--json]",
    "",
    "Writes one line of JSON to stdout or FILE: the state format of `toji schedule`. The scheduler's options are those",
    "of the config (hub.options), or Koji's defaults; the hub does not tell them.",
  ].join("\n"),
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { ...LOOK_OPTIONS, out: { type: "string" }, json: { type: "boolean" } },
    });
    const look = readLook(values);
    const { site, url } = look;
    const hubReader = openReader(look);
    try {
      const view = await observeHub({ site, clock: systemClock, hubReader }, { channelIds: [] });
      if (!view.seen) {
        io.err(`toji snapshot: ${view.reason}`);
        return EXIT.problem;
      }
      for (const note of view.notes) io.err(`toji snapshot: ${note}`);
      const line = JSON.stringify({ name: url, seed: 0, ...inListingOrder(view.state) });
      if (values.out === undefined) io.out(line);
      else writeFileSync(values.out, `${line}\n`);
      return EXIT.fine;
    } finally {
      await hubReader.close();
    }
  },
};

/** The order that the state format asks for: enabled hosts first; active tasks, then FREE ones, then the rest. */
function inListingOrder(state: HubState): HubState {
  const rank = (task: HubState["tasks"][number]) =>
    task.state === TASK_STATE.FREE ? 1 : task.host_id !== null ? 0 : 2;
  return {
    ...state,
    hosts: state.hosts.toSorted((a, b) => Number(b.enabled) - Number(a.enabled) || a.id - b.id),
    tasks: state.tasks.toSorted((a, b) => rank(a) - rank(b)),
  };
}
