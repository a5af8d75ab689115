// Why a switch stops. By these names statemachines/mirror-switch.asl.yaml knows what is not tried again.

/** The request, the mirror or the site does not allow it: the hub has not been touched. */
export class SwitchRefused extends Error {
  override readonly name = "SwitchRefused";
  readonly retryable = false;
}

/** The hub's login lacks the permission; the sentence holds what an administrator types. */
export class SwitchNotPermitted extends Error {
  override readonly name = "SwitchNotPermitted";
  readonly retryable = false;
}

/** Somebody else has changed the repo, or another switch of it has begun: nothing more is done to it. */
export class SwitchOvertaken extends Error {
  override readonly name = "SwitchOvertaken";
  readonly retryable = false;
}

/** The hub made no new repos in time, or they are not what they should be: forward, the machine goes back. */
export class SwitchStuck extends Error {
  override readonly name = "SwitchStuck";
  readonly retryable = false;
}
