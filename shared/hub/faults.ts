// What can go wrong between Toji and the hub: a few classes, one sentence each, the facts as fields.

const KINDS: { readonly [code: number]: { readonly kind: string; readonly advice?: string } } = {
  // Codes and classes: koji/__init__.py. Code 1 is any Python exception that is not Koji's; its text is not for parsing.
  1: { kind: "PythonException", advice: "look into the hub's error log" },
  1000: { kind: "GenericError" },
  1001: { kind: "LockError", advice: "try again" },
  1002: { kind: "AuthError", advice: "check the certificate and the user that it names" },
  1003: { kind: "TagError" },
  1004: { kind: "ActionNotAllowed", advice: "give the user the permission" },
  1005: { kind: "BuildError" },
  1006: { kind: "AuthLockError", advice: "end the user's exclusive session, or log in as another user" },
  1007: { kind: "AuthExpired", advice: "log in again" },
  1008: { kind: "SequenceError", advice: "log in again" },
  1009: { kind: "RetryError", advice: "do not repeat the call, it was done" },
  1010: { kind: "PreBuildError" },
  1011: { kind: "PostBuildError" },
  1012: { kind: "BuildrootError" },
  1013: { kind: "FunctionDeprecated" },
  1014: { kind: "ServerOffline", advice: "wait until the hub is back" },
  1015: { kind: "LiveCDError" },
  1016: { kind: "PluginError" },
  1017: { kind: "CallbackError" },
  1018: { kind: "ApplianceError" },
  1019: { kind: "ParameterError", advice: "check that the hub's version has this call and these arguments" },
  1020: { kind: "ImportError" },
  1021: { kind: "ConfigurationError", advice: "check hub.conf" },
  1022: { kind: "LiveMediaError" },
  1023: { kind: "GSSAPIAuthError", advice: "check the Kerberos credentials" },
  1024: { kind: "NameValidationError" },
};
const AUTH_CODES = new Set([1002, 1006, 1007, 1008, 1009, 1023]);
const RETRYABLE_CODES = new Set([1001, 1014]);
const LONGEST_QUOTE = 300;

/** The hub answered, and refused. `kind` is Koji's class name, `UnknownFault` for a code that Koji did not have. */
export class HubFault extends Error {
  override readonly name: string = "HubFault";
  readonly code: number;
  readonly kind: string;
  readonly faultString: string;
  readonly method: string | null;
  /** Whether the same call may succeed later without anyone doing anything. */
  readonly retryable: boolean;

  constructor(code: number, faultString: string, method?: string, sentence?: string) {
    const { kind, advice } = KINDS[code] ?? { kind: "UnknownFault" };
    const refused = `The hub refused ${method ?? "the call"}: ${quote(faultString)} (${kind}, fault ${code})`;
    super(sentence ?? `${refused}${advice ? `; ${advice}` : ""}.`);
    this.code = code;
    this.kind = kind;
    this.faultString = faultString;
    this.method = method ?? null;
    this.retryable = RETRYABLE_CODES.has(code);
  }

  /** AuthError and its subclasses (koji/__init__.py). */
  get isAuthError(): boolean {
    return AUTH_CODES.has(this.code);
  }
}

/** Fault 1014: the hub is offline, locked, or without its database. It did nothing. */
export class HubOffline extends HubFault {
  override readonly name = "HubOffline";
  constructor(faultString: string, method?: string) {
    super(1014, faultString, method, `The hub answered "${quote(faultString)}" (fault 1014); wait until it is back.`);
  }
}

/** The hub did not let us in. `again`: the session had ended in mid-run, and this was the fresh login. */
export class HubLoginRefused extends HubFault {
  override readonly name = "HubLoginRefused";
  readonly again: boolean;
  constructor(fault: HubFault, again: boolean) {
    const what = again ? "The session ended in mid-run and the hub refused a fresh login" : "The hub refused the login";
    const sentence = `${what}: ${quote(fault.faultString)} (${fault.kind}, fault ${fault.code}); check the certificate and the user that it names.`;
    super(fault.code, fault.faultString, fault.method ?? "sslLogin", sentence);
    this.cause = fault;
    this.again = again;
  }
}

export function hubFault(code: number, faultString: string, method?: string): HubFault {
  return code === 1014 ? new HubOffline(faultString, method) : new HubFault(code, faultString, method);
}

export type UnreachableReason = "dns" | "refused" | "reset" | "tls" | "certificate" | "timeout" | "network";

const UNREACHABLE_ADVICE: { readonly [reason in UnreachableReason]: string } = {
  dns: "its name does not resolve; check the address",
  refused: "it refuses connections; check that it runs and that the security groups let us through",
  reset: "the connection was cut before the whole answer was there; try again",
  tls: "no TLS connection came about; check the protocol versions and the client certificate",
  certificate: "a certificate was not accepted; check the hub's certificate, its CA and ours",
  timeout: "it did not answer in time; try again or raise the timeout",
  network: "there is no way to it; check the network",
};

/** No answer at all, or not the whole of one. What was asked may have been done. */
export class HubUnreachable extends Error {
  override readonly name: string = "HubUnreachable";
  readonly reason: UnreachableReason;
  readonly url: string;
  readonly retryable: boolean;
  constructor(url: string, reason: UnreachableReason, detail: string, options: { cause?: unknown } = {}) {
    super(`The hub at ${url} cannot be reached: ${UNREACHABLE_ADVICE[reason]} (${quote(detail)}).`, options);
    this.reason = reason;
    this.url = url;
    // A certificate is as wrong the next time; Koji's own client never repeats these either.
    this.retryable = reason !== "certificate";
  }
}

/** An answer came, but not one of the hub: a web server's page, a cut or foreign document. */
export class HubAnswerUnreadable extends Error {
  override readonly name = "HubAnswerUnreadable";
  readonly status: number;
  /** The start of the answer's text without its tags; empty for XML-RPC, where a session key may stand. */
  readonly excerpt: string;
  readonly retryable: boolean;
  constructor(
    sentence: string,
    fields: {
      readonly status: number;
      readonly retryable: boolean;
      readonly excerpt?: string;
      readonly cause?: unknown;
    },
  ) {
    super(sentence, { cause: fields.cause });
    this.status = fields.status;
    this.retryable = fields.retryable;
    this.excerpt = fields.excerpt ?? "";
  }
}

/** The reply to an earlier try was lost and then answered with fault 1009: the write was done, once; its value is gone. */
export class HubWriteAlreadyDone extends Error {
  override readonly name = "HubWriteAlreadyDone";
  readonly method: string;
  readonly retryable = false;
  constructor(method: string) {
    super(`${method} was done, but its reply was lost; read the state from the hub in place of repeating the call.`);
    this.method = method;
  }
}

/** A write went out, and nothing after it told whether the hub did it. Look at the hub before it is sent again. */
export class HubOutcomeUnknown extends Error {
  override readonly name = "HubOutcomeUnknown";
  readonly method: string;
  readonly retryable = false;
  constructor(method: string, cause: Error) {
    super(`Whether the hub did ${method} is not known, for its reply was lost; look before it is sent again.`, {
      cause,
    });
    this.method = method;
  }
}

/** One line, and not a whole traceback: of that the last line is the one that says what happened. */
function quote(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const line = (/^Traceback/.test(text.trim()) ? lines.at(-1) : lines.join(" ")) ?? "";
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}
