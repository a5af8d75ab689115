// What must hold of the repository itself: a clone stands alone, and nothing in it points at where it was made.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** An unpacked archive has no list of its files; there is nothing to hold it against. */
const noCheckout = existsSync(`${root}/.git`) ? "" : " (skipped: this is no git checkout)";
const listed = noCheckout === "" ? execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }) : "";
const files = listed.split("\0").filter(Boolean);
const text = (file: string) => readFileSync(`${root}/${file}`, "utf8");
const source = files.filter((file) => /\.(ts|js|json|ya?ml|md|html|css|sh)$/.test(file) || !file.includes("."));

describe.skipIf(noCheckout)(`the repository${noCheckout}`, () => {
  it("has a lock file that names no host", () => {
    expect(text("package-lock.json")).not.toMatch(/:\/\//);
  });

  it("pins every dependency to one version", () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text("package.json"));
    const versions = Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies });
    for (const version of versions) expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  it("reads nothing from outside itself and names no path of the machine it was written on", () => {
    const home = new RegExp(["/wo", "rk/|/ro", "ot/|/ho", "me/[a-z]+/"].join(""));
    const found = source.filter((file) => file !== "package-lock.json" && home.test(text(file)));
    expect(found).toEqual([]);
  });

  it("keeps files to one purpose: none above 350 lines", () => {
    const long = files
      .filter((file) => /^(cli|functions|infra|sandbox|shared)\/.*\.(ts|js)$/.test(file))
      .filter((file) => text(file).split("\n").length > 350);
    expect(long).toEqual([]);
  });
});
