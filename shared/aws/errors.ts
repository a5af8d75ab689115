// AWS errors as one small family: what failed, AWS's own code, and whether the same call may work later.

/** EC2 and S3 names for "slow down" and "try again". Source: EC2 API error codes. */
const RETRYABLE: ReadonlySet<string> = new Set([
  "RequestLimitExceeded",
  "Throttling",
  "ThrottlingException",
  "SlowDown",
  "InternalError",
  "InternalFailure",
  "ServiceUnavailable",
  "Unavailable",
  "TimeoutError",
  "RequestTimeout",
]);

export class AwsCallFailed extends Error {
  override readonly name = "AwsCallFailed";
  readonly operation: string;
  readonly code: string;
  readonly retryable: boolean;
  constructor(operation: string, cause: unknown) {
    const code = errorName(cause);
    const text = cause instanceof Error ? cause.message : String(cause);
    super(`${operation} failed (${code}): ${text}`, { cause });
    this.operation = operation;
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}

export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "Unknown";
}

/** Runs one SDK call; whatever it throws comes out as AwsCallFailed. */
export async function attempt<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof AwsCallFailed ? error : new AwsCallFailed(operation, error);
  }
}
