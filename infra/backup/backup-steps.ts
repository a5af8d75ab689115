// The functions that take backup sets, watch them and let them go, with the rights of each.

import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import { right } from "../steps/rights.ts";
import { machineArn, type Step } from "../steps/step.ts";
import {
  actInOtherAccounts,
  asksForOurs,
  type BackupSite,
  commandTheHub,
  copyOut,
  ec2,
  ec2Public,
  findHub,
  isHub,
  look,
  ours,
  refreshCatalog,
  sealSets,
  snapshotsEverywhere,
  useKeysOfCopies,
  useKeysOfTheHub,
} from "./rights.ts";

export const BACKUP_STEPS: readonly Step<BackupSite>[] = [
  {
    name: "backup-begin",
    description: "Takes the lease of backups, finds the hub and its volumes, opens the manifest",
    timeoutSeconds: 60,
    rights: (site) => findHub(site),
  },
  {
    name: "backup-host",
    description: "Runs one script on the hub: survey, pause, snapshot, thaw or resume",
    timeoutSeconds: 600,
    hosts: ["hub"],
    rights: (site) => [
      ...findHub(site, "DescribeSnapshots"),
      ...commandTheHub(site),
      // The order that the hub sends while it is frozen is signed with this function's rights.
      right("SnapshotTheHub", ["ec2:CreateSnapshots"], ec2("instance/*"), { StringEquals: isHub(site) }),
      right("SnapshotItsVolumes", ["ec2:CreateSnapshots"], ec2("volume/*")),
      right("AskForTaggedSnapshots", ["ec2:CreateSnapshots"], ec2Public("snapshot/*"), {
        StringEquals: asksForOurs(site),
      }),
      right("TagSnapshotsInTheMaking", ["ec2:CreateTags"], ec2Public("snapshot/*"), {
        StringEquals: { ...asksForOurs(site), "ec2:CreateAction": "CreateSnapshots" },
      }),
    ],
  },
  {
    name: "backup-look",
    description: "Looks by tag how far the snapshots of a set are",
    timeoutSeconds: 60,
    rights: () => [look("DescribeSnapshots")],
  },
  {
    name: "backup-seal",
    description: "Grades a set, measures it, completes its manifest and its tags",
    timeoutSeconds: 900,
    rights: (site) => [look("DescribeSnapshots"), ...sealSets(site)],
  },
  {
    name: "backup-copy",
    description: "Copies a set to another region or account",
    timeoutSeconds: 300,
    rights: (site) => [
      look("DescribeSnapshots"),
      ...copyOut(site),
      ...actInOtherAccounts(site),
      ...(site.backup.copies.some(({ roleArn }) => roleArn === undefined) ? useKeysOfTheHub() : []),
      ...useKeysOfCopies(site),
    ],
  },
  {
    name: "backup-lock",
    description: "Locks the snapshots of a set",
    timeoutSeconds: 300,
    rights: (site) => [
      look("DescribeLockedSnapshots", "DescribeSnapshots"),
      right("LockSnapshots", ["ec2:LockSnapshot"], snapshotsEverywhere(site), { StringEquals: ours(site) }),
      ...actInOtherAccounts(site),
    ],
  },
  {
    name: "backup-end",
    description: "Records how a backup went, refreshes the catalog, gives the lease back",
    timeoutSeconds: 300,
    rights: refreshCatalog,
  },
  {
    name: "backup-watch",
    description: "Compares sets, manifests and AWS; says how old the newest verified set is",
    timeoutSeconds: 300,
    ticks: true,
    environment: {
      TOJI_BACKUP_MACHINE: machineArn("backup"),
      TOJI_DRILL_MACHINE: machineArn("drill"),
      TOJI_RESTORE_MACHINE: machineArn("restore"),
    },
    rights: refreshCatalog,
  },
  {
    name: "backup-expire",
    description: "Deletes the sets that no rule of retention keeps",
    timeoutSeconds: 900,
    ticks: true,
    rights: (site) => [
      look("DescribeImages", "DescribeLockedSnapshots", "DescribeSnapshots"),
      ...actInOtherAccounts(site),
      // In every region: a set may have copies where the site no longer makes any. The tags say what is ours.
      right("DeleteSnapshotsOfSets", ["ec2:DeleteSnapshot"], ec2Public("snapshot/*", "*"), {
        StringEquals: ours(site),
        Null: { [`aws:ResourceTag/${BACKUP_TAG.set}`]: "false" },
      }),
    ],
  },
];
