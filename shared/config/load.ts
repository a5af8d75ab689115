// From the text of a site document to a checked Site, or to sentences that say what to change.

import { type Document, parseDocument } from "yaml";
import * as z from "zod";
import { type Site, siteSchema } from "./schema.ts";

/** The document cannot be used; `problems` has one sentence each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  readonly retryable = false;
  constructor(file: string, problems: readonly string[], options?: ErrorOptions) {
    super(`${file}: ${problems.join("; ")}`, options);
    this.problems = problems;
  }
}

/** Parses YAML (or JSON) and checks it against the schema. `file` is only named in errors. */
export function parseSite(text: string, file: string): Site {
  const document = parseDocument(text, { prettyErrors: true });
  const broken = document.errors[0];
  if (broken !== undefined)
    throw new ConfigError(file, [`not readable as YAML: ${firstLine(broken.message)}`], { cause: broken });
  const result = siteSchema.safeParse(readContent(document, file));
  if (!result.success) throw new ConfigError(file, result.error.issues.flatMap(describeIssue));
  return result.data;
}

/** Aliases are only resolved here: one without its anchor, or far too many of them, are errors of the document too. */
function readContent(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const problem = error instanceof Error ? firstLine(error.message) : String(error);
    throw new ConfigError(file, [`not readable as YAML: ${problem}`], { cause: error });
  }
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? text).replace(/:$/, "");
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code !== "unrecognized_keys") {
    const where = pathText(issue.path);
    const missing = issue.code === "invalid_type" && /received undefined/.test(issue.message);
    return [`${where === "" ? "the document" : where}: ${missing ? "is missing" : issue.message}`];
  }
  const known = keysAt(siteSchema, issue.path);
  return issue.keys.map((key) => {
    const nearest = nearestOf(key, known);
    const hint = nearest === undefined ? `known here: ${known.join(", ")}` : `did you mean "${nearest}"?`;
    return `${pathText([...issue.path, key])}: unknown option, ${hint}`;
  });
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

/** The option names the schema knows at a path. Wrappers (defaults, optionals) are looked through. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let node: z.core.$ZodType | undefined = schema;
  for (const part of path) {
    node = unwrap(node);
    if (node instanceof z.ZodArray) node = node.element;
    else if (node instanceof z.ZodObject) node = node.shape[String(part)];
  }
  const at = unwrap(node);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(node: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (node instanceof z.ZodDefault || node instanceof z.ZodPrefault || node instanceof z.ZodOptional) {
    return unwrap(node.unwrap());
  }
  return node;
}

/** The name within a third of the word's length in edits, if there is one. */
export function nearestOf(word: string, names: readonly string[]): string | undefined {
  const scored = names.map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= Math.max(2, Math.ceil(word.length / 3)) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
