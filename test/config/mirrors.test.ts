// The section `mirrors` of the site document: its defaults, and what is wrong with it, by path and in a sentence.

import { describe, expect, it } from "vitest";
import { problemsWith, siteWith } from "./least.ts";

const sectionOf = (mirrors: unknown) => siteWith({ mirrors }).mirrors;

const problems = (mirrors: unknown) => problemsWith({ mirrors });

const KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n";
const repos = (...entries: readonly object[]) => ({ repos: entries });

describe("a site", () => {
  it("checks no mirrors unless it says so", () => {
    expect(sectionOf(undefined)).toBeUndefined();
  });

  it("that says no more than `mirrors: {}` has all of the hub's external repos checked, and switches nothing", () => {
    expect(sectionOf({})).toEqual({
      lagHours: 48,
      alternateDays: 5,
      maxPackageDropPercent: 20,
      redirectHosts: [],
      certificateWarningDays: 14,
      metadataHours: 24,
      budgetSeconds: 300,
      sampling: { heads: 20, reads: 1, readMaxMiB: 50, live: 500 },
      failover: { badInARow: 3, goodInARow: 3, periodHours: 24, readyMinutes: 120 },
      repos: [],
    });
  });

  it("that only names a repo trusts nothing, takes over what holds for all, and leaves the switching to persons", () => {
    expect(sectionOf(repos({ name: "el9" }))?.repos).toEqual([
      {
        name: "el9",
        trust: { keys: [] },
        onlyNewest: false,
        accepted: [],
        candidates: [],
        failover: false,
        ignore: false,
      },
    ]);
  });

  it("may give a repo keys, its upstream, candidates with $arch, and leave to switch", () => {
    const repo = {
      name: "el9",
      trust: { keys: [KEY], metalink: "https://upstream.example.net/metalink?repo=el9&arch=$arch" },
      candidates: ["https://mirror.example.org/el9/$arch/", "http://[2001:db8::1]:8080/el9/$arch/"],
      redirectHosts: [".example.org", "cdn.example.net:8443"],
      failover: true,
    };
    expect(sectionOf(repos(repo))?.repos[0]).toMatchObject(repo);
  });
});

describe("a section that is wrong", () => {
  it.each([
    [{ lagHour: 3 }, 'mirrors.lagHour: unknown option, did you mean "lagHours"?'],
    [
      repos({ name: "a", candidates: ["file:///mnt/repo/"] }),
      "mirrors.repos[0].candidates[0]: write an http or https address",
    ],
    [
      repos({ name: "a", trust: { reference: "upstream" } }),
      "mirrors.repos[0].trust.reference: write an http or https address",
    ],
    [
      repos({ name: "a", trust: { keys: ["0xDEADBEEF"] } }),
      "mirrors.repos[0].trust.keys[0]: paste an armored OpenPGP public key",
    ],
    [
      repos({ name: "a", trust: { keys: [`${KEY}-----BEGIN PGP PRIVATE KEY BLOCK-----`] } }),
      "mirrors.repos[0].trust.keys[0]: this is a private key: take it back and paste the public one",
    ],
    [
      repos({ name: "a", accepted: ["abc"] }),
      "mirrors.repos[0].accepted[0]: write the sha256 of a repomd.xml: 64 hexadecimal digits",
    ],
    [
      { redirectHosts: ["https://cdn.example.org/"] },
      'mirrors.redirectHosts[0]: write a host name, or ".example.org" for all hosts below it',
    ],
    [{ ca: "ca.pem" }, "mirrors.ca: paste PEM certificates"],
    [repos({ name: "a" }, { name: "b" }, { name: "a" }), 'mirrors.repos[2].name: "a" is described twice'],
    [repos({ name: "a", failover: true }), "mirrors.repos[0].failover: there is no candidate to switch to: name one"],
    [repos({}), "mirrors.repos[0].name: is missing"],
  ])("%j says where, and what to write", (section, problem) => {
    expect(problems(section)).toEqual([problem]);
  });

  it.each([
    ["mirrors.lagHours", { lagHours: 0 }],
    ["mirrors.alternateDays", { alternateDays: 31 }],
    ["mirrors.maxPackageDropPercent", { maxPackageDropPercent: 101 }],
    ["mirrors.metadataHours", { metadataHours: -1 }],
    ["mirrors.budgetSeconds", { budgetSeconds: 900 }],
    ["mirrors.sampling.heads", { sampling: { heads: 1.5 } }],
    ["mirrors.sampling.reads", { sampling: { reads: 21 } }],
    ["mirrors.sampling.live", { sampling: { live: -1 } }],
    ["mirrors.failover.goodInARow", { failover: { goodInARow: 0 } }],
    ["mirrors.failover.readyMinutes", { failover: { readyMinutes: 1441 } }],
    ["mirrors.repos[0].name", repos({ name: "" })],
  ])("is told %s for %j", (path, section) => {
    expect(problems(section)).toEqual([expect.stringContaining(`${path}:`)]);
  });
});
