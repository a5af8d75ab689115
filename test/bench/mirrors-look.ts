// One look at one address, as the deployed function's code looks: what the bench of mirrors bundles and measures.

import { mirrorsSchema } from "../../shared/config/index.ts";
import { gather, judge, lookSettings, openFetcher, rulesOf } from "../../shared/mirrors/index.ts";

const mirrors = mirrorsSchema.parse({});
const rules = rulesOf(mirrors, null);
const fetcher = openFetcher();
const now = Date.now() / 1000;
const evidence = await gather(
  fetcher,
  {
    url: process.argv[2] ?? "",
    arch: "x86_64",
    depth: "metadata",
    trust: rules.trust,
    last: null,
    live: null,
    settings: lookSettings({ ...mirrors, metadataHours: 0 }),
    turn: 0,
  },
  now,
);
const { verdict, checks, accepted } = judge(evidence, null, rules, now);
await fetcher.close();
process.stdout.write(JSON.stringify([{ verdict, checks, accepted }]));
