// EC2's errors as the SDK throws them, and the model's own refusal to guess.

import { EC2ServiceException } from "@aws-sdk/client-ec2";

/** `code` as in EC2's list of error codes; it becomes the error's `name`. */
export function ec2Error(code: string, message: string): EC2ServiceException {
  const serverSide = code === "RequestLimitExceeded" || code === "InternalError" || code === "Unavailable";
  return new EC2ServiceException({
    name: code,
    message,
    $fault: serverSide ? "server" : "client",
    $metadata: { httpStatusCode: code === "InternalError" ? 500 : serverSide ? 503 : 400 },
  });
}

/** Asked for something real EC2 does and this model does not: never answered by a guess. */
export class NotModelled extends Error {
  override readonly name = "NotModelled";
  readonly retryable = false;
  constructor(what: string) {
    super(`the EC2 model does not know ${what}: add it to sandbox/world/ec2, or do without`);
  }
}

/** Refuses input fields that would change the answer if they were modelled. */
export function refuseFields<T extends object>(operation: string, input: T, ...fields: (keyof T & string)[]): void {
  const used = fields.find((field) => input[field] !== undefined);
  if (used !== undefined) throw new NotModelled(`${operation} ${used}`);
}

export function requireField<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw ec2Error("MissingParameter", `The request must contain the parameter ${name}`);
  return value;
}
