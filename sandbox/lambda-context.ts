// What Lambda hands a handler besides the event.

import type { Context } from "aws-lambda";

export function lambdaContext(awsRequestId: string): Context {
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: "fleet",
    functionVersion: "$LATEST",
    invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:fleet",
    memoryLimitInMB: "512",
    awsRequestId,
    logGroupName: "/toji/fleet",
    logStreamName: "sandbox",
    getRemainingTimeInMillis: () => 90_000,
    done() {},
    fail() {},
    succeed() {},
  };
}
