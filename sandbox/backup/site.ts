// The site whose backups the sandbox makes: the example document, copied to a second region, proved every week.

import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { parseSite, type Site } from "../../shared/config/index.ts";

export const HOME = "us-east-1";
export const AWAY = "eu-west-1";

const EXAMPLE = new URL("../../toji.example.yml", import.meta.url);

/** `changes`: into the section `backup`, key by key. */
export function backupSite(changes: Readonly<Record<string, unknown>> = {}): Site {
  const document = parseDocument(readFileSync(EXAMPLE, "utf8"));
  for (const [key, value] of Object.entries(changes)) document.setIn(["backup", ...key.split(".")], value);
  return parseSite(document.toString(), "the sandbox's site document");
}
