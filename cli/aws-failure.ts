// What AWS refused, as one sentence that says what to do.

import { AwsCallFailed } from "../shared/aws/errors.ts";
import { StoreConflict } from "../shared/aws/store.ts";

/** Where the call went, as far as the command was told. */
export interface AwsPlace {
  readonly bucket: string | null;
  readonly region: string | null;
  readonly endpoint: string | null;
}

const PERMISSIONS: Readonly<Record<string, string>> = {
  GetObject: "s3:GetObject on its fleet/* and backup/*, and s3:ListBucket on it",
  PutObject: "s3:PutObject on its fleet/*",
  DescribeInstances: "ec2:DescribeInstances",
  CreateTags: "ec2:CreateTags on the fleet's instances",
  DeleteTags: "ec2:DeleteTags on the fleet's instances",
};

/** null = not AWS's doing. */
export function awsSentence(error: unknown, place: AwsPlace): string | null {
  if (error instanceof StoreConflict) return `others keep changing ${error.key}: try again in a moment`;
  if (!(error instanceof AwsCallFailed)) return null;
  const known = KINDS.find(({ codes }) => namesOf(error).some((name) => codes.test(name)));
  return known?.say(error, place) ?? plainSentence(error);
}

interface Kind {
  readonly codes: RegExp;
  say(error: AwsCallFailed, place: AwsPlace): string;
}

/** By the SDK's and the services' own names. Sources: EC2 and S3 lists of error codes, Node's errno names. */
const KINDS: readonly Kind[] = [
  {
    codes: /^(NoSuchBucket|InvalidBucketName)$/,
    say: (_, { bucket }) =>
      `there is no bucket ${bucket}: give the stack's output BucketName as --bucket, and its account`,
  },
  {
    codes: /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/,
    say: (_, { bucket }) => `bucket ${bucket} is in another region: give the stack's as --region or AWS_REGION`,
  },
  {
    codes: /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|Forbidden|AllAccessDisabled)$/,
    say({ operation }, { bucket }) {
      const needed = PERMISSIONS[operation];
      const where = operation.endsWith("Object") ? ` (bucket ${bucket})` : "";
      return `AWS denies ${operation}${where} to these credentials: ${needed === undefined ? "use others" : `they need ${needed}`}`;
    },
  },
  {
    codes: /^(ExpiredToken|ExpiredTokenException|RequestExpired|TokenRefreshRequired)$/,
    say: () => "the AWS credentials have expired: sign in again (for example `aws sso login`)",
  },
  {
    codes: /^(CredentialsProviderError|TokenProviderError|ProviderError)$/,
    say: (_, { endpoint }) =>
      endpoint === null
        ? "no usable AWS credentials were found: sign in, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        : "no AWS credentials were found: for a sandbox set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to anything",
  },
  {
    codes: /^(InvalidAccessKeyId|SignatureDoesNotMatch|AuthFailure|InvalidClientTokenId|InvalidToken)$/,
    say: ({ code }) => `AWS does not accept these credentials (${code}): check AWS_PROFILE or the access key`,
  },
  {
    codes: /^(RequestTimeTooSkewed)$/,
    say: () => "this machine's clock is wrong, so AWS refuses its signatures: set it",
  },
  {
    codes: /^InvalidInstanceID\.NotFound$/,
    say: () => "EC2 does not know the instance any more: look again with `toji fleet status`",
  },
  {
    codes: /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT|TimeoutError)$/,
    say: (error, { endpoint, region }) => {
      const where = endpoint ?? (region === null ? "AWS" : `AWS in ${region}`);
      const hint = endpoint === null ? "check the network, the proxy and the region's name" : "is the sandbox running?";
      return `${where} cannot be reached (${firstLine(error.message)}): ${hint}`;
    },
  },
];

function plainSentence(error: AwsCallFailed): string {
  if (/region is missing/i.test(error.message)) return "name the region: --region eu-west-1 or AWS_REGION";
  const message = firstLine(error.message);
  return error.retryable ? `${message}; try again in a moment` : message;
}

/** Names and codes along the chain of causes: the network's errors carry theirs in `code`. */
function namesOf(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 5) return [];
  const code = "code" in error && typeof error.code === "string" ? [error.code] : [];
  return [error.name, ...code, ...namesOf(error.cause, depth + 1)];
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}
