// Volumes and network interfaces: those that come with an instance and may outlive it, and those made by themselves.

import type { RequestLaunchTemplateData } from "@aws-sdk/client-ec2";
import type { Clock } from "../../../shared/clock.ts";
import { ec2Error } from "./errors.ts";
import type { ModelInstance, VolumeContent } from "./state.ts";

/** An image's root volume where the template says nothing else. */
export const DEFAULT_VOLUME: PlannedVolume = {
  device: "/dev/xvda",
  sizeGiB: 8,
  volumeType: "gp3",
  iops: 3000,
  throughput: 125,
  encrypted: false,
  kmsKeyId: null,
  deleteOnTermination: true,
  snapshotId: null,
  content: null,
};

/** A volume before it exists. */
export interface VolumePlan {
  readonly sizeGiB: number;
  readonly volumeType: string;
  readonly iops: number | null;
  readonly throughput: number | null;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly snapshotId: string | null;
  /** null = nothing was ever written on it. */
  readonly content: VolumeContent | null;
}

export interface PlannedVolume extends VolumePlan {
  readonly device: string;
  readonly deleteOnTermination: boolean;
}

export interface PartsPlan {
  readonly volumes: readonly PlannedVolume[];
  readonly volumeTags: ReadonlyMap<string, string>;
  readonly interfaceTags: ReadonlyMap<string, string>;
}

interface Attachment {
  readonly instanceId: string;
  readonly deleteOnTermination: boolean;
  /** EC2's word: "busy" = it is to be detached, and the machine still has it mounted. */
  state: "attaching" | "attached" | "detaching" | "busy";
}

interface ModelPart {
  /** Grows with every one that is made. */
  readonly number: number;
  readonly zone: string;
  readonly createdAt: number;
  visibleAt: number;
  readonly tags: Map<string, string>;
  /** null = available. */
  attachment: Attachment | null;
}

export interface ModelVolume extends ModelPart, VolumePlan {
  readonly volumeId: string;
  /** Creating until then. */
  readonly availableAt: number;
  device: string;
  content: VolumeContent | null;
  /** The machine has a file system of it mounted. */
  isMounted: boolean;
}

export interface ModelInterface extends ModelPart {
  readonly networkInterfaceId: string;
  readonly subnetId: string;
  readonly privateIp: string;
  readonly securityGroupIds: readonly string[];
}

/** What a launch makes beside the instance, as its template says. */
export function planParts({ BlockDeviceMappings = [], TagSpecifications = [] }: RequestLaunchTemplateData): PartsPlan {
  const volumes = BlockDeviceMappings.flatMap(({ DeviceName, Ebs }) =>
    Ebs === undefined
      ? []
      : [
          {
            ...DEFAULT_VOLUME,
            device: DeviceName ?? DEFAULT_VOLUME.device,
            sizeGiB: Ebs.VolumeSize ?? DEFAULT_VOLUME.sizeGiB,
            volumeType: Ebs.VolumeType ?? DEFAULT_VOLUME.volumeType,
            encrypted: Ebs.Encrypted ?? DEFAULT_VOLUME.encrypted,
            deleteOnTermination: Ebs.DeleteOnTermination ?? DEFAULT_VOLUME.deleteOnTermination,
          },
        ],
  );
  const tagsFor = (type: "volume" | "network-interface") => {
    const own = TagSpecifications.filter(({ ResourceType }) => ResourceType === type);
    return new Map(own.flatMap(({ Tags }) => Tags ?? []).map(({ Key, Value }) => [Key ?? "", Value ?? ""]));
  };
  return {
    volumes: volumes.length === 0 ? [DEFAULT_VOLUME] : volumes,
    volumeTags: tagsFor("volume"),
    interfaceTags: tagsFor("network-interface"),
  };
}

export class Parts {
  readonly #clock: Clock;
  readonly #volumes = new Map<string, ModelVolume>();
  readonly #interfaces = new Map<string, ModelInterface>();
  #made = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  volumes(): ModelVolume[] {
    return this.#visible(this.#volumes);
  }

  interfaces(): ModelInterface[] {
    return this.#visible(this.#interfaces);
  }

  /** Throws InvalidVolume.NotFound. */
  volume(volumeId: string): ModelVolume {
    const found = this.volumes().find((each) => each.volumeId === volumeId);
    if (found !== undefined) return found;
    throw ec2Error("InvalidVolume.NotFound", `The volume '${volumeId}' does not exist.`);
  }

  /** Throws InvalidNetworkInterfaceID.NotFound. */
  networkInterface(networkInterfaceId: string): ModelInterface {
    const found = this.interfaces().find((each) => each.networkInterfaceId === networkInterfaceId);
    if (found !== undefined) return found;
    const message = `The networkInterface ID '${networkInterfaceId}' does not exist`;
    throw ec2Error("InvalidNetworkInterfaceID.NotFound", message);
  }

  attach(instance: ModelInstance, plan: PartsPlan): void {
    const { instanceId, zone, subnetId, privateIp, securityGroupIds, visibleAt } = instance;
    const common = () => {
      this.#made++;
      return { number: this.#made, zone, createdAt: this.#clock.now(), visibleAt };
    };
    for (const { deleteOnTermination, ...rest } of plan.volumes) {
      const made = { ...common(), ...rest, tags: new Map(plan.volumeTags), availableAt: 0, isMounted: false };
      const volumeId = idOf("vol", made.number);
      const attachment = { instanceId, deleteOnTermination, state: "attached" as const };
      this.#volumes.set(volumeId, { ...made, volumeId, attachment });
    }
    const made = { ...common(), subnetId, privateIp, securityGroupIds, tags: new Map(plan.interfaceTags) };
    const networkInterfaceId = idOf("eni", made.number);
    const attachment = { instanceId, deleteOnTermination: true, state: "attached" as const };
    this.#interfaces.set(networkInterfaceId, { ...made, networkInterfaceId, attachment });
  }

  /** A volume by itself, creating for so many seconds. */
  create(plan: VolumePlan, zone: string, tags: ReadonlyMap<string, string>, seconds: number): ModelVolume {
    this.#made++;
    const now = this.#clock.now();
    const volumeId = idOf("vol", this.#made);
    const own = { number: this.#made, volumeId, zone, createdAt: now, visibleAt: now, availableAt: now + seconds };
    const none = { device: "", attachment: null, isMounted: false };
    const volume: ModelVolume = { ...plan, ...own, ...none, tags: new Map(tags) };
    this.#volumes.set(volumeId, volume);
    return volume;
  }

  /** Seen past EC2's delays; throws when there is none. */
  volumeInWorld(volumeId: string): ModelVolume {
    const volume = this.#volumes.get(volumeId);
    if (volume === undefined) throw new Error(`the EC2 model has no volume ${volumeId}`);
    return volume;
  }

  /** What belongs to the instance is described from now on. */
  show(instanceId: string): void {
    for (const part of [...this.#volumes.values(), ...this.#interfaces.values()]) {
      if (part.attachment?.instanceId === instanceId) part.visibleAt = this.#clock.now();
    }
  }

  /** In the order of their making: the root volume first, as a launch makes it first. */
  volumesOf(instanceId: string): ModelVolume[] {
    return [...this.#volumes.values()].filter(({ attachment }) => attachment?.instanceId === instanceId);
  }

  /** The instance is terminated: what says so goes with it, the rest is left behind, available. */
  release(instanceId: string): void {
    for (const parts of [this.#volumes, this.#interfaces]) {
      for (const [id, part] of parts) {
        if (part.attachment?.instanceId !== instanceId) continue;
        if ("isMounted" in part) part.isMounted = false;
        if (part.attachment.deleteOnTermination) parts.delete(id);
        else part.attachment = null;
      }
    }
  }

  /** Whether everything of the instance will outlive it, as after a change of DeleteOnTermination by hand. */
  keepAfter(instanceId: string, outlive: boolean): void {
    for (const part of [...this.#volumes.values(), ...this.#interfaces.values()]) {
      if (part.attachment?.instanceId === instanceId)
        part.attachment = { ...part.attachment, deleteOnTermination: !outlive };
    }
  }

  detach(id: string): void {
    this.#inWorld(id).attachment = null;
  }

  attachTo(id: string, instanceId: string): void {
    this.#inWorld(id).attachment = { instanceId, deleteOnTermination: false, state: "attached" };
  }

  removeVolume(volumeId: string): void {
    this.#volumes.delete(volumeId);
  }

  removeInterface(networkInterfaceId: string): void {
    this.#interfaces.delete(networkInterfaceId);
  }

  #inWorld(id: string): ModelPart {
    const part = this.#volumes.get(id) ?? this.#interfaces.get(id);
    if (part === undefined) throw new Error(`the EC2 model has no volume or network interface ${id}`);
    return part;
  }

  #visible<T extends ModelPart>(parts: ReadonlyMap<string, T>): T[] {
    const now = this.#clock.now();
    return [...parts.values()].filter(({ visibleAt }) => visibleAt <= now);
  }
}

/** Where an image's own volume is. */
export function isRootDevice(device: string): boolean {
  return device === "/dev/xvda" || device === "/dev/sda1";
}

function idOf(prefix: string, number: number): string {
  return `${prefix}-${number.toString(16).padStart(17, "0")}`;
}
