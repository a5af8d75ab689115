// The `mirrors` section of the site document: which external repos are checked, what proves them, and what may be done.

import * as z from "zod";

const httpUrl = z.url({ protocol: /^https?$/, error: "write an http or https address" });

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "write the sha256 of a repomd.xml: 64 hexadecimal digits");

const host = z
  .string()
  .regex(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?$/, 'write a host name, or ".example.org" for all hosts below it');

const armoredKey = z
  .string()
  .includes("-----BEGIN PGP PUBLIC KEY BLOCK-----", "paste an armored OpenPGP public key")
  .refine((text) => !text.includes("PRIVATE KEY"), "this is a private key: take it back and paste the public one");

const certificates = z.string().includes("-----BEGIN CERTIFICATE-----", "paste PEM certificates");

const trust = z
  .strictObject({
    keys: z.array(armoredKey).default([]).describe("Armored public keys: repomd.xml.asc must be by one of them"),
    metalink: httpUrl.optional().describe("Upstream's metalink of the same repository; $arch is replaced"),
    reference: httpUrl.optional().describe("Upstream's own copy of the same repository; $arch is replaced"),
  })
  .refine(({ metalink, reference }) => metalink === undefined || reference === undefined, {
    message: "give metalink or reference, not both: one of them says what is newest",
  });

const percent = z.number().min(0).max(100);

const limits = {
  lagHours: z.number().positive(),
  maxPackageDropPercent: percent,
  redirectHosts: z.array(host),
};

const repo = z.strictObject({
  name: z.string().min(1).describe("The external repo's name on the hub"),
  trust: trust.prefault({}).describe("What proves the metadata; each that is given must hold"),
  lagHours: limits.lagHours.optional().describe("Default: that of all repos; so below"),
  maxPackageDropPercent: limits.maxPackageDropPercent.optional(),
  redirectHosts: limits.redirectHosts.optional(),
  onlyNewest: z.boolean().default(false).describe("A metalink's older alternates do not count (an emergency upstream)"),
  accepted: z
    .array(sha256)
    .default([])
    .describe(
      "sha256 of repomd.xml that you have looked at: accepted although older, smaller or with changed packages",
    ),
  candidates: z
    .array(httpUrl)
    .default([])
    .describe("Other addresses of the same repository, best first; $arch as the hub has it"),
  failover: z.boolean().default(false).describe("Toji may switch to a candidate by itself; needs hub.admin"),
  ignore: z.boolean().default(false).describe("Not checked at all"),
});

export const mirrorsSchema = z
  .strictObject({
    lagHours: limits.lagHours.default(48).describe("A mirror may be so far behind its metalink or reference"),
    alternateDays: z.number().positive().max(30).default(5).describe("How old an alternate of a metalink may be"),
    maxPackageDropPercent: limits.maxPackageDropPercent
      .default(20)
      .describe("Metadata that lists fewer packages than before by more is not accepted"),
    redirectHosts: limits.redirectHosts
      .default([])
      .describe("Hosts besides a URL's own where a redirect may end; a name, or .example.org for all below it"),
    certificateWarningDays: z.number().min(0).default(14).describe("Told when a server's certificate ends sooner"),
    ca: certificates.optional().describe("PEM of further CAs, for mirrors of your own"),
    metadataHours: z
      .number()
      .min(0)
      .default(24)
      .describe("Records that were read in full and did not change since are read again after so long; 0 = each time"),
    budgetSeconds: z.number().min(10).max(840).default(300).describe("A look at one repository takes no longer"),
    sampling: z
      .strictObject({
        heads: z.number().int().min(0).max(1000).default(20).describe("rpms whose size is asked for at each look"),
        reads: z.number().int().min(0).max(20).default(1).describe("rpms that are read in full when metadata changed"),
        readMaxMiB: z.number().positive().default(50).describe("None that is larger"),
        live: z
          .number()
          .int()
          .min(0)
          .default(500)
          .describe(
            "rpms that READY repos refer to and the metadata still lists: so many are asked for at each look, in turn; those it no longer lists are all asked for",
          ),
      })
      .prefault({}),
    failover: z
      .strictObject({
        badInARow: z.number().int().min(1).default(3).describe("Looks that find a repo unfit before it is left"),
        goodInARow: z.number().int().min(1).default(3).describe("Looks that find a candidate fit before it is taken"),
        periodHours: z.number().positive().default(24).describe("One switch of a repo in so long"),
        readyMinutes: z
          .number()
          .positive()
          .max(1440)
          .default(120)
          .describe("Build tags that have no new READY repo by then: the switch is taken back"),
      })
      .prefault({}),
    repos: z.array(repo).default([]),
  })
  .superRefine(({ repos }, context) => {
    repos.forEach(({ name, candidates, failover }, index) => {
      const issue = (key: string, message: string) =>
        context.addIssue({ code: "custom", path: ["repos", index, key], message });
      if (repos.findIndex((other) => other.name === name) !== index) issue("name", `"${name}" is described twice`);
      if (failover && candidates.length === 0) issue("failover", "there is no candidate to switch to: name one");
    });
  });

export type MirrorsConfig = z.infer<typeof mirrorsSchema>;
