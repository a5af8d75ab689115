// primary.xml: what is read of it, beside a SAX parser on the same documents, and what is refused.

import fc from "fast-check";
import { SaxesParser } from "saxes";
import { describe, expect, it } from "vitest";
import { type PrimaryPackage, readPrimary } from "../../shared/mirrors/formats/primary.ts";
import { problemOf } from "../../shared/mirrors/trouble.ts";
import { inChunks } from "./streams.ts";

const COMMON = "http://linux.duke.edu/metadata/common";
const SHA256 = "0123456789abcdef".repeat(4);

async function read(text: string, size = 1e9) {
  const packages: PrimaryPackage[] = [];
  const result = await readPrimary(inChunks(Buffer.from(text), size), (pkg) => packages.push(pkg));
  return { ...result, packages };
}

/** The kind of trouble and its words, or "none". */
const troubleOf = (text: string, size = 1e9): Promise<string> =>
  read(text, size).then(
    () => "none",
    (error) => {
      const { kind, detail } = problemOf(error);
      return `${kind}: ${detail}`;
    },
  );

const ELEMENTS: Readonly<Record<string, string>> = {
  name: "<name>bash</name>",
  arch: "<arch>x86_64</arch>",
  version: '<version epoch="0" ver="5.1.8" rel="9.el9"/>',
  checksum: `<checksum type="sha256" pkgid="YES">${SHA256}</checksum>`,
  summary: "<summary>The shell</summary>",
  time: '<time file="1790000001" build="1780000000"/>',
  size: '<size package="1767604" installed="7738890" archive="7750000"/>',
  location: '<location href="Packages/b/bash-5.1.8-9.el9.x86_64.rpm"/>',
  format:
    '<format><rpm:license>GPLv3+</rpm:license><rpm:provides><rpm:entry name="bash" flags="EQ"/></rpm:provides><file>/bin/sh</file></format>',
};

function packageWith(changes: Readonly<Record<string, string>> = {}): string {
  return `<package type="rpm">${Object.values({ ...ELEMENTS, ...changes }).join("\n  ")}</package>`;
}

function metadata(body: string, attributes = ' packages="1"'): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<metadata xmlns="${COMMON}" xmlns:rpm="http://linux.duke.edu/metadata/rpm"${attributes}>\n${body}\n</metadata>\n`;
}

const BASH: PrimaryPackage = {
  name: "bash",
  epoch: "0",
  version: "5.1.8",
  release: "9.el9",
  arch: "x86_64",
  checksum: { type: "sha256", value: SHA256 },
  size: 1_767_604,
  href: "Packages/b/bash-5.1.8-9.el9.x86_64.rpm",
  base: null,
  fileTime: 1_790_000_001,
};

/** The same by saxes: text and attributes of the children of each package, by their names as written. */
function bySaxes(text: string): readonly (readonly [string, string, Readonly<Record<string, string>>])[][] {
  const packages: [string, string, Record<string, string>][][] = [];
  const names: string[] = [];
  const parser = new SaxesParser({ xmlns: false });
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    names.push(name);
    if (names.length === 2 && name === "package") packages.push([]);
    if (names.length === 3 && names[1] === "package") packages.at(-1)?.push([name, "", { ...attributes }]);
  });
  const add = (value: string) => {
    const last = packages.at(-1)?.at(-1);
    if (names.length === 3 && names[1] === "package" && last !== undefined) last[1] += value;
  };
  parser.on("text", add);
  parser.on("cdata", add);
  parser.on("closetag", () => names.pop());
  parser.write(text).close();
  return packages;
}

function packagesBySaxes(text: string): PrimaryPackage[] {
  return bySaxes(text).map((children) => {
    const of = (name: string) => children.find(([each]) => each === name) ?? ["", "", {}];
    return {
      name: of("name")[1],
      epoch: of("version")[2].epoch || "0",
      version: of("version")[2].ver ?? "",
      release: of("version")[2].rel ?? "",
      arch: of("arch")[1],
      checksum: { type: "sha256", value: of("checksum")[1] },
      size: Number(of("size")[2].package),
      href: of("location")[2].href ?? "",
      base: of("location")[2]["xml:base"] ?? null,
      fileTime: Number(of("time")[2].file),
    };
  });
}

const NASTY = fc.string({
  unit: fc.constantFrom("a", "<", "&", ">", '"', "'", "]", "é", "☃", "😀", "7", ".", "]]>"),
  minLength: 1,
  maxLength: 12,
});
const seeds = fc.integer({ min: 0, max: 0x7fffffff });

/** Writes the same in one of the ways that XML has for it. */
function draws(seed: number): (below: number) => number {
  let state = seed || 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  "<": "&lt;",
  "&": "&amp;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function written(text: string, draw: (below: number) => number, quote = ""): string {
  const escaped = [...text].map((each) => {
    const code = each.codePointAt(0) ?? 0;
    if (draw(6) === 0) return draw(2) === 0 ? `&#${code};` : `&#x${code.toString(16)};`;
    return each === "<" || each === "&" || each === ">" || each === quote ? (ENTITIES[each] ?? each) : each;
  });
  return escaped.join("");
}

function element(name: string, text: string, draw: (below: number) => number): string {
  if (draw(4) === 0 && !text.includes("]]>")) return `<${name}><![CDATA[${text}]]></${name} >`;
  const half = Math.floor(text.length / 2);
  const isSplit = draw(4) === 0 && !/[\ud800-\udbff]/.test(text[half - 1] ?? "");
  if (!isSplit) return `<${name}>${written(text, draw)}</${name}>`;
  return `<${name}>${written(text.slice(0, half), draw)}<!-- > </${name}> -->${written(text.slice(half), draw)}</${name}>`;
}

function empty(name: string, attributes: Readonly<Record<string, string>>, draw: (below: number) => number): string {
  const parts = Object.entries(attributes).map(([key, value]) => {
    const quote = draw(2) === 0 ? '"' : "'";
    return `${draw(3) === 0 ? "\n\t" : " "}${key}${draw(3) === 0 ? " = " : "="}${quote}${written(value, draw, quote)}${quote}`;
  });
  if (draw(2) === 0) parts.reverse();
  return draw(2) === 0 ? `<${name}${parts.join("")}/>` : `<${name}${parts.join("")} ></${name}>`;
}

function documentOf(texts: readonly { name: string; arch: string; ver: string; href: string }[], seed: number): string {
  const draw = draws(seed);
  const noise = [
    "<!-- <package> -->",
    "<?target <package> ?>",
    "\r\n",
    "<other><package><name>x</name></package></other>",
    "",
  ];
  const pick = () => noise[draw(noise.length)] ?? "";
  const packages = texts.map(({ name, arch, ver, href }, index) => {
    const children = [
      element("name", name, draw),
      element("arch", arch, draw),
      empty("version", { epoch: String(draw(3)), ver, rel: "1.el9" }, draw),
      element("checksum", SHA256, draw).replace("<checksum>", "<checksum pkgid='YES' type = \"sha256\">"),
      empty("time", { file: String(index), build: "4" }, draw),
      empty("size", { package: String(draw(1e6)), installed: "1" }, draw),
      empty("location", { href: `p/${href}`, ...(draw(3) === 0 ? { "xml:base": "http://example.org/x/" } : {}) }, draw),
      `<format a="/>" b='>'><rpm:x><![CDATA[</format>]]><!-- </format> --><name>no</name></rpm:x><file/></format>`,
      `<description>${written(name, draw)}<i>${pick()}</i></description>`,
    ];
    if (draw(2) === 0) children.reverse();
    return `<package${draw(2) === 0 ? ' type="rpm"' : ""}>${children.map((each) => each + (draw(3) === 0 ? "\n  " : "")).join("")}</package>`;
  });
  return metadata(packages.map((each) => each + pick()).join(""), ` packages='${packages.length}'`);
}

const texts = fc.array(
  fc.record({ name: NASTY, arch: NASTY, ver: NASTY, href: NASTY.map((href) => href.replaceAll(".", "-")) }),
  { maxLength: 4 },
);

describe("the packages of primary.xml", () => {
  it("are given one at a time, with what identifies and locates them", async () => {
    expect(await read(metadata(packageWith()))).toEqual({ count: 1, promised: 1, packages: [BASH] });
    const none = await read(`<metadata xmlns="${COMMON}"/>`);
    expect(none).toEqual({ count: 0, promised: null, packages: [] });
  });

  it("are those that a SAX parser finds, however the document is written and cut into chunks", async () => {
    await fc.assert(
      fc.asyncProperty(texts, seeds, fc.constantFrom(1, 2, 3, 17, 100, 4096), async (each, seed, size) => {
        const text = documentOf(each, seed);
        const found = await read(text, size);
        expect(found.packages).toEqual(packagesBySaxes(text));
        expect(found).toMatchObject({ count: each.length, promised: each.length });
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("are never more nor others than a SAX parser finds when the document is cut off or damaged", async () => {
    const isRefusedBySaxes = (text: string) => {
      try {
        bySaxes(text);
        return false;
      } catch {
        return true;
      }
    };
    await fc.assert(
      fc.asyncProperty(texts, seeds, fc.nat(), async (each, seed, at) => {
        const text = documentOf(each, seed);
        const cut = [...text].slice(0, at % [...text].length).join("");
        const isBlankAfter = text.slice(cut.length).trim() === "";
        expect((await troubleOf(cut, 50)) === "none").toBe(isBlankAfter);
        expect(isRefusedBySaxes(cut)).toBe(!isBlankAfter);
        // A character lost outside of what is skipped: refused, or read as saxes reads it.
        const short = metadata(packageWith());
        const lost = short.slice(0, at % short.length) + short.slice((at % short.length) + 1);
        // Saxes is not asked for namespaces here.
        const isOfUs = lost.includes(`<metadata xmlns="${COMMON}" `) && lost.includes('<package type="rpm">');
        if (isOfUs && (await troubleOf(lost)) === "none" && !isRefusedBySaxes(lost)) {
          expect((await read(lost)).packages).toEqual(packagesBySaxes(lost));
        }
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("may be in a namespace with a prefix, or declared on the package itself", async () => {
    const prefixed = packageWith().replaceAll(
      /<(\/?)(package|name|arch|version|checksum|time|size|location|format|summary)/g,
      "<$1c:$2",
    );
    expect((await read(`<c:metadata xmlns:c="${COMMON}" xmlns:rpm="r">${prefixed}</c:metadata>`)).packages).toEqual([
      BASH,
    ]);
    const own = packageWith().replace("<package", `<package xmlns="${COMMON}"`);
    expect((await read(`<c:metadata xmlns:c="${COMMON}">${own}</c:metadata>`)).packages).toEqual([BASH]);
    const foreign = packageWith({ summary: '<name xmlns="urn:other">not this</name>' });
    expect((await read(metadata(foreign))).packages).toEqual([BASH]);
    expect((await read(metadata(packageWith().replace("<package", '<package xmlns="urn:other"')))).count).toBe(0);
  });

  it("of another type than rpm are left out; a byte order mark is no text", async () => {
    const text = metadata(`${packageWith()}<package type="srpm-group"><name/></package>`, "");
    expect((await read(`\ufeff${text}`, 2)).packages).toEqual([BASH]);
  });

  it("have their SHA-1 under its old name, and no epoch where none is given", async () => {
    const value = "a".repeat(40);
    const changes = { checksum: `<checksum type="sha">${value}</checksum>`, version: '<version ver="1" rel="2"/>' };
    const [found] = (await read(metadata(packageWith(changes)))).packages;
    expect(found).toMatchObject({ checksum: { type: "sha1", value }, epoch: "0" });
  });

  it("at a whole address are of another base", async () => {
    const at = async (location: string) => (await read(metadata(packageWith({ location })))).packages[0];
    expect(await at('<location xml:base="https://example.org/" href="a.rpm"/>')).toMatchObject({
      base: "https://example.org/",
      href: "a.rpm",
    });
    expect(await at('<location href="https://example.org/x/a.rpm"/>')).toMatchObject({
      base: "https://example.org/x/",
      href: "a.rpm",
    });
  });
});

describe("a primary.xml that is refused", () => {
  it.each(["name", "arch", "version", "checksum", "time", "size", "location"])(
    "has a package without its %s",
    async (name) => {
      expect(await troubleOf(metadata(packageWith({ [name]: "" })))).toMatch(/^schema: package 1 \(.*\) has no /);
      expect(await troubleOf(metadata(packageWith({ [name]: `${ELEMENTS[name]}${ELEMENTS[name]}` })))).toMatch(
        /^schema: .* twice$/,
      );
    },
  );

  it.each([
    ["schema", { size: '<size package="-1"/>' }],
    ["schema", { time: '<time file="12.5"/>' }],
    ["schema", { size: '<size package="99999999999999999999"/>' }],
    ["schema", { version: '<version epoch="x" ver="1" rel="1"/>' }],
    ["schema", { checksum: '<checksum type="sha256">abc</checksum>' }],
    ["unknown-form", { checksum: `<checksum type="crc32">${SHA256}</checksum>` }],
    ["schema", { location: '<location href="../other/a.rpm"/>' }],
    ["schema", { location: '<location href="a/%2e%2E/a.rpm"/>' }],
    ["schema", { location: '<location href="/a.rpm"/>' }],
    ["schema", { name: "<name>ba<b/>sh</name>" }],
    ["schema", { name: "<name>ba & sh</name>" }],
    ["schema", { name: "<name>&#0;</name>" }],
    ["schema", { location: '<location href="a" href="b"/>' }],
    ["schema", { location: '<location href="a"b="c"/>' }],
    ["schema", { location: "<location href=a />" }],
    ["entities", { name: "<name>&lol9;</name>" }],
    ["entities", { location: '<location href="&lol9;"/>' }],
    ["schema", { summary: "<summary>a < b</summary>" }],
    ["schema", { summary: "<summary><a></b></summary>" }],
    ["schema", { summary: "<!-- a -- b -->" }],
    ["schema", { summary: '<summary a="<"/>' }],
    ["schema", { summary: "<a>".repeat(80) + "</a>".repeat(80) }],
  ])("is %s for %j", async (kind, changes) => {
    expect((await troubleOf(metadata(packageWith(changes)), 7)).split(":")[0]).toBe(kind);
  });

  it("has a DOCTYPE, wherever and in whatever chunks", async () => {
    const bomb = `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>`;
    expect(await troubleOf(`<?xml version="1.0"?>${bomb}<metadata xmlns="${COMMON}"/>`, 3)).toMatch(/^entities: /);
    expect(await troubleOf(metadata(bomb))).toMatch(/^entities: /);
  });

  it.each([
    "",
    "  \n",
    "hello",
    "<html></html>",
    `<filelists xmlns="${COMMON}"/>`,
    "<metadata/>",
    "\0ZCK1",
    metadata("").repeat(2),
  ])("is not primary.xml at all: %j", async (text) => {
    expect(await troubleOf(text)).toMatch(/^schema: /);
  });

  it("is encoded otherwise, or has a tag without an end", async () => {
    const other = metadata(packageWith()).replace("UTF-8", "ISO-8859-1");
    expect(await troubleOf(other)).toMatch(/^unknown-form: /);
    expect(await troubleOf(metadata(`<package a="${"x".repeat(3_000_000)}"/>`), 65_536)).toMatch(
      /^schema: a tag or text of more than/,
    );
  });
});
