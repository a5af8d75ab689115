// `toji replay`: a recorded or made-up history played against Toji and other scalers. Needs no hub and no AWS.

import { parseArgs } from "node:util";
import { answerReplay } from "../../sandbox/replay/answer.ts";
import { type Command, EXIT, UsageError } from "../io.ts";
import { REPLAY_OPTIONS, readOrder } from "../replay/order.ts";
import { printAnswer } from "../replay/print.ts";
import { reportWriter } from "../replay/report-file.ts";

/** Errors of what was given, whose message is a sentence for who gave it. */
const SENTENCES: ReadonlySet<string> = new Set([
  "TraceError",
  "HistoryFormatError",
  "ReplayError",
  "BoundsError",
  "GridError",
  "PolicyParameterError",
  "UnknownFamilyError",
  "WinnersError",
]);

export const replay: Command = {
  summary: "a history of tasks played against Toji and other scalers: waits, dollars, bounds",
  usage: [
    "usage: npx toji replay --trace FILE [--config FILE] [--policies LIST] [--wait-value LIST] [--seed N]",
    "                       [--spacing SECONDS] [--service-factor F] [--boot-median S --boot-p95 S]",
    "                       [--tasks-per-builder N] [--tune | --quick] [--json] [--report out.html]",
    "",
    "FILE is an export of `npx toji trace export`, a list of arrivals (docs/trace-format.md), synthetic:cbs or",
    "synthetic:mass-rebuild. Without --config a profile is made for each arch, as large as the trace needs. Every policy",
    "is played on the same virtual time: the hub's scheduler, kojid's polls, boots that fail, per-second bills.",
    "",
    "  --policies LIST         toji, toji-no-forecast and names of baselines, with commas between (default: all)",
    "  --wait-value LIST       dollars that an hour of a waiting task is worth (default 1,5,25)",
    "  --seed N                of boots, failures and what is made up (default 1)",
    "  --spacing SECONDS       between submissions of one push, where a list of arrivals does not tell (default 5)",
    "  --service-factor F      multiplies all service times",
    "  --boot-median, --boot-p95 SECONDS   from launch to the first check-in (default 120 and 202)",
    "  --tasks-per-builder N   of the made site (default: 4 for builds, 1 for single tasks)",
    "  --tune                  searches each baseline's best parameters for this trace (up to 80 replays a baseline)",
    "  --quick                 baselines at their owners' defaults only",
    "  --report out.html       one page with everything; also replays with other service and boot times",
  ].join("\n"),
  async run(args, io) {
    const { values } = parseArgs({ args: [...args], options: REPLAY_OPTIONS });
    const order = readOrder(values);
    const tell = (line: string) => io.err(`toji replay: ${line}`);
    const report = values.report === undefined ? null : reportWriter(values.report);
    try {
      const replayed = await answerReplay(order, tell);
      const { answer, searched } = replayed;
      if (values.json === true) for (const note of answer.notes) tell(`note: ${note}`);
      if (searched !== null) {
        tell('to keep the winners, add this to "tuned" in sandbox/replay/winners.json:');
        tell(JSON.stringify(searched));
      }
      if (report !== null) {
        await report(replayed, order, `npx toji replay ${args.map(quote).join(" ")}`, tell);
        tell(`the report is in ${values.report}`);
      }
      if (values.json === true) io.out(JSON.stringify(answer));
      else printAnswer(answer, io);
      return EXIT.fine;
    } catch (error) {
      if (error instanceof Error && SENTENCES.has(error.name)) throw new UsageError(error.message, { cause: error });
      throw error;
    }
  },
};

/** As a shell needs it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
