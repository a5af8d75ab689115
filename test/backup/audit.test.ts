// Unknown snapshots are told with what a person needs to know them by; an unprotected hub with the command that mends it.

import { describe, expect, it } from "vitest";
import { auditSnapshots, judgeEncryption, judgeProtection, tellOthers } from "../../shared/backup/audit.ts";
import type { HubInstance, HubVolume } from "../../shared/backup/types.ts";

const NOW = 1_795_435_200;
const DAY = 86_400;

describe("auditSnapshots", () => {
  const own = [
    { snapshot: "snap-set", volume: "vol-1", region: "eu-west-1", startedAt: NOW, sizeGiB: 8, description: "" },
    {
      snapshot: "snap-new",
      volume: "vol-1",
      region: "eu-west-1",
      startedAt: NOW - 0.5 * DAY,
      sizeGiB: 8,
      description: " ",
    },
    {
      snapshot: "snap-old",
      volume: "vol-1",
      region: "eu-west-1",
      startedAt: NOW - 2000.7 * DAY,
      sizeGiB: 1000,
      description: "before upgrade",
    },
  ];

  it("are told in one sentence where they are of volumes that no set knows", () => {
    expect(tellOthers([], "eu-west-1")).toBeNull();
    expect(tellOthers(auditSnapshots(own, new Set(), NOW), "eu-west-1")).toMatch(
      /^\d+ more snapshots are of volumes that no set knows, in eu-west-1: \d+ GiB, the oldest \d+ d old \(snap-old\); they stay$/,
    );
  });

  it("names those that are in no set, oldest first", () => {
    expect(auditSnapshots(own, new Set(["snap-set"]), NOW).map(({ sentence }) => sentence)).toEqual([
      'snap-old in eu-west-1 is in no set: 2000 d old, 1000 GiB, "before upgrade"; it stays',
      "snap-new in eu-west-1 is in no set: 0 d old, 8 GiB, no description; it stays",
    ]);
  });

  it("says nothing when all are known", () => {
    expect(auditSnapshots(own, new Set(own.map(({ snapshot }) => snapshot)), NOW)).toEqual([]);
  });
});

describe("judgeProtection", () => {
  const volume = (more: Partial<HubVolume>): HubVolume => ({
    volume: "vol-1",
    device: "/dev/sdf",
    sizeGiB: 100,
    type: "gp3",
    iops: 3000,
    throughput: 125,
    encrypted: true,
    kmsKeyId: null,
    deleteOnTermination: false,
    isBoot: false,
    ...more,
  });
  const hub = (more: Partial<HubInstance>): HubInstance => ({
    instanceId: "i-1",
    instanceType: "m7a.xlarge",
    imageId: "ami-1",
    zone: "eu-west-1b",
    subnetId: "subnet-1",
    securityGroups: [],
    privateIp: null,
    publicIp: null,
    allocationId: null,
    instanceProfile: null,
    keyName: null,
    terminationProtected: true,
    volumes: [volume({ volume: "vol-0", device: "/dev/xvda", isBoot: true }), volume({})],
    ...more,
  });

  it("has nothing to say of a protected hub", () => {
    expect(judgeProtection(hub({}), { bootVolume: true })).toEqual([]);
  });

  it("gives the command for each thing that a mistaken terminate would take", () => {
    const bare = hub({
      terminationProtected: false,
      volumes: [
        volume({ volume: "vol-0", device: "/dev/xvda", isBoot: true, deleteOnTermination: true }),
        volume({ deleteOnTermination: true }),
      ],
    });
    const modify = "aws ec2 modify-instance-attribute --region eu-west-1 --instance-id i-1";
    const keep = (device: string) =>
      `${modify} --block-device-mappings '[{"DeviceName":"${device}","Ebs":{"DeleteOnTermination":false}}]'`;
    expect(judgeProtection(bare, { bootVolume: true })).toEqual([
      `i-1 has no termination protection: ${modify} --disable-api-termination`,
      `vol-0 (/dev/xvda, boot) is deleted with the instance: ${keep("/dev/xvda")}`,
      `vol-1 (/dev/sdf) is deleted with the instance: ${keep("/dev/sdf")}`,
    ]);
    expect(judgeProtection(bare, { bootVolume: false })).toHaveLength(2);
  });

  it("finds volumes that are not encrypted, and says the way there is", () => {
    const open = hub({ volumes: [volume({ encrypted: false })] });
    const [finding, ...others] = judgeEncryption(open, { bootVolume: true });
    expect(judgeProtection(open, { bootVolume: true })).toEqual([]);
    expect(others).toEqual([]);
    expect(finding).toMatch(
      /^vol-1 \(\/dev\/sdf\) is not encrypted: aws ec2 enable-ebs-encryption-by-default --region eu-west-1/,
    );
  });

  it("knows the region of a local zone", () => {
    const [finding] = judgeProtection(hub({ zone: "us-west-2-lax-1a", terminationProtected: false }), {
      bootVolume: true,
    });
    expect(finding).toContain("--region us-west-2 ");
  });
});
