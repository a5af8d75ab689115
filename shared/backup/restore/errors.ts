// Why a restore stops: always before anything of the hub's is lost, since no volume is ever deleted.

/** The request, the set or the hub does not allow it. */
export class RestoreRefused extends Error {
  override readonly name = "RestoreRefused";
  readonly retryable = false;
}

/** A step cannot reach what it should, now or ever: the machine swaps back. */
export class RestoreStuck extends Error {
  override readonly name = "RestoreStuck";
  readonly retryable = false;
}
