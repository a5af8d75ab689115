// The site document: what is wrong with it is said by path, in a sentence that says what to do.

import { describe, expect, it } from "vitest";
import { nearestOf, parseSite, slotNames } from "../../shared/config/index.ts";
import { LEAST, PROFILE, problemsOf, problemsWith, siteWith } from "./least.ts";

const problemsOfProfile = (changes: object) =>
  problemsWith({ builders: { ...LEAST.builders, profiles: [{ ...PROFILE, ...changes }] } });

describe("a document with the least that is needed", () => {
  it("is a site, with a default for everything else", () => {
    expect(siteWith({})).toMatchObject({
      hub: { admin: false, options: { runInterval: 60, hostTimeout: 900 } },
      builders: {
        fleet: "toji",
        budget: { maxInstances: 20, maxVcpus: 128, dollarsPerHour: 10 },
        forecast: true,
        waitValuePerHour: 5,
        launchFee: 0.001,
        watchAtRest: true,
        profiles: [{ min: 0, maxJobs: 10, volumeGiB: 60, offerings: [{ markets: ["spot", "on-demand"] }] }],
      },
    });
  });

  it("may be written as JSON", () => {
    expect(parseSite(JSON.stringify(LEAST), "toji.json").builders.profiles).toHaveLength(1);
  });
});

describe("what waits and launches are worth", () => {
  const withOptions = (options: object) => ({ builders: { ...LEAST.builders, ...options } });

  it.each([
    { waitValuePerHour: 0 },
    { waitValuePerHour: 1000 },
    { launchFee: 0 },
    { forecast: false },
    { watchAtRest: false },
    { holdSeconds: 1 },
  ])("may be %j", (options) => {
    expect(siteWith(withOptions(options)).builders).toMatchObject(options);
  });

  it("leaves the hold time open: what is measured decides, unless the site says it", () => {
    const { builders } = siteWith({});
    expect(builders.holdSeconds).toBeUndefined();
    expect(builders.profiles[0]?.holdSeconds).toBeUndefined();
  });

  it.each([
    [{ waitValuePerHour: -1 }, "builders.waitValuePerHour: Too small: expected number to be >=0"],
    [{ waitValuePerHour: "5" }, "builders.waitValuePerHour: Invalid input: expected number, received string"],
    [{ launchFee: -0.01 }, "builders.launchFee: Too small: expected number to be >=0"],
    [{ forecast: "no" }, "builders.forecast: Invalid input: expected boolean, received string"],
    [{ watchAtRest: 1 }, "builders.watchAtRest: Invalid input: expected boolean, received number"],
    [{ watchAtrest: true }, 'builders.watchAtrest: unknown option, did you mean "watchAtRest"?'],
    [{ holdSeconds: 0 }, "builders.holdSeconds: Too small: expected number to be >0"],
    [{ waitValuePerHours: 5 }, 'builders.waitValuePerHours: unknown option, did you mean "waitValuePerHour"?'],
    [{ launchfees: 1 }, 'builders.launchfees: unknown option, did you mean "launchFee"?'],
    [{ forcast: true }, 'builders.forcast: unknown option, did you mean "forecast"?'],
  ])("is refused as %j", (options, problem) => {
    expect(problemsWith(withOptions(options))).toEqual([problem]);
  });
});

describe("an unknown option", () => {
  it("is an error that names the nearest known one", () => {
    expect(problemsWith({ hub: { ...LEAST.hub, timeoutSecond: 5 } })).toEqual([
      'hub.timeoutSecond: unknown option, did you mean "timeoutSeconds"?',
    ]);
    expect(problemsOfProfile({ chanels: ["x"] })).toEqual([
      'builders.profiles[0].chanels: unknown option, did you mean "channels"?',
    ]);
    expect(problemsOfProfile({ offerings: [{ instanceType: "m7a.large", market: ["spot"] }] })).toEqual([
      'builders.profiles[0].offerings[0].market: unknown option, did you mean "markets"?',
    ]);
  });

  it("is one below an option with defaults, too", () => {
    expect(problemsWith({ hub: { ...LEAST.hub, options: { runintervall: 5 } } })).toEqual([
      'hub.options.runintervall: unknown option, did you mean "runInterval"?',
    ]);
  });

  it("that is near none lists what is known there", () => {
    expect(problemsWith({ builders: { ...LEAST.builders, budget: { tokyo: 1 } } })).toEqual([
      "builders.budget.tokyo: unknown option, known here: maxInstances, maxVcpus, dollarsPerHour",
    ]);
    expect(problemsWith({ extra: 1 })).toEqual(["extra: unknown option, known here: hub, builders, backup, mirrors"]);
  });

  it("is told apart from a name of every object", () => {
    expect(problemsOfProfile({ constructor: 1 })).toEqual([
      expect.stringMatching(/^builders\.profiles\[0\]\.constructor: unknown option, /),
    ]);
  });
});

describe("a profile", () => {
  it.each([
    ["without channels", { channels: [] }, "channels: a profile without channels never gets a task: name at least one"],
    ["without arches", { arches: [] }, "arches: name at least one arch, for example x86_64"],
    [
      "with arch i686",
      { arches: ["x86_64", "i686"] },
      'arches[1]: write "i386": the hub never gives a host with "i686" its tasks',
    ],
    [
      "with arch arm64",
      { arches: ["arm64"] },
      'arches[0]: write "aarch64": the hub never gives a host with "arm64" its tasks',
    ],
    ["with arch noarch", { arches: ["noarch"] }, "arches[0]: leave it out: every host serves noarch"],
    ["with two arches in one word", { arches: ["x86_64 i386"] }, "arches[0]: not the name of an arch"],
    ["with a capacity of 1", { capacity: 1 }, "capacity: the hub refuses a capacity of 1 or less: use more than 1"],
    [
      "with a negative capacity",
      { capacity: -3 },
      "capacity: the hub refuses a capacity of 1 or less: use more than 1",
    ],
    ["without offerings", { offerings: [] }, "offerings: name at least one instance type"],
    [
      "with an instance type that is none",
      { offerings: [{ instanceType: "large" }] },
      'offerings[0].instanceType: write it as EC2 does, for example "m7a.large"',
    ],
    ["with no image id", { imageId: "fedora-44" }, 'imageId: write an image id, for example "ami-0abc..."'],
    [
      "with a name that the hub refuses for a host",
      { slots: { prefix: "builder/x86", count: 1 } },
      "slots.prefix: the hub accepts letters, digits, '_', '.' and '-' in a host name",
    ],
    ["with more builders than slots", { max: 5 }, "max: 5 builders need 5 slots, there are 2"],
    ["with a floor above its max", { min: 2, max: 1 }, "min: min 2 is above what max or the budget allow"],
  ])("%s is refused", (_, changes, problem) => {
    const texts = problemsOfProfile(changes);
    expect(texts).toContain(`builders.profiles[0].${problem}`);
  });

  it("with a type whose price and vCPUs are not known must give them", () => {
    expect(problemsOfProfile({ offerings: [{ instanceType: "x9.metal" }] })).toEqual([
      "builders.profiles[0].offerings[0].onDemandPricePerHour: no price is known for x9.metal: set it in dollars per hour",
      "builders.profiles[0].offerings[0].vcpus: not known for x9.metal: set it",
    ]);
    expect(
      problemsOfProfile({ offerings: [{ instanceType: "x9.metal", onDemandPricePerHour: 4, vcpus: 64 }] }),
    ).toEqual([]);
  });
});

describe("two profiles", () => {
  const both = (second: object) => {
    return problemsWith({ builders: { ...LEAST.builders, profiles: [PROFILE, { ...PROFILE, ...second }] } });
  };

  it("may not have one name", () => {
    expect(both({ slots: { prefix: "other", count: 1 } })).toEqual([
      'builders.profiles[1].name: "x86" is used twice: rename one profile',
    ]);
  });

  it("may not share a slot", () => {
    expect(both({ name: "more" })).toEqual([
      'builders.profiles[1].slots: slot builder-x86-01 is also one of profile "x86": give each profile a prefix of its own',
    ]);
  });

  it("may share a prefix in different domains", () => {
    expect(both({ name: "more", slots: { prefix: "builder-x86", domain: "example.org", count: 2 } })).toEqual([]);
  });
});

describe("what is no site document", () => {
  it.each([
    ["an empty file", "", "the document: Invalid input: expected object, received null"],
    ["a list", "- 1", "the document: Invalid input: expected object, received array"],
    ["a tab", "\thub: 1", "not readable as YAML: Tabs are not allowed as indentation at line 1, column 1"],
    ["a key twice", "hub: 1\nhub: 2", "not readable as YAML: Map keys must be unique at line 2, column 1"],
    ["two documents", "a: 1\n---\nb: 2", /^not readable as YAML: Source contains multiple documents/],
    ["an alias without its anchor", "hub: *nowhere", /^not readable as YAML: Unresolved alias .*: nowhere$/],
    [
      "a heap of aliases",
      `a: &a [${"x,".repeat(9)}]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: [${"*c,".repeat(9)}]`,
      "not readable as YAML: Excessive alias count indicates a resource exhaustion attack",
    ],
  ])("%s is refused with one sentence", (_, text, problem) => {
    const texts = problemsOf(text);
    expect(texts).toHaveLength(1);
    if (typeof problem === "string") expect(texts[0]).toBe(problem);
    else expect(texts[0]).toMatch(problem);
  });

  it("is refused with the file's name and every problem at once", () => {
    expect(() => parseSite("hub: { url: 5 }\nbuilders: { fleet: Foo }", "site/toji.yml")).toThrow(
      /^site\/toji\.yml: hub\.url: .*; hub\.topUrl: is missing; builders\.fleet: use lower-case.*; builders\.subnets: is missing; builders\.profiles: is missing$/,
    );
  });

  it.each([
    ["hub.url", "ftp://koji.test"],
    ["hub.url", "koji.test/kojihub"],
  ])("a value that fits no %s: %s", (path, url) => {
    expect(problemsWith({ hub: { ...LEAST.hub, url } })[0]).toMatch(new RegExp(`^${path}: `));
  });
});

describe("slot names", () => {
  it("are numbered from 01, with the domain behind", () => {
    expect(slotNames({ prefix: "b", count: 2 })).toEqual(["b-01", "b-02"]);
    expect(slotNames({ prefix: "b", domain: "example.org", count: 1 })).toEqual(["b-01.example.org"]);
  });

  it("stay what they are when the pool grows: builders keep their slots", () => {
    const small = slotNames({ prefix: "b", count: 99 });
    const large = slotNames({ prefix: "b", count: 120 });
    expect(large.slice(0, 99)).toEqual(small);
    expect(large.at(-1)).toBe("b-120");
    expect(new Set(large).size).toBe(120);
  });
});

describe("the nearest name", () => {
  it.each([
    ["maxinstances", "maxInstances"],
    ["maxInstnces", "maxInstances"],
    ["dollarPerHour", "dollarsPerHour"],
    ["sake", undefined],
  ])("to %s is %s", (word, nearest) => {
    expect(nearestOf(word, ["maxInstances", "maxVcpus", "dollarsPerHour"])).toBe(nearest);
  });

  it("is none among none", () => expect(nearestOf("x", [])).toBeUndefined());
});
