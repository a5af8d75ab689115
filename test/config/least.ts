// The least that a site document says, other sections in it, and what is wrong with that.

import { stringify } from "yaml";
import { ConfigError, parseSite, type Site } from "../../shared/config/index.ts";

export const PROFILE = {
  name: "x86",
  channels: ["default"],
  arches: ["x86_64"],
  capacity: 6,
  slots: { prefix: "builder-x86", count: 2 },
  imageId: "ami-0a",
  offerings: [{ instanceType: "m7a.large" }],
};

/** Only what has no default. */
export const LEAST = {
  hub: { url: "https://koji.test/kojihub", topUrl: "https://koji.test/kojifiles" },
  builders: { subnets: [{ id: "subnet-0a", zone: "us-east-1a" }], profiles: [PROFILE] },
};

/** `sections` are added, or stand in place of those with the same name. */
const documentWith = (sections: object): string =>
  stringify({ ...LEAST, ...sections }, { aliasDuplicateObjects: false });

export const siteWith = (sections: object): Site => parseSite(documentWith(sections), "toji.yml");

/** What is wrong with a document, each as a path and a sentence. */
export function problemsOf(text: string): readonly string[] {
  try {
    parseSite(text, "toji.yml");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

export const problemsWith = (sections: object): readonly string[] => problemsOf(documentWith(sections));
