// Writes XML-RPC documents byte for byte as Koji's own client and hub do (koji/xmlrpcplus.py, Python's xmlrpc.client).

import {
  isArray,
  isStruct,
  MAX_DEPTH,
  XmlRpcDateTime,
  XmlRpcDouble,
  type XmlRpcStruct,
  type XmlRpcValue,
  XmlRpcValueError,
} from "./values.ts";

const PROLOG = "<?xml version='1.0'?>\n";
const INT_MIN = -2_147_483_648;
const INT_MAX = 2_147_483_647;
const I8_MIN = -(2n ** 63n);
const I8_MAX = 2n ** 63n - 1n;

/** Python's b64encode lines: 57 bytes, 76 characters. */
const BASE64_LINE_BYTES = 57;

/** Koji's named arguments: one last struct with the member `__starstar`. Undefined keywords are left out. */
export function named(
  args: readonly XmlRpcValue[],
  keywords: { readonly [name: string]: XmlRpcValue | undefined },
): readonly XmlRpcValue[] {
  const members: [string, XmlRpcValue][] = [];
  for (const [name, value] of Object.entries(keywords)) {
    if (value !== undefined) members.push([name, value]);
  }
  return [...args, Object.fromEntries([...members, ["__starstar", true]])];
}

export function encodeCall(method: string, params: readonly XmlRpcValue[] = []): string {
  const name = escapeText(method, "the method name");
  const written = params.map((param, index) => `<param>\n${encodeValue(param, `params[${index}]`, 0)}</param>\n`);
  return `${PROLOG}<methodCall>\n<methodName>${name}</methodName>\n<params>\n${written.join("")}</params>\n</methodCall>\n`;
}

export function encodeResponse(value: XmlRpcValue): string {
  const written = encodeValue(value, "result", 0);
  return `${PROLOG}<methodResponse>\n<params>\n<param>\n${written}</param>\n</params>\n</methodResponse>\n`;
}

export function encodeFault(code: number, text: string): string {
  const written = encodeValue({ faultCode: code, faultString: text }, "fault", 0);
  return `${PROLOG}<methodResponse>\n<fault>\n${written}</fault>\n</methodResponse>\n`;
}

function encodeValue(value: XmlRpcValue, path: string, depth: number): string {
  // koji/xmlrpcplus.py writes no line break after nil, and one after everything else.
  if (value === null) return "<value><nil/></value>";
  const array = isArray(value);
  if (!array && !isStruct(value)) return `<value>${encodeScalar(value, path)}</value>\n`;
  if (depth >= MAX_DEPTH) throw new XmlRpcValueError(path, `it is nested more than ${MAX_DEPTH} deep`);
  return array ? encodeArray(value, path, depth) : encodeStruct(value, path, depth);
}

function encodeArray(items: readonly XmlRpcValue[], path: string, depth: number): string {
  let text = "<value><array><data>\n";
  for (const [index, item] of items.entries()) text += encodeValue(item, `${path}[${index}]`, depth + 1);
  return `${text}</data></array></value>\n`;
}

function encodeStruct(struct: XmlRpcStruct, path: string, depth: number): string {
  let text = "<value><struct>\n";
  for (const [name, value] of Object.entries(struct)) {
    const where = `${path}.${name}`;
    text += `<member>\n<name>${escapeText(name, where)}</name>\n${encodeValue(value, where, depth + 1)}</member>\n`;
  }
  return `${text}</struct></value>\n`;
}

type Scalar = Exclude<XmlRpcValue, null | readonly XmlRpcValue[] | XmlRpcStruct>;

function encodeScalar(value: Scalar, path: string): string {
  switch (typeof value) {
    case "boolean":
      return `<boolean>${value ? 1 : 0}</boolean>`;
    case "number":
      return encodeNumber(value, path);
    case "bigint":
      return encodeBigint(value, path);
    case "string":
      return `<string>${escapeText(value, path)}</string>`;
    case "object":
      if (value instanceof XmlRpcDouble) return encodeDouble(value.value, path);
      if (value instanceof XmlRpcDateTime)
        return `<dateTime.iso8601>${escapeText(value.text, path)}</dateTime.iso8601>`;
      return `<base64>\n${base64Lines(value)}</base64>`;
    default:
      // undefined, a function or a symbol: only untyped callers come here.
      throw new XmlRpcValueError(path, `${typeof value} has no XML-RPC form, use null for nil`);
  }
}

function encodeNumber(value: number, path: string): string {
  // -0 and whole numbers beyond 2^53 are doubles: as integers they would not come back the same.
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return encodeDouble(value, path);
  return value >= INT_MIN && value <= INT_MAX ? `<int>${value}</int>` : `<i8>${value}</i8>`;
}

function encodeBigint(value: bigint, path: string): string {
  if (value < I8_MIN || value > I8_MAX) throw new XmlRpcValueError(path, `${value} does not fit in 64 bits`);
  return value >= INT_MIN && value <= INT_MAX ? `<int>${value}</int>` : `<i8>${value}</i8>`;
}

function encodeDouble(value: number, path: string): string {
  if (!Number.isFinite(value)) throw new XmlRpcValueError(path, `${value} is not a finite number`);
  return `<double>${pythonRepr(value)}</double>`;
}

/** A double as Python prints it: fixed between 1e-4 and 1e16 and always with a point, else with a two-digit exponent. */
function pythonRepr(value: number): string {
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const sign = exponent < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  if (Object.is(value, -0)) return "-0.0";
  // Within this range JavaScript prints the same shortest digits, without an exponent, and only the point may be missing.
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function base64Lines(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += BASE64_LINE_BYTES) {
    text += `${Buffer.from(bytes.subarray(start, start + BASE64_LINE_BYTES)).toString("base64")}\n`;
  }
  return text;
}

// What XML 1.0 cannot carry even escaped: controls, halves of a surrogate pair, U+FFFE and U+FFFF.
const UNSENDABLE = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const SPECIAL = /[&<>\r]/g;
// Koji's client escapes the first three only; a bare carriage return would be read back as a line feed (XML 1.0, 2.11).
const ESCAPES: { readonly [special: string]: string } = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" };

function escapeText(text: string, path: string): string {
  const unsendable = UNSENDABLE.exec(text);
  if (unsendable) {
    const code = unsendable[0].codePointAt(0) ?? 0;
    const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    throw new XmlRpcValueError(path, `its text holds ${name} at position ${unsendable.index}, which XML cannot carry`);
  }
  return text.replace(SPECIAL, (special) => ESCAPES[special] ?? special);
}
