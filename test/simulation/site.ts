// The site document of one simulated site, drawn from a seed: small, so that limits are met often.

import type * as z from "zod";
import type { Random } from "../../sandbox/world/random.ts";
import { type Site, siteSchema } from "../../shared/config/index.ts";
import { chance, whole } from "./draw.ts";

type SiteInput = z.input<typeof siteSchema>;
type ProfileInput = SiteInput["builders"]["profiles"][number];

export const PARAMETER = { client: "/toji/hub/client", builderCa: "/toji/builders/ca" } as const;
/** The user that Toji's login certificate names. */
export const TOJI_USER = "toji";
/** Stands for a real one: no TLS is spoken, and the wire knows whose it is. */
export const LOGIN_CERTIFICATE = [
  "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----",
  "-----BEGIN PRIVATE KEY-----\nsimulated\n-----END PRIVATE KEY-----",
].join("\n");

/** Waiting parents count against it: below what a scenario can submit at once, builds could block each other for good. */
const MAX_JOBS = 90;

const SUBNETS = [
  { id: "subnet-0a", zone: "us-east-1a" },
  { id: "subnet-0b", zone: "us-east-1b" },
];

export function drawSite(random: Random): Site {
  const profiles = drawProfiles(random);
  const floor = profiles.reduce((sum, { min = 0 }) => sum + min, 0);
  const slots = profiles.reduce((sum, { slots: { count } }) => sum + count, 0);
  const tight = chance(random, 0.45);
  const ahead = random.fork("forecast");
  // Parents wait on one profile's builders for children that another profile serves: if those parents can take the
  // whole budget, nobody ever moves. So each profile always has room for one.
  const fewest = slots - Math.min(...profiles.map(({ slots: { count } }) => count)) + 1;
  const instances = tight ? Math.max(floor, whole(random, fewest, Math.max(fewest, slots - 1))) : 20;
  return siteSchema.parse({
    hub: {
      url: "https://hub.test/kojihub",
      topUrl: "https://hub.test/kojifiles",
      clientCertificateParameter: PARAMETER.client,
      admin: chance(random, 0.4),
      timeoutSeconds: 20,
      options: { runInterval: random.pick([60, 60, 15]) },
    },
    builders: {
      forecast: chance(ahead, 0.5),
      waitValuePerHour: ahead.pick([0, 1, 5, 25]),
      // Six times the passes of calm: seldom.
      watchAtRest: chance(ahead, 0.1),
      identityCaParameter: PARAMETER.builderCa,
      identityHours: random.pick([24, 24, 6]),
      subnets: SUBNETS,
      budget: {
        maxInstances: instances,
        // Room for every floor, whatever type it is served by.
        maxVcpus: tight ? Math.max(8 * Math.max(1, floor), 4 * instances) : 256,
        dollarsPerHour: tight ? Math.max(0.5 * Math.max(1, floor), 0.25 * instances) : 20,
      },
      holdSeconds: leaveOut(chance(ahead, 0.5), whole(random, 60, 300)),
      bootSeconds: whole(random, 100, 200),
      bootLimitSeconds: whole(random, 500, 900),
      failedOfferingSeconds: 180,
      profiles,
    },
  });
}

const leaveOut = <T>(isLeftOut: boolean, value: T): T | undefined => (isLeftOut ? undefined : value);

function drawProfiles(random: Random): ProfileInput[] {
  const x86 = profile(
    random,
    "x86",
    ["default", "createrepo"],
    "x86_64",
    random.pick([["m7a.large"], ["m7a.xlarge", "m6a.xlarge"]]),
  );
  const arm = profile(random, "arm", ["default"], "aarch64", ["m7g.large", "c7g.xlarge"]);
  const image = profile(random, "image", ["livemedia"], "x86_64", ["c6a.xlarge"]);
  return [x86, ...(chance(random, 0.5) ? [arm] : []), ...(chance(random, 0.35) ? [image] : [])];
}

function profile(
  random: Random,
  name: string,
  channels: string[],
  arch: string,
  types: readonly string[],
): ProfileInput {
  const count = whole(random, 2, 6);
  const markets = random.pick([["spot", "on-demand"], ["spot", "on-demand"], ["on-demand"], ["spot"]] as const);
  return {
    name,
    channels,
    arches: [arch],
    capacity: whole(random, 3, 6),
    maxJobs: MAX_JOBS,
    slots: { prefix: `b-${name}`, count },
    min: chance(random, 0.35) ? 1 : 0,
    ...(chance(random, 0.3) ? { max: Math.max(1, count - 1) } : {}),
    offerings: types.map((instanceType) => ({ instanceType, markets: [...markets] })),
    imageId: "ami-0a",
  };
}
