// One story for each kind of pass that Toji makes of its own accord; those that others bring about are in crash-stories-hand.ts.

import { CreateLaunchTemplateVersionCommand } from "@aws-sdk/client-ec2";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { ec2Error } from "../../sandbox/world/ec2/errors.ts";
import { TAG } from "../../shared/fleet/index.ts";
import { identityKey, templateDescription } from "../../shared/fleet/tags.ts";
import { BUCKET, LAUNCH_TEMPLATE } from "./constants.ts";
import { beginBusy, beginIdle, FOR_EVER, SPOT, type Stage, type Story, TWO_SLOTS } from "./crash-stage.ts";

export const OWN_STORIES: readonly Story[] = [
  {
    name: "a launch into a slot that was never used, and its builder is enabled",
    minutes: 5,
    begin: beginBusy,
    shows: [/launch b-01/, /enable b-01/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "a launch for which there is no spot capacity, then one on demand",
    site: { profile: { offerings: SPOT } },
    minutes: 5,
    begin(stage) {
      stage.world.aws.ec2.setCapacity({ market: "spot" }, "none");
      beginBusy(stage);
    },
    shows: [/launching b-01: on-demand/, /enable b-01/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "a launch for which EC2 has nothing at all, until it has",
    minutes: 9,
    begin(stage) {
      const { ec2 } = stage.world.aws;
      ec2.setCapacity({}, "none");
      stage.world.clock.after(150, () => ec2.setCapacity({}, "unlimited"));
      beginBusy(stage);
    },
    shows: [/EC2 gave no instance/, /enable b-01/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "an idle builder is drained and terminated",
    minutes: 7,
    begin(stage) {
      beginIdle(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => {},
      );
    },
    shows: [/drain b-01: idle/, /terminate b-01: drained/],
    ends: { serving: [], tasks: ["CLOSED"] },
  },
  {
    name: "a drain that new work calls off",
    minutes: 7,
    begin(stage) {
      beginIdle(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => {},
      );
      stage.when(
        () => stage.tagsOf("b-01")[TAG.drainingAt] !== undefined && !stage.isEnabled("b-01"),
        () => stage.submit(FOR_EVER),
      );
    },
    shows: [/drain b-01: idle/, /cancel-drain b-01|drain is called off/],
    ends: { serving: ["b-01"], tasks: ["CLOSED", "OPEN"] },
  },
  {
    name: "a drained builder that EC2 refuses to terminate, once",
    site: { profile: { min: 0 } },
    minutes: 9,
    begin(stage) {
      beginIdle(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => {},
      );
      let refusals = 1;
      stage.world.weather.aws.add(async ({ operation }, next) => {
        if (operation !== "TerminateInstances" || refusals === 0) return await next();
        refusals -= 1;
        throw ec2Error("InternalError", "InternalError (injected)");
      });
    },
    shows: [/terminating b-01 failed: enabled again/, /terminate b-01: drained/],
    ends: { serving: [], tasks: ["CLOSED"] },
  },
  {
    name: "an instance that never boots is terminated at the boot limit",
    site: { profile: { slots: TWO_SLOTS } },
    minutes: 9,
    begin(stage) {
      beginBusy(stage);
      let bad = 1;
      stage.world.weather.boots.add(() => (bad-- > 0 ? "never-boots" : null));
      stage.cutFromWhen(
        () => stage.idOf("b-01") !== "",
        () => {},
      );
    },
    shows: [/drain b-01: .* the limit is 300 s/, /terminate b-01: drained/, /enable b-02/],
    ends: { serving: ["b-02"], tasks: ["OPEN"] },
  },
  {
    name: "another image: the builder is replaced",
    site: { profile: { min: 1, slots: TWO_SLOTS } },
    minutes: 8,
    begin(stage) {
      const { site } = stage.world;
      const profiles = site.builders.profiles.map((profile) => ({ ...profile, imageId: "ami-0b" }));
      stage.cutFromWhen(
        () => stage.isIdle("b-01"),
        () => stage.world.deploy({ ...site, builders: { ...site.builders, profiles } }),
      );
    },
    shows: [/drain b-01: its image is ami-0a/, /terminate b-01/, /enable b-02/],
    ends: { serving: ["b-02"], tasks: [] },
  },
  {
    name: "a builder whose kojid dies while it is idle",
    site: { profile: { min: 1, slots: TWO_SLOTS } },
    minutes: 12,
    begin(stage) {
      stage.cutFromWhen(
        () => stage.isIdle("b-01"),
        () => stage.world.kojidOf(stage.idOf("b-01"))?.kill(),
      );
    },
    shows: [/drain b-01: its kojid has gone silent/, /terminate b-01/, /enable b-02/],
    ends: { serving: ["b-02"], tasks: [] },
  },
  {
    name: "a builder whose identity is about to end",
    // Three quarters of it are over six minutes after the launch, and its successor's after the story.
    site: { profile: { min: 1, slots: TWO_SLOTS }, builders: { identityHours: 8 / 60 } },
    minutes: 11,
    begin: (stage) =>
      stage.cutFromWhen(
        () => stage.isIdle("b-01"),
        () => {},
      ),
    shows: [/drain b-01: its identity ends/, /terminate b-01/, /enable b-02/],
    ends: { serving: ["b-02"], tasks: [] },
  },
  {
    name: "what crashes left behind is swept",
    minutes: 37,
    of: "sweeps",
    begin: beginLeftovers,
    shows: [/sweep/],
    ends: { serving: [], tasks: ["CLOSED"] },
  },
];

/** A volume and an interface that outlived their instance, an identity and a template version without a launch. */
function beginLeftovers(stage: Stage): void {
  const { clock, aws } = stage.world;
  beginIdle(stage);
  stage.when(
    () => stage.works("b-01"),
    () => aws.ec2.leavePartsBehind(stage.idOf("b-01")),
  );
  clock.after(0, async () => {
    const token = "0".repeat(32);
    await aws.clients.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: identityKey("b-09", token), Body: "a key" }));
    await aws.clients.ec2.send(
      new CreateLaunchTemplateVersionCommand({
        LaunchTemplateId: LAUNCH_TEMPLATE,
        SourceVersion: "$Default",
        VersionDescription: templateDescription(token, "b-09"),
        LaunchTemplateData: { ImageId: "ami-0a" },
      }),
    );
  });
}
