// Tiny real rpms and repositories of them, by rpmbuild and createrepo_c; and why tests that need such tools are skipped.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missing, PATH } from "../hosts/commands.ts";

/** Each is "" when the tools are there, else why the test is skipped, for its name. On CI the test runs, and fails. */
export const noRpmbuild = missing("the package rpm", "rpmbuild", "rpm");
export const noCreaterepo = missing("the packages createrepo-c and rpm", "createrepo_c", "rpmbuild");
export const noDnf = missing("the packages dnf, createrepo-c and rpm", "dnf", "createrepo_c", "rpmbuild");
export const noGpg = missing("the package gpg", "gpg");
export { missing as missingTools };

export interface RpmWanted {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  /** noarch by default. */
  readonly arch?: string;
  readonly requires?: readonly string[];
  /** What stands in its one file: another content makes another rpm of the same name. */
  readonly content?: string;
  /** As rpm's macro _binary_payload has it: "w9.gzdio" by default, "w2.xzdio", "w3.zstdio". */
  readonly payload?: string;
}

/** Builds it into `folder`, which is made where it is not there. The path of the rpm, some 6 KB. Takes about 0.2 s. */
export function makeRpm(folder: string, wanted: RpmWanted): string {
  const { name, version, release, arch = "noarch", payload = "w9.gzdio" } = wanted;
  mkdirSync(folder, { recursive: true });
  const top = mkdtempSync(join(tmpdir(), "toji-rpmbuild-"));
  try {
    writeFileSync(join(top, "wanted.spec"), specOf(wanted));
    const macros = {
      _topdir: top,
      _rpmdir: folder,
      _rpmfilename: "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
      _binary_payload: payload,
      _buildhost: "builder.example.org",
      // Nothing of it is to be stripped, compressed or searched for debug information.
      __os_install_post: "%{nil}",
      debug_package: "%{nil}",
    };
    const defined = Object.entries(macros).flatMap(([macro, value]) => ["--define", `${macro} ${value}`]);
    const environment = { PATH, HOME: top, LC_ALL: "C.UTF-8" };
    execFileSync("rpmbuild", ["-bb", "--quiet", "--target", arch, ...defined, join(top, "wanted.spec")], {
      env: environment,
      stdio: ["ignore", "ignore", "pipe"],
    });
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
  return join(folder, `${name}-${version}-${release}.${arch}.rpm`);
}

function specOf({
  name,
  version,
  release,
  requires = [],
  content = `${name} ${version}-${release}`,
}: RpmWanted): string {
  return [
    `Name: ${name}`,
    `Version: ${version}`,
    `Release: ${release}`,
    `Summary: The package ${name}`,
    "License: Apache-2.0",
    ...requires.map((each) => `Requires: ${each}`),
    "%description",
    `The package ${name}, for tests.`,
    "%install",
    "mkdir -p %{buildroot}/opt/%{name}",
    "cat > %{buildroot}/opt/%{name}/content <<'END OF CONTENT'",
    content.replaceAll("%", "%%"),
    "END OF CONTENT",
    "%files",
    "/opt/%{name}/content",
    "",
  ].join("\n");
}

/** Writes `folder`/repodata by createrepo_c; without options, gzip and no databases. */
export function createRepository(folder: string, ...options: readonly string[]): void {
  execFileSync("createrepo_c", ["--quiet", "--no-database", ...options, folder], {
    env: { PATH, LC_ALL: "C.UTF-8" },
    stdio: ["ignore", "ignore", "pipe"],
  });
}
