// The codec: nothing is lost, nothing ill-formed gets through, nothing hostile costs more than its length.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HubFault } from "../../shared/hub/faults.ts";
import { decodeCall, decodeResponse, splitNamed } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall, encodeFault, encodeResponse, named } from "../../shared/hub/xmlrpc/encode.ts";
import {
  MAX_DEPTH,
  XmlRpcDateTime,
  XmlRpcDouble,
  XmlRpcSyntaxError,
  type XmlRpcValue,
  XmlRpcValueError,
} from "../../shared/hub/xmlrpc/values.ts";

const seed = Number(process.env.SEED ?? 20_261_122);
console.log(`property tests of the codec run with SEED=${seed}`);

const response = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse><params><param>${value}</param></params></methodResponse>`;
const decoded = (value: string) => decodeResponse(response(`<value>${value}</value>`));
const carried = (value: XmlRpcValue) => decodeResponse(encodeResponse(value));

/** Any text that XML can carry. */
const text = fc
  .string({ unit: "binary" })
  .map((raw) => raw.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "·"));
const integer64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const value: fc.Arbitrary<XmlRpcValue> = fc.letrec<{ value: XmlRpcValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "medium" },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    // A smaller one comes back as a number.
    integer64.filter((whole) => whole > 2n ** 53n || whole < -(2n ** 53n)),
    text,
    fc.uint8Array(),
    fc.date({ noInvalidDate: true }).map((date) => new XmlRpcDateTime(date.toISOString())),
    fc.array(tie("value")),
    fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toString", "__starstar")), tie("value"), {
      noNullPrototype: true,
    }),
  ),
})).value;

describe("a value that was encoded and decoded", () => {
  it("is the same value", () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(carried(original)).toEqual(original);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it("is the same value as bytes, in UTF-8", () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(decodeResponse(new TextEncoder().encode(encodeResponse(original)))).toEqual(original);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("gives the same document again when its doubles are kept apart", () => {
    fc.assert(
      fc.property(fc.array(value), (params) => {
        const document = encodeCall("echo", params);
        expect(encodeCall("echo", decodeCall(document, { exactDoubles: true }).params)).toBe(document);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("keeps a member called __proto__ a member", () => {
    const hostile = decoded(
      "<struct><member><name>__proto__</name><value><struct><member><name>enabled</name><value><boolean>1</boolean></value></member></struct></value></member></struct>",
    );
    expect(Object.keys(hostile ?? {})).toEqual(["__proto__"]);
    expect(hostile).not.toHaveProperty("enabled");
    expect(Object.getPrototypeOf(hostile)).toBe(Object.prototype);
  });
});

describe("numbers", () => {
  it.each<[XmlRpcValue, string]>([
    [0, "<int>0</int>"],
    [-0, "<double>-0.0</double>"],
    [2_147_483_647, "<int>2147483647</int>"],
    [2_147_483_648, "<i8>2147483648</i8>"],
    [-2_147_483_648, "<int>-2147483648</int>"],
    [-2_147_483_649, "<i8>-2147483649</i8>"],
    [5n, "<int>5</int>"],
    [2n ** 63n - 1n, "<i8>9223372036854775807</i8>"],
    [-(2n ** 63n), "<i8>-9223372036854775808</i8>"],
    [1.5, "<double>1.5</double>"],
    // As Python's repr prints them.
    [new XmlRpcDouble(1), "<double>1.0</double>"],
    [new XmlRpcDouble(0), "<double>0.0</double>"],
    [1e300, "<double>1e+300</double>"],
    [1795353276.137402, "<double>1795353276.137402</double>"],
    [0.0001, "<double>0.0001</double>"],
    [0.00001, "<double>1e-05</double>"],
    [-1.25e-7, "<double>-1.25e-07</double>"],
    [5e-324, "<double>5e-324</double>"],
    [new XmlRpcDouble(1e15), "<double>1000000000000000.0</double>"],
    [new XmlRpcDouble(2 ** 53), "<double>9007199254740992.0</double>"],
    [1e16, "<double>1e+16</double>"],
    [123_456_789_012_345_680, "<double>1.2345678901234568e+17</double>"],
    [1.7976931348623157e308, "<double>1.7976931348623157e+308</double>"],
  ])("%o is written as %s", (number, written) => {
    expect(encodeResponse(number)).toContain(`<value>${written}</value>\n`);
  });

  it.each<[string, XmlRpcValue]>([
    ["<i4>7</i4>", 7],
    ["<int> -7\n</int>", -7],
    ["<int>+7</int>", 7],
    ["<int>-0</int>", 0],
    ["<int>4294967296</int>", 4_294_967_296],
    ["<i8>9007199254740991</i8>", 9_007_199_254_740_991],
    ["<i8>9007199254740992</i8>", 9_007_199_254_740_992n],
    ["<int>-9007199254740993</int>", -9_007_199_254_740_993n],
    ["<double>1.0</double>", 1],
    ["<double>1e+300</double>", 1e300],
    ["<double>.5</double>", 0.5],
    ["<boolean>0</boolean>", false],
  ])("%s is read as %s", (written, number) => {
    expect(decoded(written)).toBe(number);
  });

  it.each([
    "<int></int>",
    "<int>1.5</int>",
    "<int>0x10</int>",
    "<int>1 2</int>",
    `<i8>${"9".repeat(401)}</i8>`,
    "<double>nan</double>",
    "<double>inf</double>",
    "<double>1e999</double>",
    "<double></double>",
    "<boolean>2</boolean>",
    "<boolean>true</boolean>",
  ])("%s is refused", (written) => {
    expect(() => decoded(written)).toThrow(XmlRpcSyntaxError);
  });

  it.each<[XmlRpcValue, RegExp]>([
    [2n ** 63n, /^params\[0\] .*does not fit in 64 bits/],
    [-(2n ** 63n) - 1n, /64 bits/],
    [Number.NaN, /NaN is not a finite number/],
    [[1, { weight: Number.POSITIVE_INFINITY }], /^params\[0\]\[1\]\.weight .*Infinity/],
    [new XmlRpcDouble(Number.NaN), /NaN/],
  ])("%o cannot be sent, and the error says where", (number, problem) => {
    expect(() => encodeCall("echo", [number])).toThrow(problem);
    expect(() => encodeCall("echo", [number])).toThrow(XmlRpcValueError);
  });
});

describe("text", () => {
  it("keeps white space, markup and carriage returns", () => {
    for (const original of ["", " ", "  leading and\nnewline ", "a\r\nb\rc", "<&>]]>", "&amp;", "漢 café 🍶"]) {
      expect(carried(original)).toBe(original);
      expect(carried([original])).toEqual([original]);
      expect(carried({ [original]: original })).toEqual({ [original]: original });
    }
  });

  it.each(["\u0000", "\u0008", "\u000b", "\u001f", "\ufffe", "\uffff", "\ud800", "x\udc00"])(
    "with %j cannot be sent",
    (bad) => {
      expect(() => encodeCall("echo", [bad])).toThrow(/params\[0\].* which XML cannot carry/);
      expect(() => encodeCall("echo", [{ [bad]: 1 }])).toThrow(XmlRpcValueError);
      expect(() => encodeCall(`ec${bad}ho`)).toThrow(XmlRpcValueError);
    },
  );

  it("may come untyped, as CDATA, with comments and with character references", () => {
    expect(decoded("bare  ")).toBe("bare  ");
    expect(decoded("")).toBe("");
    expect(decodeResponse(response("<value/>"))).toBe("");
    expect(decoded("<string/>")).toBe("");
    expect(decoded("<string>a<![CDATA[<b>]]>&#x41;&#66;&quot;<!-- c -->d</string>")).toBe(`a<b>AB"d`);
    expect(decoded("\n <string> x </string>\n ")).toBe(" x ");
  });
});

describe("the other types", () => {
  it("nil may have any prefix", () => {
    expect(decoded("<nil/>")).toBeNull();
    expect(decoded("<ex:nil xmlns:ex='http://ws.apache.org/xmlrpc/namespaces/extensions'/>")).toBeNull();
    expect(decoded("<nil></nil>")).toBeNull();
  });

  it("base64 is bytes, in Python's lines of 76 letters", () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, index) => index);
    const lines = encodeResponse(bytes).split("\n").slice(4, 9);
    expect(lines.map((line) => line.length)).toEqual([
      "<value><base64>".length,
      76,
      60,
      "</base64></value>".length,
      "</param>".length,
    ]);
    expect(carried(bytes)).toEqual(bytes);
    expect(() => decoded("<base64>a</base64>")).toThrow(XmlRpcSyntaxError);
    expect(() => decoded("<base64>****</base64>")).toThrow(XmlRpcSyntaxError);
  });

  it("dateTime.iso8601 stays the text it was", () => {
    expect(decoded("<dateTime.iso8601>20260102T03:04:05</dateTime.iso8601>")).toEqual(
      new XmlRpcDateTime("20260102T03:04:05"),
    );
  });

  it("undefined and functions are refused, as untyped callers may pass them", () => {
    const untyped: { params: XmlRpcValue[] } = JSON.parse(`{"params":[null]}`);
    Reflect.set(untyped.params, 0, undefined);
    expect(() => encodeCall("echo", untyped.params)).toThrow(/undefined has no XML-RPC form, use null/);
    Reflect.set(untyped.params, 0, () => 1);
    expect(() => encodeCall("echo", untyped.params)).toThrow(XmlRpcValueError);
  });
});

describe("named arguments", () => {
  it("are a last struct with __starstar, without those that are undefined", () => {
    const params = named(["builder-01"], { capacity: 4, comment: undefined, description: null });
    expect(params).toEqual(["builder-01", { capacity: 4, description: null, __starstar: true }]);
    expect(splitNamed(params)).toEqual({ args: ["builder-01"], named: { capacity: 4, description: null } });
  });

  it("are only those: a last struct without it is just a struct", () => {
    for (const params of [[], [{ state: [0] }], [{ __starstar: false }], [1, "x"], [[{ __starstar: true }]]]) {
      expect(splitNamed(params)).toEqual({ args: params, named: {} });
    }
  });
});

describe("a document", () => {
  it("that is a fault is thrown as one", () => {
    expect(() => decodeResponse(encodeFault(1004, "admin permission required"), { method: "freeTask" })).toThrow(
      expect.objectContaining({ code: 1004, kind: "ActionNotAllowed", method: "freeTask" }),
    );
    expect(() => decodeResponse(encodeFault(1, "x"))).toThrow(HubFault);
  });

  it.each([
    ["no XML", "hello"],
    ["HTML", "<!DOCTYPE HTML><html><body>Forbidden</body></html>"],
    ["mismatched tags", response("<value><int>1</string></value>")],
    ["tags closed in the wrong order", response("<value><array><data></array></data></value>")],
    ["an unknown entity", response("<value>&nbsp;</value>")],
    ["a bare ampersand", response("<value>a & b</value>")],
    ["a reference to a character that is none", response("<value>&#0;</value>")],
    ["a control character", response("<value>\u0001</value>")],
    [
      "a control character allowed by XML 1.1 only",
      `<?xml version='1.1'?><methodResponse><params><param><value>&#1;</value></param></params></methodResponse>`,
    ],
    ["an unquoted attribute", response("<value a=b/>")],
    ["an unknown type", response("<value><float>1</float></value>")],
    ["two types in one value", response("<value><int>1</int><int>2</int></value>")],
    ["text beside the type", response("<value>x<int>1</int></value>")],
    ["text behind the type", response("<value><int>1</int>x</value>")],
    ["text in an array", response("<value><array><data>x</data></array></value>")],
    ["an array without data", response("<value><array></array></value>")],
    ["an array with data twice", response("<value><array><data/><data/></array></value>")],
    ["a member without a name", response("<value><struct><member><value/></member></struct></value>")],
    ["a member without a value", response("<value><struct><member><name>a</name></member></struct></value>")],
    [
      "a member with two names",
      response("<value><struct><member><name>a</name><name>b</name><value/></member></struct></value>"),
    ],
    [
      "a member with two values",
      response("<value><struct><member><name>a</name><value/><value/></member></struct></value>"),
    ],
    ["text in nil", response("<value><nil>x</nil></value>")],
    ["no result", response("")],
    ["two results", "<methodResponse><params><param><value/></param><param><value/></param></params></methodResponse>"],
    [
      "a result and a fault",
      "<methodResponse><params><param><value/></param></params><fault><value/></fault></methodResponse>",
    ],
    ["a fault that is no struct", "<methodResponse><fault><value>1000</value></fault></methodResponse>"],
    ["two roots", `${response("<value/>")}<methodResponse/>`],
    ["nothing in the reply", "<methodResponse></methodResponse>"],
    ["a call", encodeCall("echo")],
    [
      "a document type",
      `<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>${response("<value>&b;</value>").slice(21)}`,
    ],
  ])("with %s is refused", (_what, document) => {
    expect(() => decodeResponse(document)).toThrow(XmlRpcSyntaxError);
    expect(() => decodeResponse(Buffer.from(document))).toThrow(/^This is not a readable XML-RPC document: .*\.$/s);
  });

  it("is refused in another encoding than UTF-8, or when its bytes are not UTF-8", () => {
    expect(() => decodeResponse(Buffer.from(`<?xml version='1.0' encoding='latin-1'?><a/>`))).toThrow(/latin-1/);
    expect(() => decodeResponse(Buffer.from([0x3c, 0x61, 0xff, 0x3e]))).toThrow(XmlRpcSyntaxError);
    const halfACharacter = Buffer.from([0xc3]);
    expect(() => decodeResponse(Buffer.concat([Buffer.from(response("<value/>")), halfACharacter]))).toThrow(
      /stops too soon/,
    );
    expect(
      decodeResponse(Buffer.from(`\ufeff${response("<value>é</value>").replace("'?>", "' encoding='utf-8'?>")}`)),
    ).toBe("é");
  });

  it("that stops at any point is refused as truncated", () => {
    const whole = Buffer.from(encodeResponse({ name: "café", ids: [1, null, "<x>"] }).trimEnd());
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeResponse(whole.subarray(0, length))).toThrow(expect.objectContaining({ truncated: true }));
    }
  });

  it("that calls no method is refused", () => {
    expect(() => decodeCall("<methodCall><params/></methodCall>")).toThrow(/names no method/);
    expect(() => decodeCall("<methodCall><methodName>a</methodName><methodName>b</methodName></methodCall>")).toThrow(
      XmlRpcSyntaxError,
    );
    expect(() => decodeCall(response("<value/>"))).toThrow(/a reply where a call is due/);
    expect(decodeCall("<methodCall><methodName>a</methodName></methodCall>")).toEqual({ method: "a", params: [] });
  });
});

describe("nesting", () => {
  const nested = (depth: number) => {
    let deep: XmlRpcValue = [];
    for (let level = 1; level < depth; level++) deep = [deep];
    return deep;
  };

  it(`goes to ${MAX_DEPTH} in both directions`, () => {
    expect(carried(nested(MAX_DEPTH))).toEqual(nested(MAX_DEPTH));
    expect(() => encodeResponse(nested(MAX_DEPTH + 1))).toThrow(/nested more than 200 deep/);
  });

  it("of 100,000 arrays is a clear error, not a stack overflow", () => {
    const depth = 100_000;
    const document = response(`${"<value><array><data>".repeat(depth)}${"</data></array></value>".repeat(depth)}`);
    expect(() => decodeResponse(document)).toThrow(/nested more than 200 deep/);
    expect(() => encodeResponse(nested(depth))).toThrow(/nested more than 200 deep/);
    const loop: XmlRpcValue[] = [];
    loop.push(loop);
    expect(() => encodeResponse(loop)).toThrow(/nested more than 200 deep/);
  });
});
