// What a task's request tells, for the methods of Koji and the sources that people build from.

import { describe, expect, it } from "vitest";
import { packageOf, requestedBuild, requestedInRow } from "../../shared/hub/requests.ts";

describe("the package of a source", () => {
  it.each<[string, string | null]>([
    ["work/cli-build/1700000000.1.AbCd/kestrel-libs-20.0-8.src.rpm", "kestrel-libs"],
    ["tasks/23/23/pretend-1.0-1.src.rpm", "pretend"],
    ["foo-1.0-1.el9.src.rpm", "foo"],
    ["foo-bar-2-baz-1.0~rc1-0.1.fc42.nosrc.rpm", "foo-bar-2-baz"],
    ["git+https://git.meadowlark.test/rpms/plover.git#9f8e7d", "plover"],
    ["git://git.meadowlark.test/plover#origin/main", "plover"],
    ["git+ssh://user@git.meadowlark.test/rpms/plover/?sub/folder#9f8e7d", "plover"],
    ["https://git.meadowlark.test", null],
    ["foo-1.0.src.rpm", null],
    ["foo.rpm", null],
    ["", null],
  ])("%j is %j", (source, name) => {
    expect(packageOf(source)).toBe(name);
  });
});

describe("a request", () => {
  it.each<[string, unknown, number | string | null, string | null]>([
    ["buildArch", ["tasks/2/2/foo-1-1.src.rpm", 7, "x86_64", false, {}], 7, "foo"],
    ["buildSRPMFromSCM", ["git+https://host/rpms/foo.git#1", 7, { repo_id: 1 }], 7, "foo"],
    ["rebuildSRPM", ["cli-build/1/foo-1-1.src.rpm", "f42-build", {}], "f42-build", "foo"],
    ["build", ["git+https://host/rpms/foo.git#1", "f42-candidate", {}], null, "foo"],
    ["build", [null, "f42-candidate", {}], null, null],
    ["createImage", ["cloud", "1", "2", "x86_64", {}, 9, {}, "tree", {}], 9, "cloud"],
    ["createLiveMedia", ["live", "1", "2", "x86_64", {}, { id: 9 }, {}, "ks", {}], 9, "live"],
    ["newRepo", ["f42-build", { __starstar: true }], "f42-build", null],
    [
      "newRepo",
      [
        { id: 7, name: "f42-build" },
        { opts: {}, __starstar: true },
      ],
      7,
      null,
    ],
    ["distRepo", ["f42-build", 12, [], {}], "f42-build", null],
    ["distRepo", [{ name: "f42-build" }, 12, [], {}], null, null],
    ["createrepo", [1, "x86_64", null], null, null],
    ["buildArch", [], null, null],
    ["buildArch", "<?xml version='1.0'?>", null, null],
    ["buildArch", null, null, null],
    ["constructor", ["foo-1-1.src.rpm", 7], null, null],
  ])("of %s %j builds in %j the package %j", (method, request, build_tag, name) => {
    expect(requestedBuild(method, request)).toEqual({ build_tag, package: name });
  });
});

describe("a task's row", () => {
  it("has the target and the arches that a request asks for", () => {
    const override = { scratch: true, arch_override: "x86_64 aarch64" };
    expect(requestedInRow("build", ["git+https://host/rpms/foo.git#1", "f42-candidate", override])).toEqual({
      build_tag: null,
      package: "foo",
      target: "f42-candidate",
      arches: ["x86_64", "aarch64"],
    });
    const image = ["cloud", "1", ["x86_64", "aarch64"], "f42-images", "tree", {}];
    expect(requestedInRow("image", image)).toMatchObject({ target: "f42-images", arches: ["x86_64", "aarch64"] });
  });

  it("stays as small as it was where a request asks for neither", () => {
    const request = ["tasks/2/2/foo-1-1.src.rpm", 7, "x86_64", false, {}];
    expect(Object.keys(requestedInRow("buildArch", request))).toEqual(["build_tag", "package"]);
    expect(Object.keys(requestedInRow("build", [null, "", { arch_override: "" }]))).toEqual(["build_tag", "package"]);
    expect(Object.keys(requestedInRow("createrepo", [1, "x86_64", null]))).toEqual(["build_tag", "package"]);
  });
});
