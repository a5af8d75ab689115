// The door of the EC2 model.
export type { PoolFilter } from "./capacity.ts";
export { NotModelled } from "./errors.ts";
export { Ec2Model } from "./model.ts";
export type {
  BootedInstance,
  Ec2Hooks,
  Ec2Options,
  Ec2Times,
  HistoryEntry,
  InstanceUsage,
  LaunchTemplateSeed,
  LiveInstance,
  Pool,
  SpotAction,
  Spread,
} from "./state.ts";
