// What a site with a section `mirrors` adds to the deployment: functions, roles, logs, their network and the schedule.

import type { Site } from "../../shared/config/index.ts";
import { scheduleOf, starterRole, starterRoleId } from "../steps/schedule.ts";
import { functionsOf, type Json, resourcesOf, type Step } from "../steps/step.ts";
import { networksOf } from "./network.ts";
import { MIRROR_STEPS, type MirrorSite } from "./steps.ts";

/** The functions of this site's mirrors: none without the section. */
export function mirrorStepsOf({ mirrors }: Site): readonly Step<MirrorSite>[] {
  return mirrors === undefined ? [] : MIRROR_STEPS;
}

/** Surveys, looks, switches. */
const MEMORY = { folder: "mirrors", sid: "KeepWhatIsKnownOfMirrors" };

const MACHINE = "mirror-check";

/** Written to .build/mirrors.json. */
export function mirrorFragments(site: Site) {
  const steps = mirrorStepsOf(site);
  const resources: Json =
    site.mirrors === undefined
      ? {}
      : {
          ...resourcesOf(steps, site, MEMORY),
          MirrorCheckSchedule: scheduleOf({
            name: MACHINE,
            machine: MACHINE,
            expression: "rate(15 minutes)",
            timezone: "UTC",
            input: { by: "schedule" },
            // The next run looks at everything again.
            retry: { attempts: 5, seconds: 600 },
          }),
          [starterRoleId(MACHINE)]: starterRole(MACHINE),
        };
  return { functions: functionsOf(steps), resources: { Resources: resources }, networks: networksOf(steps) };
}

/** Files of infra/resources that serverless.yml takes in, by their place there; `none` has nothing in it. */
export function mirrorFiles({ mirrors }: Site) {
  const ifMirrors = (file: string) => (mirrors === undefined ? "none" : file);
  return {
    mirrorCheck: ifMirrors("mirror-check"),
    mirrorSwitch: ifMirrors("mirror-switch"),
    mirrorAlarms: ifMirrors("mirror-alarms"),
  };
}
