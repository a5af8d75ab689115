// Launch templates and their versions.

import type {
  CreateLaunchTemplateVersionCommandInput,
  CreateLaunchTemplateVersionResult,
  DeleteLaunchTemplateVersionsCommandInput,
  DeleteLaunchTemplateVersionsResponseErrorItem,
  DeleteLaunchTemplateVersionsResponseSuccessItem,
  DeleteLaunchTemplateVersionsResult,
  DescribeLaunchTemplateVersionsCommandInput,
  DescribeLaunchTemplateVersionsResult,
  LaunchTemplateVersion,
  RequestLaunchTemplateData,
  ResponseLaunchTemplateData,
} from "@aws-sdk/client-ec2";
import type { Clock } from "../../../shared/clock.ts";
import { ec2Error, NotModelled, refuseFields, requireField } from "./errors.ts";
import { readPageToken, writePageToken } from "./pages.ts";
import type { LaunchTemplateSeed } from "./state.ts";
import { ClientTokens } from "./tokens.ts";

/** EC2's limit on user data before base64. Source: SDK typings. */
const USER_DATA_BYTES = 16_384;
const PAGE = 200;

interface Version {
  readonly number: number;
  readonly description: string | undefined;
  readonly createdAt: number;
  readonly data: RequestLaunchTemplateData;
}

interface Template {
  readonly id: string;
  readonly name: string;
  readonly defaultVersion: number;
  latestVersion: number;
  readonly versions: Map<number, Version>;
}

/** How commands name a template. */
interface TemplateName {
  readonly LaunchTemplateId?: string | undefined;
  readonly LaunchTemplateName?: string | undefined;
}

export interface ResolvedTemplate {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly data: RequestLaunchTemplateData;
}

export class LaunchTemplates {
  readonly #clock: Clock;
  readonly #templates = new Map<string, Template>();
  readonly #tokens = new ClientTokens<CreateLaunchTemplateVersionResult>();

  constructor(clock: Clock, seeds: readonly LaunchTemplateSeed[]) {
    this.#clock = clock;
    for (const { id, name, data } of seeds) {
      checkUserData(data.UserData);
      const first = { number: 1, description: undefined, createdAt: clock.now(), data: structuredClone(data) };
      this.#templates.set(id, { id, name, defaultVersion: 1, latestVersion: 1, versions: new Map([[1, first]]) });
    }
  }

  createVersion(input: CreateLaunchTemplateVersionCommandInput): CreateLaunchTemplateVersionResult {
    refuseFields("CreateLaunchTemplateVersion", input, "DryRun", "ResolveAlias");
    const changes = requireField(input.LaunchTemplateData, "LaunchTemplateData");
    return this.#tokens.once(input.ClientToken, input, () => {
      const template = this.#find(input);
      const base = input.SourceVersion === undefined ? {} : findVersion(template, input.SourceVersion).data;
      checkUserData(changes.UserData);
      template.latestVersion++;
      const version = {
        number: template.latestVersion,
        description: input.VersionDescription,
        createdAt: this.#clock.now(),
        data: structuredClone({ ...base, ...changes }),
      };
      template.versions.set(version.number, version);
      return { LaunchTemplateVersion: view(template, version) };
    });
  }

  /** Newest first, as EC2 lists them. */
  describe(input: DescribeLaunchTemplateVersionsCommandInput): DescribeLaunchTemplateVersionsResult {
    refuseFields("DescribeLaunchTemplateVersions", input, "DryRun", "Filters", "ResolveAlias");
    if (input.LaunchTemplateId === undefined && input.LaunchTemplateName === undefined) {
      throw new NotModelled("DescribeLaunchTemplateVersions over all templates");
    }
    const template = this.#find(input);
    const size = input.MaxResults ?? PAGE;
    if (size < 1 || size > PAGE) throw ec2Error("InvalidParameterValue", `MaxResults must be 1 to ${PAGE}`);
    const below = input.NextToken === undefined ? Number.POSITIVE_INFINITY : readPageToken(input.NextToken);
    const wanted = input.Versions?.map((each) => findVersion(template, each).number);
    const found = [...template.versions.values()]
      .filter(({ number }) => number < below && (wanted === undefined || wanted.includes(number)))
      .filter(({ number }) => number >= Number(input.MinVersion ?? 1))
      .filter(({ number }) => number <= Number(input.MaxVersion ?? Number.POSITIVE_INFINITY))
      .sort((a, b) => b.number - a.number);
    const page = found.slice(0, size);
    const last = page.at(-1);
    return {
      LaunchTemplateVersions: page.map((version) => view(template, version)),
      ...(found.length > size && last !== undefined ? { NextToken: writePageToken(last.number) } : {}),
    };
  }

  /** Each version by itself: what cannot be deleted is in the answer, not an error. */
  deleteVersions(input: DeleteLaunchTemplateVersionsCommandInput): DeleteLaunchTemplateVersionsResult {
    refuseFields("DeleteLaunchTemplateVersions", input, "DryRun");
    const template = this.#find(input);
    const names = requireField(input.Versions, "LaunchTemplateVersion");
    if (names.length > PAGE) throw ec2Error("InvalidParameterValue", `no more than ${PAGE} versions in one call`);
    const deleted: DeleteLaunchTemplateVersionsResponseSuccessItem[] = [];
    const kept: DeleteLaunchTemplateVersionsResponseErrorItem[] = [];
    for (const name of names) {
      const number = Number(name);
      const item = { LaunchTemplateId: template.id, LaunchTemplateName: template.name, VersionNumber: number };
      if (number === template.defaultVersion) {
        const Message = "The default version of a launch template cannot be deleted.";
        const ResponseError = { Code: "unexpectedError" as const, Message };
        kept.push({ ...item, ResponseError });
      } else if (template.versions.delete(number)) {
        deleted.push(item);
      } else {
        const Message = `Version ${name} does not exist.`;
        const ResponseError = { Code: "launchTemplateVersionDoesNotExist" as const, Message };
        kept.push({ ...item, ResponseError });
      }
    }
    return { SuccessfullyDeletedLaunchTemplateVersions: deleted, UnsuccessfullyDeletedLaunchTemplateVersions: kept };
  }

  resolve(name: TemplateName, version: string): ResolvedTemplate {
    const template = this.#find(name);
    const { number, data } = findVersion(template, version);
    return { id: template.id, name: template.name, version: number, data };
  }

  #find({ LaunchTemplateId, LaunchTemplateName }: TemplateName): Template {
    if ((LaunchTemplateId === undefined) === (LaunchTemplateName === undefined)) {
      throw ec2Error("MissingParameter", "Name the launch template by its id or by its name, not both");
    }
    if (LaunchTemplateId !== undefined) {
      const template = this.#templates.get(LaunchTemplateId);
      if (template !== undefined) return template;
      throw ec2Error("InvalidLaunchTemplateId.NotFound", `The launch template ${LaunchTemplateId} does not exist`);
    }
    const template = [...this.#templates.values()].find(({ name }) => name === LaunchTemplateName);
    if (template !== undefined) return template;
    throw ec2Error(
      "InvalidLaunchTemplateName.NotFoundException",
      `The launch template ${LaunchTemplateName} does not exist`,
    );
  }
}

function findVersion(template: Template, name: string): Version {
  const number =
    name === "$Latest"
      ? Math.max(...template.versions.keys())
      : name === "$Default"
        ? template.defaultVersion
        : Number(name);
  const version = template.versions.get(number);
  if (version !== undefined) return version;
  throw ec2Error(
    "InvalidLaunchTemplateId.VersionNotFound",
    `Could not find the launch template version ${name} of ${template.id}`,
  );
}

function view(template: Template, version: Version): LaunchTemplateVersion {
  return {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    VersionNumber: version.number,
    ...(version.description === undefined ? {} : { VersionDescription: version.description }),
    CreateTime: new Date(version.createdAt * 1000),
    DefaultVersion: version.number === template.defaultVersion,
    LaunchTemplateData: answeredData(version.data),
  };
}

/** The fields whose form is the same in requests and answers. */
function answeredData(data: RequestLaunchTemplateData): ResponseLaunchTemplateData {
  const { ImageId, InstanceType, KeyName, UserData, SecurityGroupIds, IamInstanceProfile, TagSpecifications } = data;
  const { InstanceInitiatedShutdownBehavior, EbsOptimized, DisableApiTermination } = data;
  return structuredClone({
    ImageId,
    InstanceType,
    KeyName,
    UserData,
    SecurityGroupIds,
    IamInstanceProfile,
    TagSpecifications,
    InstanceInitiatedShutdownBehavior,
    EbsOptimized,
    DisableApiTermination,
  });
}

/** Shared with CreateFleet, whose template specification may carry user data too. */
export function checkUserData(userData: string | undefined): void {
  if (userData === undefined) return;
  const bytes = Buffer.from(userData, "base64");
  if (bytes.toString("base64").replace(/=+$/, "") !== userData.replace(/=+$/, "")) {
    throw ec2Error("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data");
  }
  if (bytes.length > USER_DATA_BYTES) {
    throw ec2Error("InvalidParameterValue", `User data is limited to ${USER_DATA_BYTES} bytes, it has ${bytes.length}`);
  }
}
