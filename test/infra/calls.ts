// The calls to AWS that are in a function's bundle, as IAM spells them.

import { bundle } from "../../infra/bundle.ts";
import { REPOSITORY } from "./project.ts";

/** The action that a service asks for where it is not called like the command. */
const ACTION: Readonly<Record<string, string>> = { "s3:ListObjectsV2": "s3:ListBucket" };

/** What S3's own client carries for directory buckets, and never sends to another. */
const NEVER_SENT = "s3:CreateSession";

export async function callsOfTheCode(entry: string): Promise<string[]> {
  const { sources } = await bundle({ root: REPOSITORY, entry });
  const commands = sources.flatMap((path) => {
    const [, service, name] = /@aws-sdk\/client-(\w+)\/dist-es\/commands\/(\w+)Command\.js$/.exec(path) ?? [];
    return service === undefined ? [] : [`${IAM_NAME[service] ?? service}:${name}`];
  });
  return commands.filter((each) => each !== NEVER_SENT).map((each) => ACTION[each] ?? each);
}

const IAM_NAME: Readonly<Record<string, string>> = { sfn: "states" };
