// Step Functions' errors as the SDK throws them.

import { SFNServiceException } from "@aws-sdk/client-sfn";

const SERVER_ERRORS: ReadonlySet<string> = new Set(["InternalServerError", "ServiceUnavailable"]);

export function sfnError(code: string, message: string): SFNServiceException {
  const isServer = SERVER_ERRORS.has(code);
  return new SFNServiceException({
    name: code,
    message,
    $fault: isServer ? "server" : "client",
    $metadata: { httpStatusCode: isServer ? 500 : 400 },
  });
}
