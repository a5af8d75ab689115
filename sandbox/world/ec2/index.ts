// The door of the EC2 model.
export { Ec2Model } from "./model.ts";
export type {
  BootedInstance,
  Ec2Hooks,
  Ec2Options,
  FindForeign,
  LiveInstance,
  VolumeContent,
} from "./state.ts";
export type { Storage } from "./storage.ts";
