// The section `backup` of the site document: its defaults, and what is wrong with it, by path and in a sentence.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseSite } from "../../shared/config/index.ts";
import { problemsWith, siteWith } from "./least.ts";

const EXAMPLE = readFileSync(new URL("../../toji.example.yml", import.meta.url), "utf8");

const sectionOf = (backup: object) => siteWith({ backup }).backup;

const problems = (backup: unknown) => problemsWith({ backup });

const DRILL = {
  imageId: "ami-0b",
  instanceType: "m7a.large",
  subnet: { id: "subnet-0b", zone: "us-east-1a" },
  securityGroup: "sg-0b",
};
const COPY = { region: "eu-west-1", kmsKeyId: "alias/toji" };

describe("a site", () => {
  it("has no backups unless it says so", () => {
    expect(siteWith({}).backup).toBeUndefined();
  });

  it("that says no more than `backup: {}` has a set every night, and keeps it until drills prove others", () => {
    expect(sectionOf({})).toEqual({
      mounts: { tree: "/mnt/koji", database: "/var/lib/pgsql" },
      databaseName: "koji",
      bootVolume: true,
      pauseUnits: ["koji-gc.timer", "koji-gc.service", "kojira.service", "koji-sidetag-cleanup.timer"],
      freezeLimitSeconds: 20,
      acceptCrashConsistent: false,
      completionHours: 24,
      schedules: [{ name: "nightly", expression: "cron(0 2 * * ? *)", timezone: "UTC" }],
      copies: [],
      lock: { mode: "governance", days: 3 },
      retention: {
        last: 3,
        hourly: 0,
        daily: 7,
        weekly: 4,
        monthly: 12,
        yearly: 3,
        timezone: "UTC",
        minimumVerified: 2,
        maxDeletions: 5,
        unprovenDays: 14,
      },
      verifiedAgeHours: 192,
    });
  });

  it("that names where drills run gets the rest of a drill by default", () => {
    expect(sectionOf({ drill: DRILL })?.drill).toEqual({
      ...DRILL,
      everySet: false,
      payloadSample: 1000,
      limitHours: 12,
    });
  });

  it("may have tree and database on one volume, copies by alias, and drills that read everything", () => {
    const mounts = { tree: "/mnt/koji", database: "/mnt/koji" };
    const section = sectionOf({ mounts, copies: [COPY], drill: { ...DRILL, payloadSample: "all" } });
    expect(section?.mounts).toEqual(mounts);
    expect(section?.copies).toEqual([{ ...COPY, withinHours: 12 }]);
    expect(section?.drill?.payloadSample).toBe("all");
  });
});

describe("a section that is wrong", () => {
  it.each([
    [{ mount: {} }, 'backup.mount: unknown option, did you mean "mounts"?'],
    [{ freezeLimitSecond: 20 }, 'backup.freezeLimitSecond: unknown option, did you mean "freezeLimitSeconds"?'],
    [{ mounts: { tree: "/" } }, "backup.mounts.tree: write a mount point as df shows it, for example /mnt/koji"],
    [{ mounts: { tree: "/mnt/../etc" } }, "backup.mounts.tree: write the path without .."],
    [
      { pauseUnits: ["koji-gc"] },
      "backup.pauseUnits[0]: write a systemd unit with its suffix, for example koji-gc.timer",
    ],
    [
      { schedules: [{ name: "nightly", expression: "0 2 * * *" }] },
      'backup.schedules[0].expression: write it as EventBridge Scheduler does: "cron(0 2 * * ? *)" or "rate(12 hours)"',
    ],
    [
      { schedules: [{ name: "Nightly", expression: "rate(1 day)" }] },
      "backup.schedules[0].name: use lower-case letters, digits and dashes",
    ],
    [
      { schedules: [{ name: "n", expression: "rate(1 day)", timezone: "Prague" }] },
      'backup.schedules[0].timezone: write a time zone of the IANA list, for example "Europe/Prague"',
    ],
    [
      { copies: [{ ...COPY, region: "Ireland" }] },
      'backup.copies[0].region: write a region as AWS does, for example "eu-west-1"',
    ],
    [{ copies: [{ ...COPY, roleArn: "copies" }] }, "backup.copies[0].roleArn: write the ARN of a role"],
    [{ copies: [{ region: "eu-west-1" }] }, "backup.copies[0].kmsKeyId: is missing"],
    [
      { retention: { minimumVerified: 1 } },
      "backup.retention.minimumVerified: one proved set is none when it breaks: at least 2",
    ],
    [{ drill: { ...DRILL, imageId: "koji" } }, 'backup.drill.imageId: write an image id, for example "ami-0abc..."'],
  ])("%j says where, and what to write", (section, problem) => {
    expect(problems(section)).toEqual([problem]);
  });

  it.each([
    ["backup.freezeLimitSeconds", { freezeLimitSeconds: 3600 }],
    ["backup.retention.daily", { retention: { daily: -1 } }],
    ["backup.copies", { copies: [COPY, COPY, COPY, COPY] }],
    ["backup.copies[0].withinHours", { copies: [{ ...COPY, withinHours: 100 }] }],
    ["backup.lock.mode", { lock: { mode: "forever" } }],
    ["backup.lock.days", { lock: { days: 0 } }],
    ["backup.drill.payloadSample", { drill: { ...DRILL, payloadSample: -1 } }],
    ["backup.drill.securityGroup", { drill: { ...DRILL, securityGroup: "none" } }],
    ["backup.verifiedAgeHours", { verifiedAgeHours: 0 }],
  ])("is told %s for %j", (path, section) => {
    expect(problems(section)).toEqual([expect.stringContaining(`${path}:`)]);
  });
});

describe("the example document", () => {
  const example = parseSite(EXAMPLE, "toji.example.yml").backup;

  it("has a drill, a copy and a schedule, so that all of a deployment can be tried with it", () => {
    expect(example?.drill?.schedule).toMatch(/^cron/);
    expect(example?.copies).toHaveLength(1);
    expect(example?.schedules).toHaveLength(1);
  });
});
