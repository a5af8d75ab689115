// One instance that nobody can reach and that can reach nobody: launched, and read by its console.

import {
  GetConsoleOutputCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  type VolumeType,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, attempt } from "./errors.ts";
import { type Tags, writeTags } from "./tag-set.ts";

export { listInstances, type TaggedInstance, terminateInstance } from "./ec2.ts";

type Ec2 = AwsClients["ec2"];

export interface IsolatedInstance {
  readonly imageId: string;
  readonly instanceType: string;
  readonly subnetId: string;
  readonly securityGroup: string;
  /** In base64. */
  readonly userData: string;
  /** Volumes made from snapshots; they go with the instance. */
  readonly devices: readonly { readonly device: string; readonly snapshot: string; readonly type: string }[];
  /** On the instance and on its volumes. */
  readonly tags: Tags;
  /** The same token launches the same instance. */
  readonly token: string;
}

/** No public address, no role, IMDSv2, and a shutdown from within terminates it. */
export async function runIsolatedInstance(ec2: Ec2, launch: IsolatedInstance): Promise<string> {
  const command = new RunInstancesCommand(isolatedInput(launch));
  const InstanceId = (await attempt("RunInstances", () => ec2.send(command))).Instances?.[0]?.InstanceId;
  if (InstanceId === undefined) throw new AwsCallFailed("RunInstances", new Error("the answer has no instance"));
  return InstanceId;
}

function isolatedInput(launch: IsolatedInstance): RunInstancesCommandInput {
  const Tags = writeTags(launch.tags);
  return {
    ImageId: launch.imageId,
    InstanceType: launch.instanceType as NonNullable<RunInstancesCommandInput["InstanceType"]>,
    MinCount: 1,
    MaxCount: 1,
    ClientToken: launch.token,
    UserData: launch.userData,
    InstanceInitiatedShutdownBehavior: "terminate",
    MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId: launch.subnetId,
        Groups: [launch.securityGroup],
        AssociatePublicIpAddress: false,
        DeleteOnTermination: true,
      },
    ],
    BlockDeviceMappings: launch.devices.map(({ device, snapshot, type }) => ({
      DeviceName: device,
      Ebs: { SnapshotId: snapshot, VolumeType: type as VolumeType, DeleteOnTermination: true },
    })),
    TagSpecifications: [
      { ResourceType: "instance", Tags },
      { ResourceType: "volume", Tags },
    ],
  };
}

/** The newest 64 KiB of the serial console as they are now; "" = nothing yet. */
export async function readConsole(ec2: Ec2, instanceId: string): Promise<string> {
  const read = async (Latest: boolean) => {
    const command = new GetConsoleOutputCommand({ InstanceId: instanceId, Latest });
    const { Output = "" } = await attempt("GetConsoleOutput", () => ec2.send(command));
    return Buffer.from(Output, "base64").toString("utf8");
  };
  try {
    return await read(true);
  } catch (error) {
    // Only instances of the Nitro system show their console as it is now; others some time after a change.
    if (error instanceof AwsCallFailed && error.code === "UnsupportedOperation") return await read(false);
    throw error;
  }
}
