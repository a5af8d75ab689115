// What an offering costs and how many vCPUs it has: from the config, else from the dated price table in this folder.

import table from "./prices-us-east-1.json" with { type: "json" };

const ON_DEMAND: Readonly<Record<string, number>> = table.onDemand;

/** Date and region of the table, for every place that shows a figure taken from it. */
export const PRICE_TABLE = { asOf: table.asOf, region: table.region } as const;

/** Dollars per instance-hour, Linux on demand; undefined = not in the table. */
export function onDemandPrice(instanceType: string): number | undefined {
  return ON_DEMAND[instanceType];
}

/**
 * vCPUs from the size in the name: large 2, xlarge 4, Nxlarge 4N; medium 1, but 2 in the burstable families, as are
 * their smaller sizes from t3 on. undefined = not readable (metal).
 */
export function vcpusOf(instanceType: string): number | undefined {
  const [family = "", size = ""] = instanceType.split(".");
  if (size === "medium") return family.startsWith("t") ? 2 : 1;
  if (/^t[34]/.test(family) && ["nano", "micro", "small"].includes(size)) return 2;
  if (size === "large") return 2;
  const xlarge = /^(\d*)xlarge$/.exec(size);
  if (xlarge === null) return undefined;
  return 4 * (xlarge[1] === "" ? 1 : Number(xlarge[1]));
}
