// `toji fleet`: what the fleet did last, and the operator's hand on it: holds, pins, drains.

import { parseArgs } from "node:util";
import { openClients } from "../../shared/aws/clients.ts";
import { systemClock } from "../../shared/clock.ts";
import { nearestOf } from "../../shared/config/index.ts";
import { awsSentence } from "../aws-failure.ts";
import { hold, release } from "../fleet/holds.ts";
import { drain, pin, undrain, unpin } from "../fleet/marks.ts";
import {
  type Answer,
  COMMON_OPTIONS,
  FLEET_OPTIONS,
  type FleetArgs,
  type FleetScene,
  type FleetWorld,
  openScene,
  Problem,
} from "../fleet/scene.ts";
import { status } from "../fleet/status.ts";
import { type Command, EXIT, UsageError } from "../io.ts";
import { processUserName } from "../user-name.ts";

interface Action {
  /** Besides those of every action. */
  readonly options: readonly (keyof FleetArgs)[];
  /** It is about one builder, which has to be named. */
  readonly onBuilder: boolean;
  run(scene: FleetScene, target: string): Promise<Answer>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  status: { options: [], onBuilder: false, run: status },
  hold: { options: ["profile", "reason", "for", "by"], onBuilder: false, run: hold },
  release: { options: ["profile"], onBuilder: false, run: release },
  pin: { options: ["reason", "by"], onBuilder: true, run: pin },
  unpin: { options: [], onBuilder: true, run: unpin },
  drain: { options: ["reason", "by"], onBuilder: true, run: drain },
  undrain: { options: [], onBuilder: true, run: undrain },
};

const USAGE = [
  "usage: npx toji fleet status",
  "       npx toji fleet hold [--profile NAME] --reason TEXT [--for DURATION] [--by NAME]",
  "       npx toji fleet release [--profile NAME]",
  "       npx toji fleet pin|drain SLOT|INSTANCE-ID [--reason TEXT] [--by NAME]",
  "       npx toji fleet unpin|undrain SLOT|INSTANCE-ID",
  "",
  "status    the last pass in words: queue, builders, changes, what is kept and why, holds; exit 1 if none is recent",
  "hold      nothing is launched, drained or terminated in the fleet or the profile, for 30m, 2h, 3d or until release;",
  "          builders that boot are still enabled, and work of lost ones is still brought back",
  "release   ends a hold",
  "pin       this builder is never drained or terminated; unpin gives it back",
  "drain     this builder gets no new task, finishes what it has and goes; undrain takes that back",
  "",
  "Every one of them takes:",
  "  --bucket NAME    Toji's bucket (or TOJI_BUCKET); status, hold and release need it",
  "  --region NAME    (or AWS_REGION); credentials are found as by any AWS tool",
  "  --config FILE    the site document: names the fleet, and knows profiles and slots",
  '  --fleet NAME     value of the tag toji:fleet; default: the config\'s, or "toji"',
  "  --endpoint URL   one address for EC2 and S3: a sandbox",
  "  --json           one JSON object on stdout",
].join("\n");

/** The process's own world; tests bring another. */
const PROCESS_WORLD: FleetWorld = {
  open: openClients,
  clock: systemClock,
  env: process.env,
  userName: processUserName,
};

export function fleetCommand(world: FleetWorld = PROCESS_WORLD): Command {
  return {
    summary: "what the last pass did and why; hold the fleet, pin or drain a builder",
    usage: USAGE,
    async run(args, io) {
      const { values, positionals } = parseArgs({ args: [...args], options: FLEET_OPTIONS, allowPositionals: true });
      const { action, target } = readAction(positionals, values);
      try {
        const answer = await action.run(openScene(values, world), target);
        if (values.json === true) io.out(JSON.stringify(answer.json));
        else for (const line of answer.lines) io.out(line);
        return answer.code;
      } catch (error) {
        const place = {
          bucket: values.bucket ?? world.env.TOJI_BUCKET ?? null,
          region: values.region ?? world.env.AWS_REGION ?? null,
          endpoint: values.endpoint ?? null,
        };
        const problem = error instanceof Problem ? error.message : awsSentence(error, place);
        if (problem === null) throw error;
        if (values.json === true) io.out(JSON.stringify({ ok: false, problem }));
        io.err(`toji fleet ${positionals[0]}: ${problem}`);
        return EXIT.problem;
      }
    },
  };
}

function readAction(
  [name, target = "", ...rest]: readonly string[],
  values: FleetArgs,
): { readonly action: Action; readonly target: string } {
  const names = Object.keys(ACTIONS);
  if (name === undefined) throw new UsageError(`say what to do: fleet ${names.join(", fleet ")}`);
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) {
    const nearest = nearestOf(name, names);
    throw new UsageError(
      `there is no "fleet ${name}"${nearest === undefined ? `: ${names.join(", ")}` : `, did you mean "fleet ${nearest}"?`}`,
    );
  }
  const allowed = new Set<string>([...COMMON_OPTIONS, ...action.options]);
  const stray = Object.keys(values).find((each) => !allowed.has(each));
  if (stray !== undefined) throw new UsageError(`${name} takes no --${stray}`);
  if (action.onBuilder && target === "") {
    throw new UsageError(`name the builder by its slot or instance id: fleet ${name} builder-x86-01.example.org`);
  }
  const extra = action.onBuilder ? rest[0] : [target, ...rest].find((each) => each !== "");
  if (extra === undefined) return { action, target };
  const hint = action.options.includes("profile") ? `: for one profile give --profile ${extra}` : "";
  throw new UsageError(
    action.onBuilder ? `one builder at a time, not also ${extra}` : `${name} takes no "${extra}"${hint}`,
  );
}
