// What comes with an instance and may outlive it: its volumes and its network interface.

import type { RequestLaunchTemplateData } from "@aws-sdk/client-ec2";
import type { Clock } from "../../../shared/clock.ts";
import { ec2Error } from "./errors.ts";
import type { ModelInstance } from "./state.ts";

/** An image's root volume where the template says nothing else. */
const DEFAULT_VOLUME = {
  device: "/dev/xvda",
  sizeGiB: 8,
  volumeType: "gp3",
  encrypted: false,
  deleteOnTermination: true,
};

interface PlannedVolume {
  readonly device: string;
  readonly sizeGiB: number;
  readonly volumeType: string;
  readonly encrypted: boolean;
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
}

interface ModelPart {
  /** Grows with every one that is made. */
  readonly number: number;
  readonly zone: string;
  readonly createdAt: number;
  readonly visibleAt: number;
  readonly tags: Map<string, string>;
  /** null = available. */
  attachment: Attachment | null;
}

export interface ModelVolume extends ModelPart, Omit<PlannedVolume, "deleteOnTermination"> {
  readonly volumeId: string;
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
      const made = { ...common(), ...rest, tags: new Map(plan.volumeTags) };
      const volumeId = idOf("vol", made.number);
      this.#volumes.set(volumeId, { ...made, volumeId, attachment: { instanceId, deleteOnTermination } });
    }
    const made = { ...common(), subnetId, privateIp, securityGroupIds, tags: new Map(plan.interfaceTags) };
    const networkInterfaceId = idOf("eni", made.number);
    const attachment = { instanceId, deleteOnTermination: true };
    this.#interfaces.set(networkInterfaceId, { ...made, networkInterfaceId, attachment });
  }

  /** The instance is terminated: what says so goes with it, the rest is left behind, available. */
  release(instanceId: string): void {
    for (const parts of [this.#volumes, this.#interfaces]) {
      for (const [id, part] of parts) {
        if (part.attachment?.instanceId !== instanceId) continue;
        if (part.attachment.deleteOnTermination) parts.delete(id);
        else part.attachment = null;
      }
    }
  }

  /** Whether everything of the instance will outlive it, as after a change of DeleteOnTermination by hand. */
  keepAfter(instanceId: string, outlive: boolean): void {
    for (const part of [...this.#volumes.values(), ...this.#interfaces.values()]) {
      if (part.attachment?.instanceId === instanceId) part.attachment = { instanceId, deleteOnTermination: !outlive };
    }
  }

  detach(id: string): void {
    this.#inWorld(id).attachment = null;
  }

  attachTo(id: string, instanceId: string): void {
    this.#inWorld(id).attachment = { instanceId, deleteOnTermination: false };
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

function idOf(prefix: string, number: number): string {
  return `${prefix}-${number.toString(16).padStart(17, "0")}`;
}
