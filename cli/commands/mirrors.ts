// `toji mirrors`: what the hub's external repos are worth, and another address for one of them.

import { parseArgs } from "node:util";
import { nearestOf } from "../../shared/config/index.ts";
import type { BackupWorld } from "../backup/scene.ts";
import type { Answer } from "../fleet/scene.ts";
import { type Command, EXIT, type Io, UsageError } from "../io.ts";
import { CHECK_OPTIONS, check } from "../mirrors/check.ts";

const USAGE = [
  "usage: npx toji mirrors check [URL...] [--arch A] [--reference URL | --metalink URL] [--key FILE] [--last FILE]",
  "                              [--depth head|metadata|full] [--timeout SECONDS] [--ca FILE] [--config FILE] [--json]",
  "       npx toji mirrors check --hub URL | --config FILE [--arch A] [--last FILE] [--depth ...] [--json]",
  "       npx toji mirrors list",
  "       npx toji mirrors switch REPO URL [--reason TEXT] [--wait]",
  "",
  "check   looks from here at the repositories named, or at all external repos of a hub that a build tag uses (read-only,",
  "        no login, no AWS). $arch in an address is replaced by --arch, which may be given more than once. What proves the",
  "        metadata: upstream's own copy (--reference), its metalink (--metalink), or a key that signed repomd.xml (--key).",
  "        --last: what an earlier check printed with --json, to see what went back or changed. --depth: head asks for",
  "        repomd.xml and sizes only, metadata reads every record, full (default) a sample of rpms too, and of a hub every",
  "        rpm that its READY repos refer to. Exit 1 if any verdict is not ok.",
  "list    as the last run of the machine mirror-check found them; exit 1 if one is not ok or no run has ended for long",
  "switch  gives the hub another address for a repo: looks at it first, edits, has the build tags regenerated, waits until",
  "        they are READY, and takes it back when they do not get so; --wait stays until it has ended",
  "",
  "list and switch take:",
  "  --bucket NAME    Toji's bucket (or TOJI_BUCKET)",
  "  --region NAME    the stack's (or AWS_REGION); credentials are found as by any AWS tool",
  "  --machine ARN    the machine of switches (or TOJI_MIRROR_SWITCH_MACHINE); default: as the last run wrote it",
  "  --by NAME        who asks; default: your user name",
  "  --endpoint URL   one address for S3 and Step Functions: a sandbox",
  "  --json           JSON on stdout",
].join("\n");

const NAMES = ["check", "list", "switch"];

/** `world`: of the stack's actions; null = this process's. */
export function mirrorsCommand(world: BackupWorld | null = null): Command {
  return {
    summary: "external repos: checked before a build trusts them, listed, switched",
    usage: USAGE,
    async run(args, io) {
      const [name, ...rest] = args;
      const isJson = rest.includes("--json");
      try {
        const answer = await actionNamed(name)(rest, world, io);
        if (isJson) io.out(JSON.stringify(answer.json));
        else for (const line of answer.lines) io.out(line);
        return answer.code;
      } catch (error) {
        const { stackProblem } = await import("../mirrors/stack.ts");
        const problem = stackProblem(error, rest, world);
        if (problem === null) throw error;
        if (isJson) io.out(JSON.stringify({ ok: false, problem }));
        io.err(`toji mirrors: ${problem}`);
        return EXIT.problem;
      }
    },
  };
}

type Action = (args: readonly string[], world: BackupWorld | null, io: Io) => Promise<Answer>;

function actionNamed(name: string | undefined): Action {
  if (name === "check")
    return async (args, _world, io) => {
      const { values, positionals } = parseArgs({ args: [...args], options: CHECK_OPTIONS, allowPositionals: true });
      return await check(values, positionals, io);
    };
  if (name === "list" || name === "switch")
    return async (args, world, io) => {
      // It brings AWS's clients, which a look does not need.
      const { runStackAction } = await import("../mirrors/stack.ts");
      return await runStackAction(name, args, world, io);
    };
  if (name === undefined) throw new UsageError(`say what to do: mirrors ${NAMES.join(", mirrors ")}`);
  const nearest = nearestOf(name, NAMES);
  const hint = nearest === undefined ? `: ${NAMES.join(", ")}` : `, did you mean "mirrors ${nearest}"?`;
  throw new UsageError(`there is no "mirrors ${name}"${hint}`);
}
