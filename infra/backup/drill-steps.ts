// The functions of a drill, with the rights of each.

import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import type { DrillConfig } from "../../shared/config/index.ts";
import { type Right, right } from "../steps/rights.ts";
import type { Step } from "../steps/step.ts";
import {
  asksForOurs,
  type BackupSite,
  ec2,
  ec2Public,
  look,
  ours,
  refreshCatalog,
  tagSnapshots,
  useKeysOfTheHub,
} from "./rights.ts";

/** Made by a drill of this site, and by nothing else. */
const drills = (site: BackupSite) => ({
  StringEquals: ours(site),
  Null: { [`aws:ResourceTag/${BACKUP_TAG.drill}`]: "false" },
});

/** No right to pass a role: the instance has none. */
export function drillSteps(drill: DrillConfig): readonly Step<BackupSite>[] {
  return [
    {
      name: "drill-begin",
      description: "Chooses the set to drill, takes the lease of drills, marks the set as in use",
      timeoutSeconds: 60,
      rights: (site) => [look("DescribeSnapshots"), tagSnapshots(site, ["CreateTags"], [BACKUP_TAG.inUse])],
    },
    {
      name: "drill-launch",
      description: "Launches the instance of a drill, with volumes from the set and no way in or out",
      timeoutSeconds: 120,
      hosts: ["hub"],
      rights: (site) => [look("DescribeInstances"), ...launchRights(site, drill), ...useKeysOfTheHub()],
    },
    {
      name: "drill-look",
      description: "Reads the console of a drill's instance",
      timeoutSeconds: 60,
      rights: (site) => [
        look("DescribeInstances"),
        right("ReadTheConsole", ["ec2:GetConsoleOutput"], ec2("instance/*"), drills(site)),
      ],
    },
    {
      name: "drill-judge",
      description: "Writes the verdict of a drill into the manifest and on the snapshots",
      timeoutSeconds: 120,
      // The verdict is a tag that sealing sets writes too.
      rights: refreshCatalog,
    },
    {
      name: "drill-teardown",
      description: "Terminates and deletes what a drill made, until it is gone",
      timeoutSeconds: 120,
      rights: (site) => [
        look("DescribeInstances", "DescribeSnapshots", "DescribeVolumes"),
        right("TerminateDrills", ["ec2:TerminateInstances"], ec2("instance/*"), drills(site)),
        right("DeleteVolumesOfDrills", ["ec2:DeleteVolume"], ec2("volume/*"), drills(site)),
        tagSnapshots(site, ["DeleteTags"], [BACKUP_TAG.inUse]),
      ],
    },
  ];
}

/** RunInstances with this image, type, subnet and group, from snapshots of sets, tagged as a drill; and nothing else. */
function launchRights(site: BackupSite, { imageId, instanceType, subnet, securityGroup }: DrillConfig): Right[] {
  const run = ["ec2:RunInstances"];
  const tagged = {
    StringEquals: asksForOurs(site),
    Null: { [`aws:RequestTag/${BACKUP_TAG.drill}`]: "false" },
  };
  return [
    right("LaunchTaggedDrills", run, ec2("instance/*"), {
      ...tagged,
      StringEquals: { ...tagged.StringEquals, "ec2:InstanceType": instanceType, "ec2:MetadataHttpTokens": "required" },
      Null: { ...tagged.Null, "ec2:InstanceProfile": "true" },
    }),
    right("WithTaggedVolumes", run, ec2("volume/*"), tagged),
    right("FromSnapshotsOfSets", run, ec2Public("snapshot/*"), { StringEquals: ours(site) }),
    // The subnet of a shared VPC belongs to another account.
    right("WithThePartsOfTheSite", run, [
      ec2Public(`image/${imageId}`),
      anyAccount(`subnet/${subnet.id}`),
      anyAccount(`security-group/${securityGroup}`),
    ]),
    right("WithAnInterface", run, ec2("network-interface/*"), {
      Bool: { "ec2:AssociatePublicIpAddress": "false" },
    }),
    right("TagInTheMaking", ["ec2:CreateTags"], [ec2("instance/*"), ec2("volume/*")], {
      ...tagged,
      StringEquals: { ...tagged.StringEquals, "ec2:CreateAction": "RunInstances" },
    }),
  ];
}

const anyAccount = (rest: string) => ({ "Fn::Sub": `arn:\${AWS::Partition}:ec2:\${AWS::Region}:*:${rest}` });
