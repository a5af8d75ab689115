// Replies compared by structure: names of members and XML-RPC types, int apart from double apart from nil.

import { readDocument } from "../../shared/hub/xmlrpc/document.ts";
import { isArray, isStruct, XmlRpcDouble, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";

/** All kinds of value that were seen at one place. */
export interface Shape {
  readonly types: readonly string[];
  readonly element?: Shape;
  readonly members?: { readonly [name: string]: Shape };
}

/** Members that hold what a client or a builder sent: only their own type is compared. */
const OPAQUE = new Set(["request", "result", "extra"]);

export function shapeOf(value: XmlRpcValue, opaque = false): Shape {
  if (isArray(value)) {
    const elements = opaque ? [] : value.map((each) => shapeOf(each));
    return elements.length === 0 ? { types: ["array"] } : { types: ["array"], element: elements.reduce(merge) };
  }
  if (isStruct(value)) {
    if (opaque) return { types: ["struct"] };
    const shapes = Object.entries(value).map(([name, each]) => ({ name, shape: shapeOf(each, OPAQUE.has(name)) }));
    // A map keyed by id is a list of its values.
    if (shapes.length > 0 && shapes.every(({ name }) => /^\d+$/.test(name))) {
      return { types: ["struct"], element: shapes.map(({ shape }) => shape).reduce(merge) };
    }
    return { types: ["struct"], members: Object.fromEntries(shapes.map(({ name, shape }) => [name, shape])) };
  }
  if (value === null) return { types: ["nil"] };
  if (value instanceof XmlRpcDouble) return { types: ["double"] };
  return { types: [typeof value === "number" || typeof value === "bigint" ? "int" : typeof value] };
}

function merge(a: Shape, b: Shape): Shape {
  const element = mergeMaybe(a.element, b.element);
  const names = new Set([...Object.keys(a.members ?? {}), ...Object.keys(b.members ?? {})]);
  const members = [...names].map((name) => [name, mergeMaybe(a.members?.[name], b.members?.[name])]);
  return {
    types: [...new Set([...a.types, ...b.types])].sort(),
    ...(element === undefined ? {} : { element }),
    ...(names.size === 0 ? {} : { members: Object.fromEntries(members) }),
  };
}

function mergeMaybe(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  return a === undefined ? b : b === undefined ? a : merge(a, b);
}

/** Where `shape` has something that `recorded` has not, or misses a member; empty = it fits. */
export function misfits(shape: Shape, recorded: Shape, path = "result"): string[] {
  const foreign = shape.types.filter((type) => !recorded.types.includes(type));
  const found = foreign.map((type) => `${path} is ${type} where ${recorded.types.join("|")} was recorded`);
  if (shape.element !== undefined && recorded.element !== undefined) {
    found.push(...misfits(shape.element, recorded.element, `${path}[]`));
  }
  if (shape.members === undefined || recorded.members === undefined) return found;
  for (const name of new Set([...Object.keys(shape.members), ...Object.keys(recorded.members)])) {
    const [ours, theirs] = [shape.members[name], recorded.members[name]];
    if (ours === undefined || theirs === undefined)
      found.push(`${path}.${name} is ${ours ? "not recorded" : "missing"}`);
    else found.push(...misfits(ours, theirs, `${path}.${name}`));
  }
  return found;
}

/** What a reply says: a result by its structure, a fault by its code and the first line of its text. */
export type Reading = { readonly shape: Shape } | { readonly code: number; readonly text: string };

export function read(body: string): Reading {
  const { params, fault } = readDocument(body, { exactDoubles: true });
  if (fault === undefined) return { shape: shapeOf(params?.[0] ?? null) };
  const { faultCode = 0, faultString = "" } = isStruct(fault) ? fault : {};
  return { code: Number(faultCode), text: String(faultString).split("\n")[0] ?? "" };
}
