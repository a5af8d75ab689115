// The values that XML-RPC as Koji speaks it can carry, and the errors of a document or value that it cannot.

/**
 * int, i4, i8 and double are numbers; an int or i8 beyond 2^53 is a bigint, so nothing is lost; nil is null;
 * base64 is bytes. XmlRpcDouble is for writing (and for exact reading): it keeps `1.0` apart from `1`.
 */
export type XmlRpcValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | XmlRpcDouble
  | XmlRpcDateTime
  | readonly XmlRpcValue[]
  | XmlRpcStruct;

export interface XmlRpcStruct {
  readonly [name: string]: XmlRpcValue;
}

/** A number that is written as `<double>` even when it is whole. */
export class XmlRpcDouble {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A dateTime.iso8601 as it stood, e.g. `20260102T03:04:05`. The hub itself never sends one. */
export class XmlRpcDateTime {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** More nesting than any Koji call has; both directions refuse beyond it, so a hostile document costs no stack. */
export const MAX_DEPTH = 200;

/** The text is not a document of this grammar. `truncated`: it would be one if it did not stop too soon. */
export class XmlRpcSyntaxError extends Error {
  override readonly name = "XmlRpcSyntaxError";
  readonly problem: string;
  readonly truncated: boolean;
  constructor(problem: string, options: { truncated?: boolean; cause?: unknown } = {}) {
    super(`This is not a readable XML-RPC document: ${problem}.`, { cause: options.cause });
    this.problem = problem;
    this.truncated = options.truncated ?? false;
  }
}

/** The value has no XML-RPC form. `path` says where it stands, e.g. `params[1].capacity`. */
export class XmlRpcValueError extends Error {
  override readonly name = "XmlRpcValueError";
  readonly path: string;
  constructor(path: string, problem: string) {
    super(`${path} cannot be sent over XML-RPC: ${problem}.`);
    this.path = path;
  }
}

export function isArray(value: XmlRpcValue | undefined): value is readonly XmlRpcValue[] {
  return Array.isArray(value);
}

export function isStruct(value: XmlRpcValue | undefined): value is XmlRpcStruct {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof XmlRpcDouble) &&
    !(value instanceof XmlRpcDateTime)
  );
}

/** The member's own value; never one inherited from Object.prototype, whatever its name. */
export function member(struct: XmlRpcStruct, name: string): XmlRpcValue | undefined {
  return Object.hasOwn(struct, name) ? struct[name] : undefined;
}
