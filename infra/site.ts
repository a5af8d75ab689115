// What CloudFormation must know of the site document, written to .build/site.json for serverless.yml.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSite, type Site } from "../shared/config/index.ts";
import { backupFiles } from "./backup/index.ts";
import { mirrorFiles } from "./mirrors/index.ts";
import { parameterArn } from "./steps/rights.ts";

export interface SiteDocument {
  readonly text: string;
  /** Where it came from, relative to the repository or as given. */
  readonly source: string;
  readonly site: Site;
}

/** The document named by TOJI_CONFIG, else toji.yml, else the example. Throws ConfigError: a broken one is not shipped. */
export function readSiteDocument(root: string, named: string | undefined): SiteDocument {
  const source = named ?? (existsSync(join(root, "toji.yml")) ? "toji.yml" : "toji.example.yml");
  const text = readFileSync(named === undefined ? join(root, source) : named, "utf8");
  return { text, source, site: parseSite(text, source) };
}

interface Sub {
  readonly "Fn::Sub": string;
}

/** Fragments that serverless.yml includes with `${file(.build/site.json):...}`. */
export interface SiteFragments {
  /** Value of the tag toji:fleet. */
  readonly fleet: string;
  /** Changes when the base launch template does: see infra/resources/launch-template.yml. */
  readonly launchTemplateDigest: string;
  /** ARNs of the parameters that the document names. */
  readonly parameters: readonly Sub[];
  /** ARNs of the images, subnets and security groups that a builder may be launched with. */
  readonly launchParts: readonly Sub[];
  /** Files of infra/resources, by what they are for. */
  readonly files: ReturnType<typeof backupFiles> & ReturnType<typeof mirrorFiles>;
  /** Of the alarm on the newest verified set; 0 without backups. */
  readonly verifiedAgeHours: number;
}

export function siteFragments(site: Site, launchTemplate: string): SiteFragments {
  const { hub, builders, backup } = site;
  const named = [hub.clientCertificateParameter, builders.identityCaParameter, hub.serverCaParameter];
  const images = unique(builders.profiles.map((profile) => profile.imageId));
  // Subnets and groups of a shared VPC belong to another account: hence the star.
  const subnets = unique(builders.subnets.map((subnet) => subnet.id));
  // Without groups EC2 takes the default group of the subnet's VPC, whose id the document does not say.
  const groups = builders.securityGroups.length === 0 ? ["*"] : unique(builders.securityGroups);
  return {
    fleet: builders.fleet,
    launchTemplateDigest: createHash("sha256").update(`${launchTemplate}\n${builders.fleet}`).digest("hex").slice(0, 8),
    parameters: unique(named.filter((name) => name !== undefined)).map(parameterArn),
    launchParts: [
      ...images.map((id) => ec2Arn(`:image/${id}`)),
      ...subnets.map((id) => ec2Arn(`*:subnet/${id}`)),
      ...groups.map((id) => ec2Arn(`*:security-group/${id}`)),
    ],
    files: { ...backupFiles(site), ...mirrorFiles(site) },
    verifiedAgeHours: backup?.verifiedAgeHours ?? 0,
  };
}

function ec2Arn(rest: string): Sub {
  return { "Fn::Sub": `arn:\${AWS::Partition}:ec2:\${AWS::Region}:${rest}` };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
