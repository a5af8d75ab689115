// The variables that the text of a host command exports before its script begins.

export type Environment = Readonly<Record<string, string>>;

/** Thrown where a script ends with 2: a variable is wrong or missing. */
export class WrongVariable extends Error {
  override readonly name = "WrongVariable";
}

/** The lines `export NAME='value'` at the top, below a first line `#!`. */
export function readEnvironment(text: string): Environment {
  const variables: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line.startsWith("#!")) continue;
    const [, name, value] = /^export ([A-Z][A-Z0-9_]*)='(.*)'$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) break;
    variables[name] = value.replaceAll("'\\''", "'");
  }
  return variables;
}

export function textOf(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") throw new WrongVariable(`${name} is missing.`);
  return value;
}

export function wordsOf(environment: Environment, name: string): string[] {
  return (environment[name] ?? "").split(" ").filter((word) => word !== "");
}

export function numberOf(environment: Environment, name: string): number {
  const value = textOf(environment, name);
  if (!/^\d+$/.test(value)) throw new WrongVariable(`${name} must be a whole number, it is "${value}".`);
  return Number(value);
}
