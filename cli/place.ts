// Where on AWS a command acts: region, bucket, machine and the address of a sandbox, from options and environment.

import { type ObjectStore, openStore } from "../shared/aws/store.ts";
import type { Clock } from "../shared/clock.ts";
import { UsageError } from "./io.ts";

export interface PlaceArgs {
  readonly bucket?: string | undefined;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly machine?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A person waits for it. */
export const TIMEOUT_SECONDS = 15;

/** A sandbox has a time of its own, which its answers carry as their Date. Without an endpoint: the world's. */
export async function clockAt(endpoint: string | undefined, clock: Clock): Promise<Clock> {
  if (endpoint === undefined) return clock;
  const date = await fetch(requireEndpoint(endpoint), { signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000) }).then(
    ({ headers }) => headers.get("date"),
    // Whoever is not there says so when something is asked of him.
    () => null,
  );
  const ahead = date === null ? 0 : Date.parse(date) / 1000 - clock.now();
  return { now: () => clock.now() + ahead, sleep: (seconds) => clock.sleep(seconds) };
}

export function regionOf({ region, endpoint }: PlaceArgs, env: Environment): string {
  const named = region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (named !== undefined && named !== "") return named;
  // A sandbox has no regions, and signing needs one.
  if (endpoint !== undefined) return "us-east-1";
  throw new UsageError("name the hub's region: --region eu-west-1 or AWS_REGION");
}

export function requireEndpoint(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return endpoint;
  throw new UsageError(`--endpoint ${endpoint}: give an address, for example http://127.0.0.1:4082`);
}

/** null = not named. */
export function bucketOf({ bucket }: PlaceArgs, env: Environment): string | null {
  const named = bucket ?? env.TOJI_BUCKET ?? null;
  if (named === "") throw new UsageError("--bucket: give its name");
  return named;
}

export function storeIn(clients: Parameters<typeof openStore>[0], bucket: string | null): ObjectStore {
  if (bucket !== null) return openStore(clients, bucket);
  throw new UsageError("name Toji's bucket: --bucket NAME or TOJI_BUCKET (output BucketName of the stack)");
}

/** Options for the clients of a command. */
export function clientOptions({ endpoint }: PlaceArgs) {
  return {
    timeoutSeconds: TIMEOUT_SECONDS,
    ...(endpoint === undefined ? {} : { endpoint: requireEndpoint(endpoint) }),
  };
}

export function requireMachineArn(arn: string): string {
  if (/^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:\S+$/.test(arn)) return arn;
  throw new UsageError(
    `${arn} is no state machine: give an ARN like arn:aws:states:eu-west-1:111122223333:stateMachine:NAME`,
  );
}
