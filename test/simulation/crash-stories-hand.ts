// One story for each thing that persons, EC2 and the spot market do to builders, and that passes have to mend.

import { TAG } from "../../shared/fleet/index.ts";
import { beginBusy, beginIdle, SPOT, type Stage, type Story, TWO_SLOTS } from "./crash-stage.ts";

const terminate = (stage: Stage, slot: string) => stage.world.aws.ec2.terminateByPerson(stage.idOf(slot));

export const HAND_STORIES: readonly Story[] = [
  {
    name: "a lost builder whose work the hub holds (host permission): another in its slot gives it back",
    minutes: 9,
    begin(stage) {
      beginBusy(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => terminate(stage, "b-01"),
      );
    },
    shows: [/b-01 is lost: its 1 task/, /FREE on host 1 \(host.freeTasks\)/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "a lost builder whose work Toji frees (admin permission)",
    site: { admin: true },
    minutes: 9,
    begin(stage) {
      beginBusy(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => terminate(stage, "b-01"),
      );
    },
    shows: [/free-tasks b-01|free task/, /enable b-01[\s\S]*enable b-01/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "an idle builder that somebody terminates: its host is disabled",
    minutes: 6,
    begin(stage) {
      beginIdle(stage);
      stage.cutFromWhen(
        () => stage.isIdle("b-01"),
        () => terminate(stage, "b-01"),
      );
    },
    shows: [/disable-lost b-01|no task is on it: disabled/],
    ends: { serving: [], tasks: ["CLOSED"] },
  },
  {
    name: "a builder that is lost while it is drained with work on it: enabled, so that the work comes back",
    minutes: 10,
    begin(stage) {
      beginBusy(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => stage.tag("b-01", TAG.drainNow, "yes"),
      );
      stage.when(
        () =>
          stage.idOf("b-01") !== "" &&
          stage.works("b-01") === false &&
          !stage.isEnabled("b-01") &&
          stage.tagsOf("b-01")[TAG.drainingAt] !== undefined,
        () => terminate(stage, "b-01"),
      );
    },
    shows: [/frees the 1 task\(s\) of an enabled host only/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "a spot warning: work goes back, and another offering replaces the builder",
    site: { profile: { offerings: SPOT, slots: TWO_SLOTS } },
    minutes: 9,
    begin(stage) {
      beginBusy(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => stage.world.aws.ec2.spotInterrupt(stage.idOf("b-01")),
      );
    },
    shows: [/launch b-02/, /enable b-02/],
    ends: { serving: ["b-02"], tasks: ["OPEN"] },
  },
  {
    name: "a builder at work that a person wants gone, at the floor",
    site: { profile: { min: 1, slots: TWO_SLOTS } },
    minutes: 11,
    begin(stage) {
      stage.world.clock.after(30, () => stage.submit(300));
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => stage.tag("b-01", TAG.drainNow, "yes"),
      );
    },
    shows: [/drain b-01: a person wants it gone/, /terminate b-01/, /enable b-02/],
    ends: { serving: ["b-02"], tasks: ["CLOSED"] },
  },
  {
    name: "a builder at work whose tags somebody deletes",
    minutes: 6,
    begin(stage) {
      beginBusy(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => stage.world.aws.ec2.deleteAllTags(stage.idOf("b-01")),
      );
    },
    shows: [/adopt b-01|has lost its tags/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "an instance that boots while somebody deletes its tags",
    minutes: 6,
    begin(stage) {
      beginBusy(stage);
      stage.cutFromWhen(
        () => stage.idOf("b-01") !== "",
        () => stage.world.aws.ec2.deleteAllTags(stage.idOf("b-01")),
      );
    },
    shows: [/has lost its tags/, /enable b-01/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "a drained builder whose tags somebody deletes",
    minutes: 8,
    begin(stage) {
      beginIdle(stage);
      stage.cutFromWhen(
        () => stage.isIdle("b-01"),
        () => {},
      );
      stage.when(
        () => stage.tagsOf("b-01")[TAG.drainingAt] !== undefined && !stage.isEnabled("b-01"),
        () => stage.world.aws.ec2.deleteAllTags(stage.idOf("b-01")),
      );
    },
    shows: [/drain b-01: idle/, /has lost its tags/, /terminate b-01/],
    ends: { serving: [], tasks: ["CLOSED"] },
  },
  {
    name: "an idle builder that somebody stops and starts again",
    site: { profile: { min: 1 } },
    minutes: 9,
    begin(stage) {
      stage.cutFromWhen(
        () => stage.isIdle("b-01"),
        () => stopAndStart(stage),
      );
    },
    shows: [/its instance is stopped/, /enable b-01[\s\S]*enable b-01/],
    ends: { serving: ["b-01"], tasks: [] },
  },
  {
    name: "a builder at work that somebody stops and starts again (admin permission)",
    site: { admin: true },
    minutes: 9,
    begin(stage) {
      beginBusy(stage);
      stage.cutFromWhen(
        () => stage.works("b-01"),
        () => stopAndStart(stage),
      );
    },
    shows: [/its instance is stopped/, /enable b-01[\s\S]*enable b-01/],
    ends: { serving: ["b-01"], tasks: ["OPEN"] },
  },
  {
    name: "a drained builder that a person pins",
    minutes: 7,
    begin(stage) {
      beginIdle(stage);
      stage.cutFromWhen(
        () => stage.tagsOf("b-01")[TAG.drainingAt] !== undefined && !stage.isEnabled("b-01"),
        () => stage.tag("b-01", TAG.pin, "wait"),
      );
    },
    shows: [/cancel-drain b-01: a person has pinned it/],
    ends: { serving: ["b-01"], tasks: ["CLOSED"] },
  },
  {
    name: "a slot that leaves the config, with a builder in it",
    site: { profile: { min: 2, slots: TWO_SLOTS } },
    minutes: 6,
    begin(stage) {
      const { site } = stage.world;
      // With room for the one that is on its way out.
      const change = { min: 1, max: 2, slots: { ...TWO_SLOTS, count: 1 } };
      const profiles = site.builders.profiles.map((profile) => ({ ...profile, ...change }));
      stage.cutFromWhen(
        () => stage.isIdle("b-01") && stage.isIdle("b-02"),
        () => stage.world.deploy({ ...site, builders: { ...site.builders, profiles } }),
      );
    },
    shows: [/drain b-02: no profile of the config has its slot/, /terminate b-02/],
    ends: { serving: ["b-01"], tasks: [] },
  },
];

function stopAndStart(stage: Stage): void {
  const { world } = stage;
  const id = stage.idOf("b-01");
  world.aws.ec2.stopInstance(id);
  world.clock.after(180, () => world.aws.ec2.startInstance(id));
}
