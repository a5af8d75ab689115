// `toji config`: check a site document, print its JSON Schema, explain how its secrets are made.

import { parseArgs } from "node:util";
import * as z from "zod";
import { ConfigError, parseSite, siteSchema } from "../../shared/config/index.ts";
import { type Command, EXIT, type Io, readInput, UsageError } from "../io.ts";
import { INIT_TEXT } from "./config-init.ts";

export const config: Command = {
  summary: "check FILE, print the schema, or explain how the secrets are made (init)",
  usage: [
    "usage: npx toji config check FILE [--json]",
    "       npx toji config schema",
    "       npx toji config init",
    "",
    "check   says of every wrong option what to change; exit 1 if there is one",
    "schema  prints the JSON Schema of the site document, for editors",
    "init    explains how an administrator makes certificates and parameters; runs and sends nothing",
  ].join("\n"),
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: "boolean" } },
      allowPositionals: true,
    });
    const [action, file, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError(`one file at a time, not also ${rest[0]}`);
    switch (action) {
      case "check":
        return check(file, values.json === true, io);
      case "schema":
        io.out(JSON.stringify(z.toJSONSchema(siteSchema, { io: "input", unrepresentable: "any" }), null, 2));
        return EXIT.fine;
      case "init":
        io.out(INIT_TEXT);
        return EXIT.fine;
      default:
        throw new UsageError(
          `say what to do: config check FILE, config schema or config init${action ? `, not "${action}"` : ""}`,
        );
    }
  },
};

function check(file: string | undefined, json: boolean, io: Io): number {
  if (file === undefined) throw new UsageError("name the file: npx toji config check toji.yml");
  const text = readInput(file);
  try {
    const { builders } = parseSite(text, file);
    const slots = builders.profiles.reduce((sum, profile) => sum + profile.slots.count, 0);
    if (json) io.out(JSON.stringify({ ok: true, problems: [] }));
    else io.out(`${file}: fine, ${builders.profiles.length} profile(s) with ${slots} slots`);
    return EXIT.fine;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (json) io.out(JSON.stringify({ ok: false, problems: error.problems }));
    else for (const problem of error.problems) io.err(`${file}: ${problem}`);
    return EXIT.problem;
  }
}
