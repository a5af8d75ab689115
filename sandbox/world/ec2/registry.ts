// Images and Elastic IPs of the account, as far as a backup asks: DescribeImages, DescribeAddresses.

import type {
  DescribeAddressesCommandInput,
  DescribeAddressesResult,
  DescribeImagesCommandInput,
  DescribeImagesResult,
} from "@aws-sdk/client-ec2";
import { ec2Error, NotModelled, refuseFields } from "./errors.ts";
import { readFilters } from "./filters.ts";

const NO_TAGS: ReadonlyMap<string, string> = new Map();

export interface ImageSeed {
  readonly imageId: string;
  /** Its block devices are made of these. */
  readonly snapshots: readonly string[];
}

export interface AddressSeed {
  readonly allocationId: string;
  readonly publicIp: string;
  readonly instanceId: string | null;
}

export class Registry {
  readonly #images = new Map<string, ImageSeed>();
  readonly #addresses = new Map<string, AddressSeed>();

  /** A person makes an image of snapshots. */
  addImage(image: ImageSeed): void {
    this.#images.set(image.imageId, image);
  }

  removeImage(imageId: string): void {
    this.#images.delete(imageId);
  }

  /** Also moves one that is known to another instance. */
  addAddress(address: AddressSeed): void {
    this.#addresses.set(address.allocationId, address);
  }

  /** The image that uses a snapshot, or null. */
  imageOf(snapshotId: string): string | null {
    return [...this.#images.values()].find(({ snapshots }) => snapshots.includes(snapshotId))?.imageId ?? null;
  }

  describeImages(input: DescribeImagesCommandInput): DescribeImagesResult {
    refuseFields("DescribeImages", input, "DryRun", "ExecutableUsers", "MaxResults", "NextToken", "IncludeDeprecated");
    if (input.Filters === undefined && input.ImageIds === undefined && input.Owners === undefined) {
      throw new NotModelled("DescribeImagesCommand for all the world's images: ask with a filter");
    }
    const passes = readFilters("DescribeImages", input.Filters);
    const ids = input.ImageIds ?? [];
    const unknown = ids.find((id) => !this.#images.has(id));
    if (unknown !== undefined) {
      throw ec2Error("InvalidAMIID.NotFound", `The image id '[${unknown}]' does not exist`);
    }
    const found = [...this.#images.values()]
      .filter(({ imageId }) => ids.length === 0 || ids.includes(imageId))
      .filter(({ imageId, snapshots }) =>
        passes(NO_TAGS, { "block-device-mapping.snapshot-id": snapshots, "image-id": [imageId] }),
      );
    return {
      Images: found.map(({ imageId, snapshots }) => ({
        ImageId: imageId,
        State: "available",
        BlockDeviceMappings: snapshots.map((SnapshotId, index) => ({
          DeviceName: index === 0 ? "/dev/xvda" : `/dev/sd${String.fromCharCode(101 + index)}`,
          Ebs: { SnapshotId },
        })),
      })),
    };
  }

  describeAddresses(input: DescribeAddressesCommandInput): DescribeAddressesResult {
    refuseFields("DescribeAddresses", input, "DryRun");
    const passes = readFilters("DescribeAddresses", input.Filters);
    const found = [...this.#addresses.values()]
      .filter(({ allocationId }) => input.AllocationIds?.includes(allocationId) !== false)
      .filter(({ publicIp }) => input.PublicIps?.includes(publicIp) !== false)
      .filter(({ allocationId, publicIp, instanceId }) =>
        passes(NO_TAGS, {
          "instance-id": instanceId === null ? [] : [instanceId],
          "public-ip": [publicIp],
          "allocation-id": [allocationId],
        }),
      );
    return {
      Addresses: found.map(({ allocationId, publicIp, instanceId }) => ({
        AllocationId: allocationId,
        PublicIp: publicIp,
        Domain: "vpc",
        ...(instanceId === null
          ? {}
          : { InstanceId: instanceId, AssociationId: allocationId.replace("eipalloc", "eipassoc") }),
      })),
    };
  }
}
