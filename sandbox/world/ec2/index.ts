// The door of the EC2 model.
export { Ec2Model } from "./model.ts";
export type { BootedInstance, Ec2Hooks, Ec2Options, LiveInstance } from "./state.ts";
