// How looks at mirrors are written for persons: a line for the verdict, one for each check.

import type { Evidence, Judgement } from "../../shared/mirrors/index.ts";
import { bytesText, millisecondsText } from "../backup/words.ts";
import { oneLine, plural, timeText } from "../fleet/words.ts";

export function lookLines(evidence: Evidence, { verdict, checks, metadata }: Judgement): string[] {
  const { url, arch, packages, requests, bytes, milliseconds } = evidence;
  const seen =
    metadata === null
      ? []
      : [
          `revision ${metadata.revision || "none"}`,
          timeText(metadata.timestamp),
          `repomd ${metadata.repomdSha256.slice(0, 12)}`,
        ];
  const counted = packages === null ? [] : [plural(packages.count, "package")];
  const cost = `${plural(requests, "request")}, ${bytesText(bytes)}, ${millisecondsText(milliseconds)}`;
  const width = Math.max(...checks.map(({ name }) => name.length));
  return [
    `${verdict}: ${oneLine(url)} (${arch})`,
    `  ${[...seen, ...counted, cost].join(", ")}`,
    ...checks.map(({ name, ok, detail }) => `  ${ok ? "ok    " : "NOT OK"}  ${name.padEnd(width)}  ${oneLine(detail)}`),
  ];
}
