// What the host scripts of infra/hosts/hub print as their last line: one JSON object each. The sandbox's hub answers the same.

import * as z from "zod";

/** survey: what the hub is. Changes nothing. */
export const surveyAnswer = z.object({
  hostname: z.string(),
  /** Of the package koji-hub; null = not found. */
  hubVersion: z.string().nullable(),
  /** As `show server_version` says it. */
  postgresVersion: z.string(),
  database: z.object({ name: z.string(), bytes: z.number(), dataDirectory: z.string(), mount: z.string() }),
  /** Probes that tell the schema's version, which Koji stores nowhere; true = it is there. */
  schema: z.record(z.string(), z.boolean()),
  mounts: z.array(
    z.object({
      mount: z.string(),
      device: z.string(),
      filesystem: z.string(),
      options: z.string(),
      /** Serial numbers of the disks below; on EC2 a volume's id without its dash. */
      serials: z.array(z.string()),
      sizeBytes: z.number(),
      usedBytes: z.number(),
    }),
  ),
});
export type SurveyAnswer = z.infer<typeof surveyAnswer>;

/** pause: deleters are stopped, and a timer starts them again should nobody else. */
export const pauseAnswer = z.object({
  /** Units that ran and are stopped now. */
  paused: z.array(z.string()),
  /** Units that did not run, or are not installed. */
  idle: z.array(z.string()),
  /** Units that are still at work after the wait. */
  busy: z.array(z.string()),
});
export type PauseAnswer = z.infer<typeof pauseAnswer>;

/** snapshot: timer armed, CHECKPOINT, freeze, CreateSnapshots, thaw. Called again with the same key it asks EC2 no second time. */
export const snapshotAnswer = z.object({
  /**
   * answered: EC2 took the order; unanswered: it was sent and no answer came (look by tag); refused: EC2 said no;
   * not-frozen: freezing failed and no order was sent.
   */
  outcome: z.enum(["answered", "unanswered", "refused", "not-frozen"]),
  checkpoint: z.boolean(),
  /** All mounts were frozen when the order was sent. */
  frozen: z.boolean(),
  /** Epoch seconds with fractions, the host's clock. */
  frozenAt: z.number().nullable(),
  thawedAt: z.number().nullable(),
  milliseconds: z.number().nullable(),
  thaw: z.enum(["explicit", "timer", "none"]),
  snapshots: z.array(z.object({ snapshot: z.string(), volume: z.string() })),
  /** One sentence, or null. */
  error: z.string().nullable(),
  /** The order was sent by an earlier run with this key: this answer is that run's. */
  repeated: z.boolean(),
});
export type SnapshotAnswer = z.infer<typeof snapshotAnswer>;

/** thaw: fine when nothing is frozen. */
export const thawAnswer = z.object({ thawed: z.array(z.string()), already: z.array(z.string()) });

/** resume: what pause stopped runs again; fine when nothing is paused. */
export const resumeAnswer = z.object({ resumed: z.array(z.string()), failed: z.array(z.string()) });

/** stop-hub (restore): services down, mounts unmounted. start-hub: mounted and up. */
export const stopHubAnswer = z.object({ stopped: z.array(z.string()), unmounted: z.array(z.string()) });
export const startHubAnswer = z.object({
  mounted: z.array(z.string()),
  started: z.array(z.string()),
  /** The hub's API answered on this host. */
  hubAnswers: z.boolean(),
});

/** One line of the drill instance's console, after "toji-drill ": what was reached, or at the end the verdict. */
export const drillLine = z.object({
  drill: z.string(),
  step: z.enum(["booted", "mounted", "database", "checked", "sanitised", "hub", "verdict"]),
  /** Seconds since the instance booted. */
  uptime: z.number(),
  ok: z.boolean(),
  findings: z.array(z.object({ kind: z.string(), detail: z.string(), count: z.number() })).default([]),
  counts: z.record(z.string(), z.number()).default({}),
  error: z.string().nullable().default(null),
});
export type DrillLine = z.infer<typeof drillLine>;
