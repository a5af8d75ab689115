// S3's errors as the SDK throws them.

import { NoSuchKey, S3ServiceException } from "@aws-sdk/client-s3";

const HTTP_STATUS: Readonly<Record<string, number>> = {
  PreconditionFailed: 412,
  ConditionalRequestConflict: 409,
  AccessDenied: 403,
  SlowDown: 503,
  InternalError: 500,
  NotImplemented: 501,
};

export function noSuchKey(key: string | undefined): NoSuchKey {
  return new NoSuchKey({ message: `The specified key does not exist: ${key}`, $metadata: { httpStatusCode: 404 } });
}

export function preconditionFailed(): S3ServiceException {
  return s3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
}

export function s3Error(code: string, message: string): S3ServiceException {
  const httpStatusCode = HTTP_STATUS[code] ?? 400;
  return new S3ServiceException({
    name: code,
    message,
    $fault: httpStatusCode >= 500 ? "server" : "client",
    $metadata: { httpStatusCode },
  });
}
