// The `backup` section of the site document: what a backup set holds, when it is made, how long it stays, how it is proved.

import * as z from "zod";

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "use lower-case letters, digits and dashes");

const mountPoint = z
  .string()
  .regex(/^\/[A-Za-z0-9._/-]*[A-Za-z0-9._-]$/, "write a mount point as df shows it, for example /mnt/koji")
  .refine((path) => !path.split("/").includes(".."), "write the path without ..");

const unit = z
  .string()
  .regex(
    /^[A-Za-z0-9:_.@-]+\.(service|timer|socket|path)$/,
    "write a systemd unit with its suffix, for example koji-gc.timer",
  );

const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'write a region as AWS does, for example "eu-west-1"');

const timezone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, 'write a time zone of the IANA list, for example "Europe/Prague"');

/** EventBridge Scheduler's two forms; what it checks further it says itself at the deployment. */
const schedule = z
  .string()
  .regex(
    /^(rate\([1-9]\d* (minute|minutes|hour|hours|day|days)\)|cron\([^ ()]+( [^ ()]+){5}\))$/,
    'write it as EventBridge Scheduler does: "cron(0 2 * * ? *)" or "rate(12 hours)"',
  );

const count = z.number().int().min(0).max(1000);

const retention = z.strictObject({
  last: count.default(3).describe("The newest so many verified sets stay"),
  hourly: count
    .default(0)
    .describe("The newest verified set of each of the last so many hours that have one; so below"),
  daily: count.default(7),
  weekly: count.default(4),
  monthly: count.default(12),
  yearly: count.default(3),
  timezone: timezone.default("UTC").describe("Where a day, a week (Monday first), a month and a year begin"),
  minimumVerified: z
    .number()
    .int()
    .min(2, "one proved set is none when it breaks: at least 2")
    .default(2)
    .describe("So many verified sets stay in each region, whatever the rules above say"),
  maxDeletions: z.number().int().min(1).default(5).describe("Sets deleted in one run at most; the rest follows"),
  unprovenDays: z
    .number()
    .positive()
    .default(14)
    .describe(
      "Sets that are not verified (no drill, degraded, failed) go after so many days, if newer verified ones are there",
    ),
});

const copy = z.strictObject({
  region,
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, "write the ARN of a role")
    .optional()
    .describe("Role in another account that takes the copy; default: this account"),
  kmsKeyId: z.string().min(1).describe("Key of that region and account that encrypts the copy"),
  withinHours: z.number().positive().max(48).default(12).describe("A copy that takes longer is an alarm"),
});

const drill = z.strictObject({
  schedule: schedule.optional().describe("A drill of the newest set that has none yet; leave out for none"),
  everySet: z.boolean().default(false).describe("A drill also right after each backup"),
  imageId: z
    .string()
    .regex(/^ami-[0-9a-f]+$/, 'write an image id, for example "ami-0abc..."')
    .describe("Image with PostgreSQL and koji-hub as the hub has them: the hub's own image"),
  instanceType: z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'write it as EC2 does, for example "m7a.large"'),
  subnet: z
    .strictObject({ id: z.string().regex(/^subnet-[0-9a-f]+$/), zone: z.string().min(1) })
    .describe("A subnet whose route table leads nowhere"),
  securityGroup: z
    .string()
    .regex(/^sg-[0-9a-f]+$/)
    .describe("A group without any rule, in or out"),
  payloadSample: z
    .union([z.literal("all"), z.number().int().min(0)])
    .default(1000)
    .describe('So many files, chosen anew in each drill, are read and their checksums compared; "all" reads every one'),
  limitHours: z.number().positive().max(72).default(12).describe("A drill that has no verdict by then has failed"),
});

const schedules = z
  .array(z.strictObject({ name, expression: schedule, timezone: timezone.default("UTC") }))
  .superRefine((all, context) => {
    all.forEach((each, index) => {
      if (all.findIndex((other) => other.name === each.name) === index) return;
      const message = `"${each.name}" is used twice: rename one schedule`;
      context.addIssue({ code: "custom", path: [index, "name"], message });
    });
  });

export const backupSchema = z.strictObject({
  mounts: z
    .strictObject({
      tree: mountPoint.default("/mnt/koji").describe("The hub's tree (topdir)"),
      database: mountPoint
        .default("/var/lib/pgsql")
        .describe("Mount point that holds PostgreSQL's data; the same as tree if they share a volume"),
    })
    .prefault({})
    .describe("Mount points on the hub; each is frozen while the snapshots are taken, so none may be /"),
  databaseName: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/)
    .default("koji"),
  bootVolume: z
    .boolean()
    .default(true)
    .describe("The boot volume too, not frozen: hub.conf, certificates and keys are there"),
  pauseUnits: z
    .array(unit)
    .default(["koji-gc.timer", "koji-gc.service", "kojira.service", "koji-sidetag-cleanup.timer"])
    .describe(
      "Units on the hub that delete or move files: stopped for the time of the freeze, then started again if they ran",
    ),
  freezeLimitSeconds: z
    .number()
    .int()
    .min(5)
    .max(60)
    .default(20)
    .describe("A timer on the hub thaws by then, whatever happens to Toji"),
  acceptCrashConsistent: z
    .boolean()
    .default(false)
    .describe("If freezing fails: true = a crash-consistent set and an alarm, false = no set and an alarm"),
  completionHours: z
    .number()
    .positive()
    .max(72)
    .default(24)
    .describe("Snapshots that are not complete by then are an alarm"),
  schedules: schedules
    .default([{ name: "nightly", expression: "cron(0 2 * * ? *)", timezone: "UTC" }])
    .describe("When sets are made"),
  copies: z.array(copy).max(3).default([]).describe("Other regions or accounts that every set is copied to"),
  lock: z
    .strictObject({
      mode: z.enum(["none", "governance", "compliance"]).default("governance"),
      days: z.number().int().min(1).max(36_500).default(3),
    })
    .prefault({})
    .describe("Nobody can delete a locked snapshot (in governance mode: but who may unlock it) for so many days"),
  retention: retention.prefault({}),
  drill: drill.optional().describe("Without it no set is ever verified, and nothing is ever deleted"),
  verifiedAgeHours: z.number().positive().default(192).describe("An alarm when the newest verified set is older"),
});

export type BackupConfig = z.infer<typeof backupSchema>;
export type RetentionRules = BackupConfig["retention"];
export type CopyTarget = BackupConfig["copies"][number];
export type DrillConfig = NonNullable<BackupConfig["drill"]>;
