// The door of shared/mirrors: looks at mirrors, verdicts, and what the checks of a hub remember. Switches have their own.
export { actStep } from "./act-step.ts";
export { checkStep } from "./check-step.ts";
export { type LiveDigest, liveOf, readReadyRepo } from "./live-set.ts";
export { liveStep } from "./live-step.ts";
export * from "./look.ts";
export type { MirrorsPorts } from "./ports.ts";
export { MirrorStateUnreadable, switches } from "./states.ts";
export { type MirrorStatus, readMirrorStatus } from "./status.ts";
export { surveyHub } from "./survey.ts";
export { surveyStep } from "./survey-step.ts";
export type { Survey, SurveySite } from "./survey-types.ts";
export { administratorCommands } from "./switch/commands.ts";
export { MirrorTrouble } from "./trouble.ts";
