// toji.example.yml shows every option there is, with the default where it has one.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { parseSite, siteSchema } from "../../shared/config/index.ts";

const text = readFileSync(new URL("../../toji.example.yml", import.meta.url), "utf8");
const site = parseSite(text, "toji.example.yml");

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly default?: unknown;
}

interface Option {
  readonly path: string;
  readonly name: string;
  readonly preset: unknown;
  /** What the example says there; in lists their first entry. */
  readonly shown: unknown;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Every option of the schema, sections included. */
function optionsOf(node: Node, value: unknown, path = ""): Option[] {
  if (node.items?.properties !== undefined)
    return optionsOf(node.items, Array.isArray(value) ? value[0] : undefined, `${path}[0]`);
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const shown = isRecord(value) ? value[name] : undefined;
    const here = path === "" ? name : `${path}.${name}`;
    return [{ path: here, name, preset: child.default, shown }, ...optionsOf(child, shown, here)];
  });
}

const options = optionsOf(z.toJSONSchema(siteSchema, { io: "input" }) as Node, site);

describe("the example document", () => {
  it("is a site", () => {
    expect(site.builders.profiles.map((profile) => profile.name)).toContain("default-x86");
  });

  it("covers the whole schema in this test", () => {
    expect(options.map((option) => option.path)).toEqual(
      expect.arrayContaining(["hub.options.runInterval", "builders.profiles[0].offerings[0].vcpus"]),
    );
  });

  it.each(options.map((option) => [option.path, option.name]))("shows %s", (_, name) => {
    expect(text).toMatch(new RegExp(`^[\\s{#-]*(.*[{,] )?${name}:`, "m"));
  });

  it.each(
    options
      .filter(({ preset }) => preset !== undefined && !isRecord(preset))
      .map(({ path, preset, shown }) => [path, preset, shown]),
  )("gives %s its default, %j", (_, preset, shown) => {
    expect(shown).toEqual(preset);
  });

  it("gives markets their default, in its order", () => {
    const markets = options.find((option) => option.path === "builders.profiles[0].offerings[0].markets");
    expect(markets?.shown).toEqual(["spot", "on-demand"]);
  });
});
