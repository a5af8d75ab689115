// What is in a function's bundle: its sources, and the calls to AWS as IAM spells them.

import { builtProject } from "./built.ts";

/** The action that a service asks for where it is not called like the command. */
const ACTION: Readonly<Record<string, string>> = { "s3:ListObjectsV2": "s3:ListBucket" };

/** What S3's own client carries for directory buckets, and never sends to another. */
const NEVER_SENT = "s3:CreateSession";

/** Files of which something is in the bundle, relative to the repository. */
export async function sourcesOfTheCode(entry: string): Promise<readonly string[]> {
  const found = (await builtProject()).built.find((each) => each.entry === entry);
  if (found === undefined) throw new Error(`no function is built from ${entry}`);
  return found.sources;
}

export async function callsOfTheCode(entry: string): Promise<string[]> {
  const commands = (await sourcesOfTheCode(entry)).flatMap((path) => {
    const [, service, name] = /@aws-sdk\/client-(\w+)\/dist-es\/commands\/(\w+)Command\.js$/.exec(path) ?? [];
    return service === undefined ? [] : [`${IAM_NAME[service] ?? service}:${name}`];
  });
  return commands.filter((each) => each !== NEVER_SENT).map((each) => ACTION[each] ?? each);
}

const IAM_NAME: Readonly<Record<string, string>> = { sfn: "states" };
