// The functions of a restore, with the rights of each. No right to delete a volume: the old ones stay, whatever happens.

import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import { right } from "../steps/rights.ts";
import type { Step } from "../steps/step.ts";
import {
  asksForOurs,
  type BackupSite,
  commandTheHub,
  ec2,
  ec2Public,
  findHub,
  isHub,
  look,
  ours,
  tagSnapshots,
  useKeysOfTheHub,
} from "./rights.ts";

const hubAlone = (site: BackupSite) => ({ StringEquals: isHub(site) });

export const RESTORE_STEPS: readonly Step<BackupSite>[] = [
  {
    name: "restore-begin",
    description: "Checks the set, takes the lease of restores, fixes the plan",
    timeoutSeconds: 60,
    rights: (site) => [...findHub(site), tagSnapshots(site, ["CreateTags"], [BACKUP_TAG.inUse])],
  },
  {
    name: "restore-volumes",
    description: "Makes volumes from the snapshots of a set",
    timeoutSeconds: 120,
    rights: (site) => [
      look("DescribeVolumes"),
      right("MakeTaggedVolumes", ["ec2:CreateVolume"], ec2("volume/*"), {
        StringEquals: asksForOurs(site),
        Null: { [`aws:RequestTag/${BACKUP_TAG.restore}`]: "false" },
      }),
      right("FromSnapshotsOfSets", ["ec2:CreateVolume"], ec2Public("snapshot/*"), { StringEquals: ours(site) }),
      right("TagInTheMaking", ["ec2:CreateTags"], ec2("volume/*"), {
        StringEquals: { ...asksForOurs(site), "ec2:CreateAction": "CreateVolume" },
      }),
      ...useKeysOfTheHub(),
    ],
  },
  {
    name: "restore-host",
    description: "Stops the hub's services for a restore, and starts them",
    timeoutSeconds: 900,
    hosts: ["hub"],
    rights: commandTheHub,
  },
  {
    name: "restore-swap",
    description: "Puts the restored volumes in the place of the hub's, or the old ones back",
    timeoutSeconds: 120,
    rights: (site) => [
      ...findHub(site),
      right("SwapOnTheHub", ["ec2:AttachVolume", "ec2:DetachVolume"], ec2("instance/*"), hubAlone(site)),
      // Which volume: the hub's old ones carry no tag of ours before they are detached.
      right("SwapVolumes", ["ec2:AttachVolume", "ec2:DetachVolume"], ec2("volume/*")),
      right("MarkWhatIsReplaced", ["ec2:CreateTags"], ec2("volume/*"), {
        "ForAllValues:StringEquals": { "aws:TagKeys": ["toji:restore-replaced"] },
        Null: { "aws:TagKeys": "false" },
      }),
      ...useKeysOfTheHub(),
    ],
  },
  {
    name: "restore-end",
    description: "Records a restore, gives its lease back",
    timeoutSeconds: 60,
    rights: (site) => [
      look("DescribeSnapshots", "DescribeVolumes"),
      tagSnapshots(site, ["DeleteTags"], [BACKUP_TAG.inUse]),
    ],
  },
];
