// The site document (`toji.yml`): one strict schema; every option with its default and one description.

import * as z from "zod";
import { backupSchema } from "./backup.ts";
import { mirrorsSchema } from "./mirrors.ts";
import { onDemandPrice, vcpusOf } from "./prices.ts";

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "use lower-case letters, digits and dashes");

/** kojihub RegexNameInternal and RegexUserName both have to match: no slash, no plus, no at sign. */
const hostName = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9_.-]+$/, "the hub accepts letters, digits, '_', '.' and '-' in a host name");

const seconds = z.number().positive();

/** The hub compares host arches as strings: the task arch of an i686 build is i386 (facts: canonical arches). */
const CANONICAL_ARCH: Readonly<Record<string, string>> = {
  i486: "i386",
  i586: "i386",
  i686: "i386",
  athlon: "i386",
  ia32e: "x86_64",
  amd64: "x86_64",
  arm64: "aarch64",
  armv7hl: "armhfp",
  armv7hnl: "armhfp",
};

const arch = z.string().superRefine((value, context) => {
  const canonical = CANONICAL_ARCH[value];
  if (canonical !== undefined) {
    context.addIssue({
      code: "custom",
      message: `write "${canonical}": the hub never gives a host with "${value}" its tasks`,
    });
  } else if (value === "noarch") {
    context.addIssue({ code: "custom", message: "leave it out: every host serves noarch" });
  } else if (!/^[a-z0-9_]+$/.test(value)) {
    context.addIssue({ code: "custom", message: "not the name of an arch" });
  }
});

const market = z.enum(["spot", "on-demand"]);

const offering = z
  .strictObject({
    instanceType: z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'write it as EC2 does, for example "m7a.large"'),
    markets: z.array(market).min(1).default(["spot", "on-demand"]).describe("Tried in this order"),
    onDemandPricePerHour: z
      .number()
      .positive()
      .optional()
      .describe("Dollars; default: the project's dated price table"),
    spotPricePerHour: z.number().positive().optional().describe("Dollars; default: on demand x spotPriceRatio"),
    vcpus: z.number().int().positive().optional().describe("Default: derived from the size in the type's name"),
  })
  .superRefine((value, context) => {
    if (value.onDemandPricePerHour === undefined && onDemandPrice(value.instanceType) === undefined) {
      context.addIssue({
        code: "custom",
        path: ["onDemandPricePerHour"],
        message: `no price is known for ${value.instanceType}: set it in dollars per hour`,
      });
    }
    if (value.vcpus === undefined && vcpusOf(value.instanceType) === undefined) {
      context.addIssue({ code: "custom", path: ["vcpus"], message: `not known for ${value.instanceType}: set it` });
    }
  });

const profile = z.strictObject({
  name: name.describe("Name of this kind of builder"),
  channels: z.array(z.string().min(1)).min(1, "a profile without channels never gets a task: name at least one"),
  arches: z.array(arch).min(1, "name at least one arch, for example x86_64"),
  capacity: z
    .number()
    .gt(1, "the hub refuses a capacity of 1 or less: use more than 1")
    .describe("The hub's admission limit, in task weight"),
  maxJobs: z.number().int().min(1).default(10).describe("kojid's maxjobs; waiting parents count"),
  slots: z
    .strictObject({
      prefix: hostName.describe("Slot names are <prefix>-01, <prefix>-02, ..."),
      domain: hostName.optional().describe("Appended after a dot"),
      count: z.number().int().min(1).max(9999).describe("Fixed pool of host names: a hub host can never be deleted"),
    })
    .describe("Host names that instances of this profile take in turn"),
  min: z.number().int().min(0).default(0).describe("Builders kept even when the queue is empty"),
  max: z.number().int().min(1).optional().describe("Most builders at once; default: all slots"),
  offerings: z.array(offering).min(1, "name at least one instance type"),
  imageId: z.string().regex(/^ami-[0-9a-f]+$/, 'write an image id, for example "ami-0abc..."'),
  rootDevice: z
    .string()
    .startsWith("/dev/", "write the image's own root device name, for example /dev/sda1")
    .default("/dev/sda1")
    .describe("Root device name of the image; another name would attach a second volume"),
  volumeGiB: z.number().int().min(8).default(60).describe("Root volume; kojid needs minSpaceMb free below mockdir"),
  minSpaceMb: z.number().int().positive().default(8192).describe("kojid's minspace"),
  holdSeconds: seconds.optional().describe("Idle time before a drain; default: the fleet's holdSeconds"),
});

const hub = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe("The hub's XML-RPC address, for example https://koji.example.org/kojihub"),
  topUrl: z.url({ protocol: /^https?$/ }).describe("Where builders fetch packages and repos (kojid's topurl)"),
  serverCaParameter: z
    .string()
    .optional()
    .describe("SSM parameter with the CA of the hub's own certificate, if private"),
  clientCertificateParameter: z
    .string()
    .default("/toji/hub/client")
    .describe("SSM SecureString: PEM certificate and key Toji logs in with"),
  admin: z.boolean().default(false).describe("The login has the admin permission: lost tasks are freed at once"),
  timeoutSeconds: seconds.default(20).describe("Bound on one call; it is tried twice, and a pass must end in time"),
  options: z
    .strictObject({
      maxJobs: z.number().int().positive().default(15),
      capacityOvercommit: z.number().default(5),
      readyTimeout: seconds.default(180),
      assignTimeout: seconds.default(300),
      softRefusalTimeout: seconds.default(900),
      hostTimeout: seconds.default(900),
      runInterval: seconds.default(60),
    })
    .prefault({})
    .describe("hub.conf values of the scheduler, as the hub has them"),
});

const builders = z.strictObject({
  fleet: name.default("toji").describe("Tag value that marks this site's instances"),
  identityCaParameter: z
    .string()
    .default("/toji/builders/ca")
    .describe("SSM SecureString: PEM certificate and key of the CA that signs builder identities"),
  identityHours: z.number().positive().max(168).default(24).describe("Life of a builder's certificate"),
  subnets: z
    .array(z.strictObject({ id: z.string().regex(/^subnet-[0-9a-f]+$/), zone: z.string().min(1) }))
    .min(1, "name at least one subnet with its zone"),
  securityGroups: z.array(z.string().regex(/^sg-[0-9a-f]+$/)).default([]),
  budget: z
    .strictObject({
      maxInstances: z.number().int().positive().default(20),
      maxVcpus: z.number().int().positive().default(128),
      dollarsPerHour: z.number().positive().default(10),
    })
    .prefault({})
    .describe("Over all profiles; running, booting and stopping instances count"),
  spotPriceRatio: z.number().positive().max(1).default(0.4).describe("Assumed spot price as a share of on demand"),
  waitValuePerHour: z
    .number()
    .min(0)
    .default(5)
    .describe(
      "Dollars that an hour of one task's wait for a builder is worth: what launches and idle builders are weighed against",
    ),
  launchFee: z
    .number()
    .min(0)
    .default(0.001)
    .describe("Dollars for each launch beside its hours: volume, image, API calls"),
  forecast: z
    .boolean()
    .default(true)
    .describe(
      "Builders are launched and kept for what builds under way and past days announce; false = for the queue only",
    ),
  watchAtRest: z
    .boolean()
    .default(true)
    .describe("A pass every ten seconds also while nothing waits or moves; false = once a minute then"),
  holdSeconds: seconds
    .optional()
    .describe("Idle time before a drain; default: with the forecast 0.6 of a boot as measured, else 150"),
  bootSeconds: seconds.default(150).describe("Expected time from launch to check-in"),
  bootLimitSeconds: seconds.default(900).describe("An instance that has not checked in by then is terminated"),
  pollSeconds: seconds.default(15).describe("kojid's sleeptime"),
  failedOfferingSeconds: seconds.default(180).describe("How long a failed (type, zone, market) is not tried again"),
  interruptedOfferingSeconds: seconds
    .default(900)
    .describe("How long a (type, zone, market) is avoided from which EC2 took a spot instance back"),
  bootBreaker: z
    .strictObject({
      failures: z.number().int().min(1).default(3),
      pauseSeconds: seconds.default(600),
      longestPauseSeconds: seconds.default(14_400),
    })
    .prefault({})
    .describe("So many boots of a profile that fail in a row stop its launches: for pauseSeconds, doubled each time"),
  disagreementShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe("Hub and EC2 at odds over a larger share of the fleet (at least two builders): nothing is terminated"),
  disruption: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe("Builders replaced at one time because their image or their slot left the config; 0 = none"),
  maxLaunchesPerPass: z
    .number()
    .int()
    .positive()
    .default(10)
    .describe("EC2 paces launches; the rest follows next pass"),
  allowedScms: z.string().optional().describe("kojid's allowed_scms; default: the hub's build_from_scm policy"),
  profiles: z.array(profile).min(1, "name at least one profile"),
});

export const siteSchema = z
  .strictObject({
    hub,
    builders,
    backup: backupSchema.optional().describe("Backups of the hub; leave out for none"),
    mirrors: mirrorsSchema.optional().describe("Checks of the hub's external repos; leave out for none"),
  })
  .superRefine(({ builders: { profiles, budget } }, context) => {
    const slotOwner = new Map<string, string>();
    const names = new Set<string>();
    profiles.forEach((each, index) => {
      const at = ["builders", "profiles", index];
      if (names.has(each.name)) {
        context.addIssue({
          code: "custom",
          path: [...at, "name"],
          message: `"${each.name}" is used twice: rename one profile`,
        });
      }
      names.add(each.name);
      const max = each.max ?? each.slots.count;
      if (max > each.slots.count) {
        context.addIssue({
          code: "custom",
          path: [...at, "max"],
          message: `${max} builders need ${max} slots, there are ${each.slots.count}`,
        });
      }
      if (each.min > Math.min(max, budget.maxInstances)) {
        context.addIssue({
          code: "custom",
          path: [...at, "min"],
          message: `min ${each.min} is above what max or the budget allow`,
        });
      }
      for (const slot of slotNames(each.slots)) {
        const owner = slotOwner.get(slot);
        if (owner !== undefined) {
          context.addIssue({
            code: "custom",
            path: [...at, "slots"],
            message: `slot ${slot} is also one of profile "${owner}": give each profile a prefix of its own`,
          });
          break;
        }
        slotOwner.set(slot, each.name);
      }
    });
  });

interface SlotPool {
  readonly prefix: string;
  readonly domain?: string | undefined;
  readonly count: number;
}

/** Made once for each pool: every pass asks for them. */
const namesOf = new WeakMap<SlotPool, readonly string[]>();

/** Slot names of a pool in order: `builder-x86-01.example.org`, ... */
export function slotNames(slots: SlotPool): readonly string[] {
  const known = namesOf.get(slots);
  if (known !== undefined) return known;
  const names = makeNames(slots);
  namesOf.set(slots, names);
  return names;
}

function makeNames(slots: SlotPool): string[] {
  // The width does not follow the count: a pool that grows keeps its names, or every builder would be a stranger.
  return Array.from({ length: slots.count }, (_, index) => {
    const short = `${slots.prefix}-${String(index + 1).padStart(2, "0")}`;
    return slots.domain === undefined ? short : `${short}.${slots.domain}`;
  });
}

export type Site = z.infer<typeof siteSchema>;
export type Profile = Site["builders"]["profiles"][number];
export type Offering = Profile["offerings"][number];
export type Market = z.infer<typeof market>;
