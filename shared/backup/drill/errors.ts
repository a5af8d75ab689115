// Why a drill ends without a verdict.

/** The request, or the set, is not one to drill. */
export class DrillRefused extends Error {
  override readonly name = "DrillRefused";
  readonly retryable = false;
}

/** The drill could not be done, or not to its end: that says nothing about the set, which stays what it was. */
export class DrillInconclusive extends Error {
  override readonly name = "DrillInconclusive";
  readonly retryable = false;
}
