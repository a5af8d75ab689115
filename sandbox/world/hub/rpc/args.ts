// Koji's arguments: positional ones and a last `__starstar` struct, bound to a Python signature with Python's complaints.

import { splitNamed } from "../../../../shared/hub/xmlrpc/decode.ts";
import {
  isArray,
  isStruct,
  XmlRpcDouble,
  type XmlRpcStruct,
  type XmlRpcValue,
} from "../../../../shared/hub/xmlrpc/values.ts";
import { parameterError } from "../fault.ts";

/** `get_channel(channelInfo, strict=False)`; `self` is counted in the complaints; `*args` and `**opts` take the rest. */
interface Signature {
  readonly name: string;
  readonly counted: number;
  readonly params: readonly { readonly name: string; readonly required: boolean }[];
  readonly variadic: boolean;
  readonly keywords: boolean;
}

const signatures = new Map<string, Signature>();

function parseSignature(text: string): Signature {
  const known = signatures.get(text);
  if (known !== undefined) return known;
  const [, name = text, list = ""] = /^([^(]+)\((.*)\)$/.exec(text) ?? [];
  const words = list.split(/\s*,\s*/).filter((word) => word !== "");
  const plain = words.filter((word) => word !== "self" && !word.startsWith("*"));
  const signature = {
    name,
    counted: words.includes("self") ? 1 : 0,
    params: plain.map((word) => ({ name: word.replace(/=.*/, ""), required: !word.includes("=") })),
    variadic: words.some((word) => /^\*[^*]/.test(word)),
    keywords: words.some((word) => word.startsWith("**")),
  };
  signatures.set(text, signature);
  return signature;
}

export function bind(text: string, params: readonly XmlRpcValue[]): Args {
  const signature = parseSignature(text);
  const { args, named } = splitNamed(params);
  const { name, params: wanted } = signature;
  const values = new Map<string, XmlRpcValue>();
  if (args.length > wanted.length && !signature.variadic) throw parameterError(tooMany(signature, args.length));
  wanted.forEach((param, index) => {
    const value = args[index];
    if (value !== undefined) values.set(param.name, value);
  });
  for (const [key, value] of Object.entries(named)) {
    if (!signature.keywords && !wanted.some((param) => param.name === key)) {
      throw parameterError(`${name}() got an unexpected keyword argument '${key}'`);
    }
    if (values.has(key)) throw parameterError(`${name}() got multiple values for argument '${key}'`);
    values.set(key, value);
  }
  const missing = wanted.filter((param) => param.required && !values.has(param.name)).map((param) => param.name);
  if (missing.length > 0) throw parameterError(`${name}() missing ${listMissing(missing)}`);
  return new Args(values, args);
}

function tooMany({ name, counted, params }: Signature, given: number): string {
  const most = params.length + counted;
  const least = params.filter((param) => param.required).length + counted;
  const takes = least === most ? `${most}` : `from ${least} to ${most}`;
  const plural = most === 1 ? "argument" : "arguments";
  return `${name}() takes ${takes} positional ${plural} but ${given + counted} were given`;
}

function listMissing(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  const list = quoted.length < 3 ? quoted.join(" and ") : `${quoted.slice(0, -1).join(", ")}, and ${quoted.at(-1)}`;
  return `${names.length} required positional argument${names.length === 1 ? "" : "s"}: ${list}`;
}

/** The bound arguments; nil counts as left out. A value of the wrong type is fault 1019. */
export class Args {
  readonly #values: ReadonlyMap<string, XmlRpcValue>;
  /** All positional arguments, for `*args`. */
  readonly positional: readonly XmlRpcValue[];
  constructor(values: ReadonlyMap<string, XmlRpcValue>, positional: readonly XmlRpcValue[] = []) {
    this.#values = values;
    this.positional = positional;
  }

  value(name: string): XmlRpcValue {
    return this.#values.get(name) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string {
    return asText(this.value(name));
  }

  maybeText(name: string): string | null {
    const value = this.value(name);
    return value === null ? null : asText(value);
  }

  int(name: string): number {
    return asInt(this.value(name));
  }

  maybeInt(name: string): number | null {
    const value = this.value(name);
    return value === null ? null : asInt(value);
  }

  number(name: string): number {
    return asNumber(this.value(name));
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.value(name);
    return value === null ? otherwise : isTrue(value);
  }

  maybeFlag(name: string): boolean | null {
    const value = this.value(name);
    return value === null ? null : isTrue(value);
  }

  idOrName(name: string): number | string {
    return asIdOrName(this.value(name));
  }

  list(name: string): readonly XmlRpcValue[] {
    return asList(this.value(name));
  }

  struct(name: string): XmlRpcStruct {
    const value = this.value(name);
    if (value === null) return {};
    if (!isStruct(value)) throw wrongType(value, "dict");
    return value;
  }
}

export function asText(value: XmlRpcValue): string {
  if (typeof value !== "string") throw wrongType(value, "str");
  return value;
}

/** Numeric strings are accepted, as Python's int() does. */
export function asInt(value: XmlRpcValue): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  if (value instanceof XmlRpcDouble) return Math.trunc(value.value);
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)) return Number(value);
  throw wrongType(value, "int");
}

export function asNumber(value: XmlRpcValue): number {
  return typeof value === "number" ? value : value instanceof XmlRpcDouble ? value.value : asInt(value);
}

export function asIdOrName(value: XmlRpcValue): number | string {
  return typeof value === "string" ? value : asInt(value);
}

export function asList(value: XmlRpcValue): readonly XmlRpcValue[] {
  if (!isArray(value)) throw wrongType(value, "list");
  return value;
}

/** Python's truth of a value. */
export function isTrue(value: XmlRpcValue): boolean {
  if (isArray(value)) return value.length > 0;
  if (value instanceof XmlRpcDouble) return value.value !== 0;
  return isStruct(value) ? Object.keys(value).length > 0 : Boolean(value);
}

function wrongType(value: XmlRpcValue, expected: string) {
  if (value === null) return parameterError(`Invalid type, expected type <class '${expected}'>`);
  const shown = isArray(value) || isStruct(value) ? "..." : String(value);
  return parameterError(
    `Invalid type for value '${shown}': <class '${pythonType(value)}'>, expected type <class '${expected}'>`,
  );
}

function pythonType(value: XmlRpcValue): string {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number" || typeof value === "bigint") return "int";
  if (value instanceof XmlRpcDouble) return "float";
  if (typeof value === "string") return "str";
  return isArray(value) ? "list" : "dict";
}
