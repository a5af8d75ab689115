// What stands in one XML tag, and the references in its text.

import { MirrorTrouble } from "../trouble.ts";

const NAMED: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

const NAME = /[^\s/=<>"'&]+/y;
const ATTRIBUTE = /\s+([^\s/=<>"'&]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;

export function schemaTrouble(what: string): MirrorTrouble {
  return new MirrorTrouble("schema", what);
}

/** The element's name as written, prefix included. */
export function nameIn(tag: string): string {
  NAME.lastIndex = 0;
  return NAME.exec(tag)?.[0] ?? "";
}

/** Attributes by name as written, references resolved. Throws MirrorTrouble "schema" or "entities". */
export function attributesIn(tag: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  let at = nameIn(tag).length;
  while (at < tag.length) {
    ATTRIBUTE.lastIndex = at;
    const found = ATTRIBUTE.exec(tag);
    if (found === null) break;
    const [, name = "", double, single] = found;
    if (attributes.has(name)) throw schemaTrouble(`<${nameIn(tag)}> has its attribute ${name} twice`);
    attributes.set(name, resolveReferences((double ?? single ?? "").replace(/\r\n|[\r\n\t]/g, " ")));
    at = ATTRIBUTE.lastIndex;
  }
  if (tag.slice(at).trim() !== "") throw schemaTrouble(`the attributes of <${nameIn(tag)}> are malformed`);
  return attributes;
}

/** The text with "&amp;" and its like replaced. Throws MirrorTrouble "schema", "entities" for one that is not known. */
export function resolveReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(#x[0-9a-fA-F]+;|#[0-9]+;|[^\s&;#]+;)?/g, (_, reference?: string) => {
    if (reference === undefined) throw schemaTrouble('there is an "&" that begins no reference');
    const name = reference.slice(0, -1);
    if (!name.startsWith("#")) {
      const character = NAMED.get(name);
      if (character === undefined) throw new MirrorTrouble("entities", `the entity &${name}; is used`);
      return character;
    }
    const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
    if (!isCharacter(code)) throw schemaTrouble(`&${name}; is no character`);
    return String.fromCodePoint(code);
  });
}

function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}
