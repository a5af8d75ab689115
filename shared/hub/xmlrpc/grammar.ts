// Which XML-RPC element may stand in which: the whole grammar as a table of bits, so that a check costs one AND.

/** One element: what may stand in it, and whether its text counts. */
export interface Element {
  readonly tag: string;
  readonly bit: number;
  readonly children: number;
  readonly textual: boolean;
}

const SCALARS = ["string", "int", "i4", "i8", "boolean", "double", "nil", "base64", "dateTime.iso8601"];
const CHILDREN: { readonly [tag: string]: readonly string[] } = {
  methodCall: ["methodName", "params"],
  methodResponse: ["params", "fault"],
  methodName: [],
  params: ["param"],
  param: ["value"],
  fault: ["value"],
  value: [...SCALARS, "struct", "array"],
  struct: ["member"],
  member: ["name", "value"],
  name: [],
  array: ["data"],
  data: ["value"],
  ...Object.fromEntries(SCALARS.map((tag) => [tag, []])),
};
const TEXTUAL = [...SCALARS, "value", "name", "methodName"];

const BITS = new Map(Object.keys(CHILDREN).map((tag, index) => [tag, 1 << index]));
const ELEMENTS = new Map(
  Object.entries(CHILDREN).map(([tag, children]): [string, Element] => [
    tag,
    { tag, bit: bitsOf([tag]), children: bitsOf(children), textual: TEXTUAL.includes(tag) },
  ]),
);

function bitsOf(tags: readonly string[]): number {
  return tags.reduce((bits, tag) => bits | (BITS.get(tag) ?? 0), 0);
}

/** The place of the root element. */
export const OUTSIDE: Element = {
  tag: "",
  bit: 0,
  children: bitsOf(["methodCall", "methodResponse"]),
  textual: false,
};

/** The element of that name; nil may have any namespace prefix (`ex:nil`, the extension it comes from). */
export function elementNamed(name: string): Element | undefined {
  return ELEMENTS.get(name) ?? (name.endsWith(":nil") ? ELEMENTS.get("nil") : undefined);
}
