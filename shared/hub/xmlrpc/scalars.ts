// The text inside a scalar element -> its value. Lossless, and linear in the text.

import { XmlRpcDateTime, XmlRpcDouble, XmlRpcSyntaxError, type XmlRpcValue } from "./values.ts";

export interface ScalarOptions {
  /** Doubles come as XmlRpcDouble, so that encoding again gives the same bytes; else as plain numbers. */
  readonly exactDoubles: boolean;
}

const INTEGER = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Longer than any double in full, so that neither pattern nor BigInt ever meets a hostile length. */
const LONGEST_NUMBER = 400;

export function decodeScalar(tag: string, text: string, options: ScalarOptions): XmlRpcValue {
  switch (tag) {
    case "string":
      return text;
    case "int":
    case "i4":
    case "i8":
      return decodeInteger(tag, text);
    case "boolean":
      return decodeBoolean(text);
    case "double":
      return decodeDouble(text, options);
    case "nil":
      if (text.trim() !== "") throw new XmlRpcSyntaxError("<nil> holds text");
      return null;
    case "base64":
      return decodeBase64(text);
    case "dateTime.iso8601":
      return new XmlRpcDateTime(text.trim());
    default:
      throw new XmlRpcSyntaxError(`<${tag}> is not an XML-RPC type`);
  }
}

function decodeInteger(tag: string, text: string): number | bigint {
  const digits = text.trim();
  if (digits.length > LONGEST_NUMBER || !INTEGER.test(digits)) throw wrong(tag, digits);
  const number = Number(digits);
  // + 0: "-0" is the integer 0.
  return Number.isSafeInteger(number) ? number + 0 : BigInt(digits.replace(/^\+/, ""));
}

function decodeDouble(text: string, options: ScalarOptions): number | XmlRpcDouble {
  const digits = text.trim();
  if (digits.length > LONGEST_NUMBER || !DECIMAL.test(digits)) throw wrong("double", digits);
  const number = Number(digits);
  if (!Number.isFinite(number)) throw wrong("double", digits);
  return options.exactDoubles ? new XmlRpcDouble(number) : number;
}

function decodeBoolean(text: string): boolean {
  const digit = text.trim();
  if (digit === "1") return true;
  if (digit === "0") return false;
  throw wrong("boolean", digit);
}

function decodeBase64(text: string): Uint8Array {
  const letters = text.replace(/[ \t\r\n]/g, "");
  if (letters.length % 4 !== 0 || !BASE64.test(letters)) throw wrong("base64", letters);
  return new Uint8Array(Buffer.from(letters, "base64"));
}

function wrong(tag: string, text: string): XmlRpcSyntaxError {
  return new XmlRpcSyntaxError(`<${tag}> holds ${JSON.stringify(text.slice(0, 40))}`);
}
