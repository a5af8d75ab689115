// Values as they arrive on the other side of an XML-RPC document, without the document: copies, of the types that
// decoding gives. Text that XML cannot carry is not looked for.

import {
  isArray,
  XmlRpcDateTime,
  XmlRpcDouble,
  type XmlRpcStruct,
  type XmlRpcValue,
  XmlRpcValueError,
} from "../../../shared/hub/xmlrpc/values.ts";

const I8_MIN = -(2n ** 63n);
const I8_MAX = 2n ** 63n - 1n;

/** As the hub reads an argument: whole numbers are ints, the others keep that they are doubles. */
export function asSent(value: XmlRpcValue): XmlRpcValue {
  return copy(value, true);
}

/** As a client reads an answer: doubles are plain numbers. */
export function asAnswered(value: XmlRpcValue): XmlRpcValue {
  return copy(value, false);
}

function copy(value: XmlRpcValue, exactDoubles: boolean): XmlRpcValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : double(value, exactDoubles);
    case "bigint":
      return integer(value);
    case "object":
      return value === null ? null : copyObject(value, exactDoubles);
    default:
      // undefined, a function or a symbol: only untyped callers come here.
      throw new XmlRpcValueError("value", `${typeof value} has no XML-RPC form, use null for nil`);
  }
}

function copyObject(value: XmlRpcValue & object, exactDoubles: boolean): XmlRpcValue {
  if (isArray(value)) return value.map((each) => copy(each, exactDoubles));
  if (value instanceof XmlRpcDouble) return double(value.value, exactDoubles);
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof XmlRpcDateTime) return new XmlRpcDateTime(value.text.trim());
  return copyStruct(value, exactDoubles);
}

function copyStruct(struct: XmlRpcStruct, exactDoubles: boolean): XmlRpcStruct {
  // Copied whole and then mended, for most members are as they should be.
  const made: Record<string, XmlRpcValue> = { ...struct };
  for (const name in struct) {
    const value = struct[name] as XmlRpcValue;
    const passed = copy(value, exactDoubles);
    if (passed !== value) made[name] = passed;
  }
  return made;
}

function double(value: number, exactDoubles: boolean): XmlRpcValue {
  if (!Number.isFinite(value)) throw new XmlRpcValueError("value", `${value} is not a finite number`);
  return exactDoubles ? new XmlRpcDouble(value) : value;
}

function integer(value: bigint): XmlRpcValue {
  if (value < I8_MIN || value > I8_MAX) throw new XmlRpcValueError("value", `${value} does not fit in 64 bits`);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
