// Prices and vCPUs of instance types, where the config does not give them.

import { describe, expect, it } from "vitest";
import { onDemandPrice, PRICE_TABLE, vcpusOf } from "../../shared/config/index.ts";

describe("vCPUs by name", () => {
  it.each([
    ["c7g.medium", 1],
    ["t3.medium", 2],
    ["t4g.small", 2],
    ["m7a.large", 2],
    ["m7a.xlarge", 4],
    ["m7i-flex.2xlarge", 8],
    ["c7a.48xlarge", 192],
  ])("%s has %i", (instanceType, vcpus) => expect(vcpusOf(instanceType)).toBe(vcpus));

  it.each(["m7a.metal", "m7a.metal-48xl", "m7a", "", "x.0"])("%j is not readable", (instanceType) => {
    expect(vcpusOf(instanceType)).toBeUndefined();
  });
});

describe("the price table", () => {
  it("says of when and where it is", () => {
    expect(PRICE_TABLE).toEqual({ asOf: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), region: "us-east-1" });
  });

  it("knows common types and nothing that is none", () => {
    expect(onDemandPrice("m7a.xlarge")).toBe(0.23184);
    expect(onDemandPrice("m7a.huge")).toBeUndefined();
  });
});
