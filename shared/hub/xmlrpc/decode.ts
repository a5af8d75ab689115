// What an XML-RPC document says: a call, a result, or a fault.

import { hubFault } from "../faults.ts";
import { readDocument } from "./document.ts";
import { isArray, isStruct, member, type XmlRpcStruct, XmlRpcSyntaxError, type XmlRpcValue } from "./values.ts";

export interface DecodeOptions {
  /** Doubles come as XmlRpcDouble, so that encoding again gives the same bytes. Default: plain numbers. */
  readonly exactDoubles?: boolean;
}

export interface XmlRpcCall {
  readonly method: string;
  /** As they stood, a last `__starstar` struct included. */
  readonly params: readonly XmlRpcValue[];
}

/** The result. Throws HubFault for a fault, XmlRpcSyntaxError for anything else; `method` is for the fault's sentence. */
export function decodeResponse(
  source: string | Uint8Array,
  options: DecodeOptions & { readonly method?: string } = {},
): XmlRpcValue {
  const { root, params, fault } = readDocument(source, { exactDoubles: options.exactDoubles ?? false });
  if (root !== "methodResponse") throw new XmlRpcSyntaxError("it is a call where a reply is due");
  if (fault !== undefined) {
    if (params) throw new XmlRpcSyntaxError("it has both a result and a fault");
    const read = readFault(fault);
    if (!read) throw new XmlRpcSyntaxError("its fault has no faultCode or faultString");
    throw hubFault(read.code, read.text, options.method);
  }
  const [value, ...more] = params ?? [];
  if (value === undefined || more.length > 0) {
    throw new XmlRpcSyntaxError(`it has ${params?.length ?? 0} results where one is due`);
  }
  return value;
}

export function decodeCall(source: string | Uint8Array, options: DecodeOptions = {}): XmlRpcCall {
  const { root, method, params = [] } = readDocument(source, { exactDoubles: options.exactDoubles ?? false });
  if (root !== "methodCall") throw new XmlRpcSyntaxError("it is a reply where a call is due");
  if (!method) throw new XmlRpcSyntaxError("it names no method");
  return { method, params };
}

/** Parts Koji's named arguments (one last struct with a true `__starstar`) from the positional ones. */
export function splitNamed(params: readonly XmlRpcValue[]): {
  readonly args: readonly XmlRpcValue[];
  readonly named: XmlRpcStruct;
} {
  const last = params.at(-1);
  if (!isStruct(last) || member(last, "__starstar") !== true) return { args: params, named: {} };
  const keywords = Object.entries(last).filter(([name]) => name !== "__starstar");
  return { args: params.slice(0, -1), named: Object.fromEntries(keywords) };
}

/** One member of a multiCall's answer: a one-element array around the value, or a struct with the fault. */
export type MemberOutcome =
  | { readonly value: XmlRpcValue }
  | { readonly fault: { readonly code: number; readonly text: string } };

/** Null when it is neither. The traceback that comes with a member's fault is left out: it holds only paths of the hub. */
export function readMemberOutcome(outcome: XmlRpcValue): MemberOutcome | null {
  if (isArray(outcome)) {
    const [value, ...more] = outcome;
    return value === undefined || more.length > 0 ? null : { value };
  }
  const fault = readFault(outcome);
  return fault && { fault };
}

function readFault(fault: XmlRpcValue): { code: number; text: string } | null {
  const code = isStruct(fault) ? member(fault, "faultCode") : undefined;
  const text = isStruct(fault) ? member(fault, "faultString") : undefined;
  return typeof code === "number" && typeof text === "string" ? { code, text } : null;
}
