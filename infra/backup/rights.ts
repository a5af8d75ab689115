// IAM statements for the steps of backups, drills and restores: each as narrow as its service lets it be.

import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import type { BackupConfig } from "../../shared/config/index.ts";
import { type Conditions, type Right, right, sub, type Text } from "../steps/rights.ts";

/** The part of the site that rights depend on. */
export interface BackupSite {
  /** Value of the tags toji:hub and toji:backup. */
  readonly fleet: string;
  readonly backup: BackupConfig;
}

const HOME = `\${AWS::Region}`;

/** An EC2 resource of this account. */
export const ec2 = (rest: string, region = HOME): Text =>
  sub(`arn:\${AWS::Partition}:ec2:${region}:\${AWS::AccountId}:${rest}`);

/** Snapshots and images have no account in their ARN. */
export const ec2Public = (rest: string, region = HOME): Text => sub(`arn:\${AWS::Partition}:ec2:${region}::${rest}`);

/** Regions where sets lie under this account's own rights: the hub's, and those of copies that need no role. */
function regions({ copies }: BackupConfig): string[] {
  return [HOME, ...new Set(copies.filter(({ roleArn }) => roleArn === undefined).map(({ region }) => region))];
}

/** Snapshots wherever a set has members under this account's own rights. */
export const snapshotsEverywhere = ({ backup }: BackupSite): Text[] =>
  regions(backup).map((region) => ec2Public("snapshot/*", region));

export const resourceTag = (key: string, value: string): Readonly<Record<string, string>> => ({
  [`aws:ResourceTag/${key}`]: value,
});
export const requestTag = (key: string, value: string): Readonly<Record<string, string>> => ({
  [`aws:RequestTag/${key}`]: value,
});

/** What Toji made for backups of this site carries this tag; nothing else is changed or deleted. */
export const ours = ({ fleet }: BackupSite) => resourceTag(BACKUP_TAG.site, fleet);
export const asksForOurs = ({ fleet }: BackupSite) => requestTag(BACKUP_TAG.site, fleet);
export const isHub = ({ fleet }: BackupSite) => resourceTag(BACKUP_TAG.hub, fleet);

/** ForAllValues is true of no keys at all, and DeleteTags without keys deletes every tag. */
export const onlyKeys = (keys: readonly string[]): Conditions => ({
  "ForAllValues:StringEquals": { "aws:TagKeys": keys },
  Null: { "aws:TagKeys": "false" },
});

/** Actions that EC2 knows no narrower resource for. */
export const look = (...names: readonly string[]): Right =>
  right(
    "Look",
    names.map((name) => `ec2:${name}`),
    "*",
  );

/** Which instance is the hub, what volumes and address it has, whether it is protected (shared/aws/hub-instance.ts). */
export const findHub = (site: BackupSite, ...looks: readonly string[]): Right[] => [
  look(...new Set(["DescribeAddresses", "DescribeInstances", "DescribeVolumes", ...looks])),
  right("AskTheHub", ["ec2:DescribeInstanceAttribute"], ec2("instance/*"), { StringEquals: isHub(site) }),
];

/** A set's tags change in its life; those that say what it is a part of do not. */
export const tagSnapshots = (site: BackupSite, actions: readonly string[], keys: readonly string[]): Right =>
  right(
    "NoteTheStateOfSnapshots",
    actions.map((name) => `ec2:${name}`),
    snapshotsEverywhere(site),
    { StringEquals: ours(site), ...onlyKeys(keys) },
  );

/** Commands on the hub and on no other instance. */
export const commandTheHub = ({ fleet }: BackupSite): Right[] => [
  right("RunShellScripts", ["ssm:SendCommand"], sub(`arn:\${AWS::Partition}:ssm:${HOME}::document/AWS-RunShellScript`)),
  right("OnTheHub", ["ssm:SendCommand"], ec2("instance/*"), {
    StringEquals: { [`ssm:resourceTag/${BACKUP_TAG.hub}`]: fleet },
  }),
  // SSM knows no narrower resource for it.
  right("ReadAnswers", ["ssm:GetCommandInvocation"], "*"),
];

/**
 * Copies into this account's other regions, and snapshots shared with the accounts that make their own. EC2 asks for the
 * right on the source and on the copy: the first is known by its tag, the second by the tag it is to have.
 */
export function copyOut(site: BackupSite): Right[] {
  const { copies } = site.backup;
  const targets = [...new Set(copies.filter(({ roleArn }) => roleArn === undefined).map(({ region }) => region))];
  const accounts = [...new Set(copies.flatMap(({ roleArn }) => roleArn?.split(":")[4] ?? []))];
  const copyHere = targets.map((region) => ec2Public("snapshot/*", region));
  const here = ec2Public("snapshot/*");
  const tagged = { StringEquals: asksForOurs(site) };
  return [
    ...(targets.length === 0
      ? []
      : [
          right("CopySnapshotsOfSets", ["ec2:CopySnapshot"], [here, ...copyHere], { StringEquals: ours(site) }),
          right("IntoTaggedCopies", ["ec2:CopySnapshot"], copyHere, tagged),
          right("TagCopiesInTheMaking", ["ec2:CreateTags"], copyHere, {
            StringEquals: { ...asksForOurs(site), "ec2:CreateAction": "CopySnapshot" },
          }),
        ]),
    ...(accounts.length === 0
      ? []
      : [
          right("ShareWithTheAccountsOfCopies", ["ec2:ModifySnapshotAttribute"], here, {
            StringEquals: { ...ours(site), "ec2:Add/userId": accounts },
          }),
        ]),
  ];
}

/** The roles of other accounts that copies lie in. */
export function actInOtherAccounts({ backup }: BackupSite): Right[] {
  const roles = [...new Set(backup.copies.flatMap(({ roleArn }) => (roleArn === undefined ? [] : [roleArn])))];
  return roles.length === 0 ? [] : [right("ActInOtherAccounts", ["sts:AssumeRole"], roles)];
}

/**
 * What EC2 does with a customer's key in the name of its caller. The key aws/ebs needs no such right.
 * Source: EBS user guide, "Required permissions" of encryption.
 */
const KEY_USES = ["Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"].map(
  (name) => `kms:${name}`,
);

/** The keys of the hub's own volumes, which only the hub knows: whichever they are, through EC2 alone. */
export function useKeysOfTheHub(): Right[] {
  const keys = sub(`arn:\${AWS::Partition}:kms:${HOME}:\${AWS::AccountId}:key/*`);
  const throughEc2 = { "kms:ViaService": sub(`ec2.${HOME}.\${AWS::URLSuffix}`) };
  return keyRights("OfTheHub", keys, throughEc2, {});
}

/** The keys that the site names for copies in other regions of this account. */
export function useKeysOfCopies({ backup }: BackupSite): Right[] {
  const here = backup.copies.filter(({ roleArn }) => roleArn === undefined);
  return here.flatMap(({ region, kmsKeyId }, index) => {
    const account = `arn:\${AWS::Partition}:kms:${region}:\${AWS::AccountId}`;
    const throughEc2 = { "kms:ViaService": sub(`ec2.${region}.\${AWS::URLSuffix}`) };
    const alias = /(?:^|:)(alias\/.+)$/.exec(kmsKeyId)?.[1];
    const key = kmsKeyId.startsWith("arn:") && alias === undefined ? kmsKeyId : sub(`${account}:key/${kmsKeyId}`);
    // A policy cannot name an alias as its resource.
    return alias === undefined
      ? keyRights(`OfCopy${index + 1}`, key, throughEc2, {})
      : keyRights(`OfCopy${index + 1}`, sub(`${account}:key/*`), throughEc2, {
          "ForAnyValue:StringEquals": { "kms:ResourceAliases": alias },
        });
  });
}

function keyRights(suffix: string, key: Text, throughEc2: Readonly<Record<string, Text>>, more: Conditions): Right[] {
  return [
    right(`UseKeys${suffix}`, KEY_USES, key, { StringEquals: throughEc2, ...more }),
    // A grant for EC2 itself, never for a person or another account.
    right(`GrantKeys${suffix}`, ["kms:CreateGrant"], key, {
      StringEquals: throughEc2,
      Bool: { "kms:GrantIsForAWSResource": "true" },
      ...more,
    }),
  ];
}

/** A set's verdict, on its snapshots; and how much of them changed, never what is in them. */
export const sealSets = (site: BackupSite): Right[] => [
  tagSnapshots(site, ["CreateTags"], [BACKUP_TAG.instant, BACKUP_TAG.grade, BACKUP_TAG.state, BACKUP_TAG.holds]),
  right("CountBlocks", ["ebs:ListChangedBlocks", "ebs:ListSnapshotBlocks"], ec2Public("snapshot/*"), {
    StringEquals: ours(site),
  }),
];

/** The catalog compares manifests with all that the account has, in every place, and closes what was abandoned. */
export const refreshCatalog = (site: BackupSite): Right[] => [
  ...findHub(site, "DescribeImages", "DescribeLockedSnapshots", "DescribeSnapshots"),
  ...sealSets(site),
  ...actInOtherAccounts(site),
];
