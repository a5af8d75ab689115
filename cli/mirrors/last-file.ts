// `--last FILE`: what an earlier `toji mirrors check --json` printed, so that this one can see what went back or changed.

import * as z from "zod";
import { type Accepted, acceptedSchema } from "../../shared/mirrors/look.ts";
import { readInput, UsageError } from "../io.ts";

const metadata = z.object({ revision: z.string(), timestamp: z.number(), repomdSha256: z.string() });

const lastSchema = z.array(
  z.object({
    url: z.string(),
    arch: z.string(),
    verdict: z.string(),
    metadata: metadata.nullable(),
    accepted: acceptedSchema.nullable().optional(),
  }),
);

export interface LastLooked {
  readonly url: string;
  readonly arch: string;
  /** null = nothing of it was ever accepted. */
  readonly accepted: Accepted | null;
}

/** An entry without `accepted` counts with its metadata if its verdict was one that accepts. */
export function readLast(file: string): readonly LastLooked[] {
  const text = readInput(file);
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--last ${file}: it is no JSON; give what \`toji mirrors check --json\` printed`, {
      cause: error,
    });
  }
  const checked = lastSchema.safeParse(read);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const place = issue?.path.join(".") ?? "";
    throw new UsageError(
      `--last ${file}: ${place} ${issue?.message}; give what \`toji mirrors check --json\` printed`.replace(
        ":  ",
        ": ",
      ),
    );
  }
  return checked.data.map(({ url, arch, verdict, metadata: seen, accepted }) => ({
    url,
    arch,
    accepted: accepted !== undefined ? accepted : verdict === "ok" || verdict === "lagging" ? bare(seen) : null,
  }));
}

function bare(seen: z.infer<typeof metadata> | null): Accepted | null {
  if (seen === null) return null;
  return { ...seen, at: seen.timestamp, packages: null, index: null, sample: [], verifiedAt: null, vouched: [] };
}
