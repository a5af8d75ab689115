// What a backup asks of EC2 beside instances: snapshots, volumes made by hand, images, addresses, consoles.

import {
  AttachVolumeCommand,
  CopySnapshotCommand,
  CreateSnapshotsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DescribeAddressesCommand,
  DescribeImagesCommand,
  DescribeLockedSnapshotsCommand,
  DescribeSnapshotsCommand,
  DetachVolumeCommand,
  GetConsoleOutputCommand,
  LockSnapshotCommand,
  ModifySnapshotAttributeCommand,
  type Reservation,
  RunInstancesCommand,
  UnlockSnapshotCommand,
  type Volume,
} from "@aws-sdk/client-ec2";
import type { Capacity } from "./capacity.ts";
import { Consoles } from "./console.ts";
import type { Instances, LaunchPlan } from "./instances.ts";
import { DEFAULT_VOLUME, type PlannedVolume } from "./parts.ts";
import { type AddressSeed, type ImageSeed, Registry } from "./registry.ts";
import { runInstances } from "./run-instances.ts";
import * as snapshotCalls from "./snapshot-calls.ts";
import { describeLockedSnapshots, lockSnapshot, unlockSnapshot } from "./snapshot-locks.ts";
import { type ModelSnapshot, Snapshots } from "./snapshots.ts";
import { DEFAULT_STORAGE_TIMES, type Ec2Options, type ForeignSnapshot, type VolumeContent } from "./state.ts";
import { ClientTokens } from "./tokens.ts";
import { attachVolume, createVolume, detachVolume, setMounted } from "./volume-calls.ts";

/** One call: its name, and what it does. */
export interface Answer {
  readonly operation: string;
  apply(): object;
}

export interface StorageInput {
  readonly options: Ec2Options;
  readonly instances: Instances;
  readonly capacity: Capacity;
  readonly visibleAfter: () => number;
}

/** An instance that runs already, with its volumes. */
export interface InstanceSeed extends Omit<LaunchPlan, "parts" | "market" | "userData" | "shutdownBehavior"> {
  readonly volumes: readonly (Partial<PlannedVolume> & Pick<PlannedVolume, "device">)[];
}

export class Storage {
  readonly snapshots: Snapshots;
  readonly #registry = new Registry();
  readonly #consoles = new Consoles();
  readonly #world: snapshotCalls.SnapshotWorld &
    Parameters<typeof createVolume>[0] &
    Parameters<typeof runInstances>[0];
  readonly #volumeTokens = new ClientTokens<Volume>();
  readonly #launchTokens = new ClientTokens<Reservation>();

  constructor({ options, instances, capacity, visibleAfter }: StorageInput) {
    const { clock, region = "eu-west-1", account = "111122223333" } = options;
    const times = { ...DEFAULT_STORAGE_TIMES, ...options.storageTimes };
    this.snapshots = new Snapshots({ clock, region, times, visibleAfter });
    this.#world = {
      options,
      clock,
      instances,
      capacity,
      times,
      account,
      snapshots: this.snapshots,
      registry: this.#registry,
      zones: [...new Set(options.subnets.map(({ zone }) => zone))],
      findForeign: options.findForeign ?? ((_region, snapshotId) => this.asForeign(snapshotId, account)),
      now: () => clock.now(),
    };
  }

  /** Null = this is no call about storage. */
  answerFor(command: object): Answer | null {
    return this.#aboutSnapshots(command) ?? this.#aboutVolumes(command);
  }

  #aboutSnapshots(command: object): Answer | null {
    const world = this.#world;
    const call = (operation: string, apply: () => object): Answer => ({ operation, apply });
    if (command instanceof CreateSnapshotsCommand)
      return call("CreateSnapshots", () => snapshotCalls.createSnapshots(world, command.input));
    if (command instanceof DescribeSnapshotsCommand)
      return call("DescribeSnapshots", () => snapshotCalls.describeSnapshots(world, command.input));
    if (command instanceof CopySnapshotCommand)
      return call("CopySnapshot", () => snapshotCalls.copySnapshot(world, command.input));
    if (command instanceof DeleteSnapshotCommand)
      return call("DeleteSnapshot", () => snapshotCalls.deleteSnapshot(world, command.input));
    if (command instanceof ModifySnapshotAttributeCommand)
      return call("ModifySnapshotAttribute", () => snapshotCalls.modifySnapshotAttribute(world, command.input));
    if (command instanceof LockSnapshotCommand) return call("LockSnapshot", () => lockSnapshot(world, command.input));
    if (command instanceof UnlockSnapshotCommand)
      return call("UnlockSnapshot", () => unlockSnapshot(world, command.input));
    if (command instanceof DescribeLockedSnapshotsCommand)
      return call("DescribeLockedSnapshots", () => describeLockedSnapshots(world, command.input));
    return null;
  }

  #aboutVolumes(command: object): Answer | null {
    const world = this.#world;
    const call = (operation: string, apply: () => object): Answer => ({ operation, apply });
    if (command instanceof CreateVolumeCommand) {
      const { input } = command;
      return call("CreateVolume", () =>
        this.#volumeTokens.once(input.ClientToken, input, () => createVolume(world, input)),
      );
    }
    if (command instanceof RunInstancesCommand) {
      const { input } = command;
      return call("RunInstances", () =>
        this.#launchTokens.once(input.ClientToken, input, () => runInstances(world, input)),
      );
    }
    if (command instanceof AttachVolumeCommand) return call("AttachVolume", () => attachVolume(world, command.input));
    if (command instanceof DetachVolumeCommand) return call("DetachVolume", () => detachVolume(world, command.input));
    if (command instanceof GetConsoleOutputCommand)
      return call("GetConsoleOutput", () => this.#consoles.read(world.instances, command.input));
    if (command instanceof DescribeImagesCommand)
      return call("DescribeImages", () => this.#registry.describeImages(command.input));
    if (command instanceof DescribeAddressesCommand)
      return call("DescribeAddresses", () => this.#registry.describeAddresses(command.input));
    return null;
  }

  /** The id of an instance that has been running for long. */
  addInstance({ volumes, ...seed }: InstanceSeed): string {
    const planned = volumes.map((each) => ({ ...DEFAULT_VOLUME, deleteOnTermination: false, ...each }));
    const parts = { volumes: planned, volumeTags: new Map<string, string>(), interfaceTags: new Map<string, string>() };
    const rest = { market: "on-demand" as const, userData: "", shutdownBehavior: "stop" as const };
    return this.#world.instances.adopt({ ...seed, ...rest, parts }).instanceId;
  }

  addImage(image: ImageSeed): void {
    this.#registry.addImage(image);
  }

  removeImage(imageId: string): void {
    this.#registry.removeImage(imageId);
  }

  addAddress(address: AddressSeed): void {
    this.#registry.addAddress(address);
  }

  writeConsole(instanceId: string, text: string): void {
    this.#consoles.write(instanceId, text, this.#world.now());
  }

  /** Attached volumes of an instance, and what is written on them now. */
  disksOf(instanceId: string): { readonly volumeId: string; readonly content: VolumeContent | null }[] {
    return this.#world.instances.parts
      .volumesOf(instanceId)
      .filter(({ attachment }) => attachment?.state !== "attaching")
      .map(({ volumeId, content }) => ({ volumeId, content }));
  }

  contentOf(volumeId: string): VolumeContent | null {
    return this.#world.instances.parts.volumeInWorld(volumeId).content;
  }

  /** Somebody wrote on the volume. */
  write(volumeId: string, content: VolumeContent): void {
    this.#world.instances.parts.volumeInWorld(volumeId).content = content;
  }

  setMounted(volumeId: string, isMounted: boolean): void {
    setMounted(this.#world.instances.parts.volumeInWorld(volumeId), isMounted);
  }

  /** For CopySnapshot from elsewhere: null = `account` may not see it. */
  asForeign(snapshotId: string, account: string): ForeignSnapshot | null {
    const found = this.snapshots.visible().find((each) => each.snapshotId === snapshotId);
    if (found === undefined || !this.#mayCopy(found, account)) return null;
    const { sizeGiB, encrypted, content } = found;
    return { isComplete: this.snapshots.stateOf(found) === "completed", sizeGiB, encrypted, content };
  }

  #mayCopy({ sharedWith }: ModelSnapshot, account: string): boolean {
    return account === this.#world.account || sharedWith.has(account);
  }
}
