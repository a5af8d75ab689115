// A site document with one section to test: the others have no more than what has no default.

import { stringify } from "yaml";
import { ConfigError, parseSite, type Site } from "../../shared/config/index.ts";

const LEAST = {
  hub: { url: "https://koji.test/kojihub", topUrl: "https://koji.test/kojifiles" },
  builders: {
    subnets: [{ id: "subnet-0a", zone: "us-east-1a" }],
    profiles: [
      {
        name: "x86",
        channels: ["default"],
        arches: ["x86_64"],
        capacity: 6,
        slots: { prefix: "builder-x86", count: 2 },
        imageId: "ami-0a",
        offerings: [{ instanceType: "m7a.large" }],
      },
    ],
  },
};

export const siteWith = (section: Record<string, unknown>): Site =>
  parseSite(stringify({ ...LEAST, ...section }), "toji.yml");

/** What is wrong with it, each as a path and a sentence. */
export function problemsWith(section: Record<string, unknown>): readonly string[] {
  try {
    siteWith(section);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
