// What an answer of a mirror means before its body is read, and what to call everything that ends an exchange; pure.

import { errors } from "undici";
import { MirrorTrouble } from "./trouble.ts";
import type { ProblemKind } from "./types.ts";

const MAX_REDIRECTS = 6;

/** As much of what a server or a library says as goes into a detail. */
const MAX_SAID = 200;

/** The slowest that a body may come, measured over windows of so many seconds of waiting for it. */
export interface Slowest {
  readonly bytesPerSecond: number;
  readonly seconds: number;
}

/** A window of waiting. */
export interface Pace {
  readonly waitedMilliseconds: number;
  readonly bytes: number;
}

export const FRESH_PACE: Pace = { waitedMilliseconds: 0, bytes: 0 };

/**
 * The window after `bytes` came for which the reader had waited `waitedMilliseconds`; null = the window is over and was
 * too slow. Time in which the reader did something else is not the server's, and is not to be counted by the caller.
 */
export function keptPace(pace: Pace, waitedMilliseconds: number, bytes: number, slowest: Slowest): Pace | null {
  const now = { waitedMilliseconds: pace.waitedMilliseconds + waitedMilliseconds, bytes: pace.bytes + bytes };
  if (now.waitedMilliseconds < slowest.seconds * 1000) return now;
  return now.bytes * 1000 < slowest.bytesPerSecond * now.waitedMilliseconds ? null : FRESH_PACE;
}

/** An address that may be asked; throws MirrorTrouble "address". The fragment is no part of what is asked. */
export function askableUrl(text: string, base?: URL): URL {
  // Neither the text nor its user and password are repeated: they may be a secret.
  if (!URL.canParse(text, base)) throw new MirrorTrouble("address", "an address that cannot be read");
  const url = new URL(text, base);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new MirrorTrouble("address", `an address that is neither http nor https (${said(url.protocol)})`);
  if (url.username !== "" || url.password !== "")
    throw new MirrorTrouble("address", `an address of ${url.host} with a user and password`);
  url.hash = "";
  return url;
}

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Where a redirect leads. Throws MirrorTrouble: "status" without a Location, "address" for one that cannot be asked. */
export function redirectTarget(from: URL, status: number, location: string | null): URL {
  if (location === null || location === "")
    throw new MirrorTrouble("status", `HTTP ${status} without a Location`, { status });
  return askableUrl(location, from);
}

/**
 * Throws MirrorTrouble for a redirect that is not followed: "downgrade", "redirect-loop". `asked`: all that was asked so
 * far, the redirecting address last. Which host it may lead to is judged elsewhere.
 */
export function refuseRedirect(asked: readonly URL[], to: URL, status: number): void {
  const from = asked.at(-1);
  if (from?.protocol === "https:" && to.protocol === "http:")
    throw new MirrorTrouble("downgrade", `${said(from.href)} leads to ${said(to.href)}`, { status });
  if (asked.some((earlier) => earlier.href === to.href))
    throw new MirrorTrouble("redirect-loop", `a redirect leads back to ${said(to.href)}`, { status });
  if (asked.length > MAX_REDIRECTS)
    throw new MirrorTrouble("redirect-loop", `more than ${MAX_REDIRECTS} redirects`, { status });
}

/**
 * Throws MirrorTrouble "unknown-form" for a content coding, none of which was asked for. Except gzip of a .gz: servers
 * that call a file by both its type and its coding (Apache's AddEncoding x-gzip) send it as it lies there.
 */
export function refuseCoding(coding: string | null, path: string): void {
  const codings = (coding ?? "")
    .toLowerCase()
    .split(",")
    .map((each) => each.trim());
  const real = codings.filter((each) => each !== "" && each !== "identity" && each !== "none");
  if (real.length === 0) return;
  if (real.length === 1 && (real[0] === "gzip" || real[0] === "x-gzip") && path.endsWith(".gz")) return;
  throw new MirrorTrouble("unknown-form", `content-encoding ${said(real.join(", "))}, which was not asked for`);
}

/** As the header says; null = it says nothing, or no number. */
export function declaredLength(header: string | null): number | null {
  return header !== null && /^\d+$/.test(header) ? Number(header) : null;
}

/** Throws MirrorTrouble "too-large". */
export function refuseLength(declared: number | null, maxBytes: number): void {
  if (declared !== null && declared > maxBytes)
    throw new MirrorTrouble("too-large", `${declared} bytes declared, ${maxBytes} allowed`);
}

const KINDS: readonly (readonly [RegExp, ProblemKind])[] = [
  [/^(?:ENOTFOUND|EAI_)/, "dns"],
  [/^ECONNREFUSED$/, "refused"],
  [/TIMEOUT|^ETIMEDOUT$/, "timeout"],
  // OpenSSL's verification results and its alerts about a certificate.
  [/CERT|SELF_SIGNED|ISSUER|UNKNOWN_CA|ALTNAME|HOSTNAME_MISMATCH|^UNABLE_TO_/, "certificate"],
  [/^(?:ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO)/, "tls"],
  [/^UND_ERR_HEADERS_OVERFLOW$/, "too-large"],
  [/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)$/, "reset"],
];

/** What ended an exchange, as a MirrorTrouble; one that is it already stays as it is. */
export function troubleOf(error: unknown): MirrorTrouble {
  if (error instanceof MirrorTrouble) return error;
  // Without the cause, which holds what came.
  if (error instanceof errors.HTTPParserError)
    return new MirrorTrouble("network", `what answers does not speak HTTP (${said(error.message)})`);
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? "network";
  return new MirrorTrouble(kind, messageOf(error, code), { cause: error });
}

function messageOf(error: unknown, code: string): string {
  // Node tries all addresses of a name, and its error for that says nothing itself.
  if (error instanceof AggregateError && error.message === "")
    return said(error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join("; "));
  return said(error instanceof Error && error.message !== "" ? error.message : code || String(error));
}

/** Short and on one line: certificates and redirects are written by the server. */
function said(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, " ").trim();
  return line.length > MAX_SAID ? `${line.slice(0, MAX_SAID)}...` : line;
}
