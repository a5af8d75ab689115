// The toji command: finds the subcommand, turns errors into one sentence and an exit code.

import { COMMANDS, type ListedCommand } from "./commands/index.ts";
import { type Command, EXIT, type Io, processIo, UsageError } from "./io.ts";

/** `commands` is for tests, which bring one that is open to another world. */
export async function main(
  argv: readonly string[],
  io: Io = processIo,
  commands: Readonly<Record<string, Command | ListedCommand>> = COMMANDS,
): Promise<number> {
  const [name, ...args] = argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    io.out(helpText());
    return name === undefined ? EXIT.usage : EXIT.fine;
  }
  const listed = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (listed === undefined) {
    const { nearestOf } = await import("../shared/config/index.ts");
    const nearest = nearestOf(name, Object.keys(commands));
    const hint = nearest === undefined ? "`npx toji help` lists the commands" : `did you mean "${nearest}"?`;
    io.err(`toji: there is no command "${name}": ${hint}`);
    return EXIT.usage;
  }
  const command = "load" in listed ? await listed.load() : listed;
  if (args.includes("--help") || args.includes("-h")) {
    io.out(`${command.summary}\n\n${command.usage}`);
    return EXIT.fine;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    // Not every command reads the code of site documents.
    const { ConfigError } = await import("../shared/config/index.ts");
    if (error instanceof UsageError || error instanceof ConfigError || isParseArgsError(error)) {
      io.err(`toji ${name}: ${error.message.split("\n")[0]}`);
      return EXIT.usage;
    }
    throw error;
  }
}

/** node:util parseArgs: unknown options and missing values. */
function isParseArgsError(error: unknown): error is Error {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

function helpText(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`);
  return [
    "toji: builders that follow a Koji hub's queue",
    "",
    "usage: npx toji <command> [options]   (npx toji <command> --help says more)",
    "",
    ...commands,
    "",
    "Exit codes: 0 fine, 1 found a problem, 2 wrong usage or unreadable input. With --json, stdout holds JSON only.",
  ].join("\n");
}
