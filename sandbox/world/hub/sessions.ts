// Logins and sessions: who a caller is, the exclusive lock of a user, the numbering of calls (kojihub/auth.py).

import { randomInt } from "node:crypto";
import { ANONYMOUS, type Caller, type HubContext, hasPermission } from "./context.ts";
import { authError, genericError, KojiFault, notAllowed } from "./fault.ts";
import { addUser } from "./hosts.ts";
import { type SessionRow, USER_STATUS, type UserRow } from "./rows.ts";

const AUTHTYPE_SSL = 2;
const KEY_LENGTH = 19;
const ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/** Methods that may be repeated with the number of a committed call. */
const REPEATABLE: ReadonlySet<string> = new Set([
  "host.taskWait",
  "host.taskUnwait",
  "host.taskSetWait",
  "host.updateHost",
  "host.setBuildRootState",
  "repoExpire",
  "repoDelete",
  "repoProblem",
]);
const IGNORES_USER_LOCK: ReadonlySet<string> = new Set(["exclusiveSession", "login", "logout"]);

export interface Credentials {
  readonly id: number;
  readonly key: string;
  /** null = none was sent: no checks of sequence at all. */
  readonly callnum: number | null;
}

/** Session.__init__: who these credentials stand for. Moves the session's update time, not yet its callnum. */
export function resume(hub: HubContext, { id, key, callnum }: Credentials, method: string): Caller {
  const session = hub.tables.sessions.get(id);
  if (session === undefined || session.key !== key) {
    throw authError("Invalid session or bad credentials");
  }
  expireIfOld(hub, session);
  const loggingIn = method === "login" || method === "sslLogin";
  if (session.expired && !loggingIn) throw new KojiFault(1007, `session "${id}" has expired`);
  if (callnum !== null) checkSequence(session, callnum, method);
  const user = userOf(hub, session);
  // An expired session is nobody's: only a renewing login gets this far with one.
  if (session.expired) return { user: null, session, exclusive: false };
  if (user.status !== USER_STATUS.NORMAL) throw authError(`logins by ${user.name} are not allowed`);
  const lock = lockOf(hub, user);
  const exclusive = lock !== undefined && (lock.id === session.id || lock.id === session.master);
  if (lock !== undefined && !exclusive && !IGNORES_USER_LOCK.has(method)) {
    throw new KojiFault(1006, "User locked by another session");
  }
  touch(hub, session, user);
  return { user, session, exclusive };
}

/** Every call of a session leaves its time; not part of the transaction. */
function touch(hub: HubContext, session: SessionRow, user: UserRow): void {
  session.update_ts = hub.clock.now();
  user.last_call_ts = session.update_ts;
}

function expireIfOld(hub: HubContext, session: SessionRow): void {
  const limit = hub.settings.sessionRenewalMinutes * 60;
  if (limit > 0 && hub.clock.now() > (session.renew_ts ?? session.start_ts) + limit) session.expired = true;
}

function checkSequence(session: SessionRow, callnum: number, method: string): void {
  const last = session.callnum;
  if (last === null || last < callnum) return;
  if (last > callnum) throw new KojiFault(1008, `${last} > ${callnum} (session ${session.id})`);
  if (REPEATABLE.has(method)) return;
  throw new KojiFault(1009, `unable to retry call ${callnum} (method ${method}) for session ${session.id}`);
}

function userOf(hub: HubContext, session: SessionRow): UserRow {
  const user = hub.tables.users.find(session.user_id);
  if (user === undefined) throw authError(`invalid user_id: ${session.user_id}`);
  return user;
}

function lockOf(hub: HubContext, user: UserRow): SessionRow | undefined {
  const id = hub.exclusiveSessions.get(user.id);
  return id === undefined ? undefined : hub.tables.sessions.get(id);
}

export interface ClientCertificate {
  /** Apache's SSL_CLIENT_VERIFY: `SUCCESS`, `NONE`, ...; null = not set at this address. */
  readonly verify: string | null;
  /** Common name of the verified certificate: the user's name. */
  readonly commonName: string | null;
  /** Whole subject, for the refusal of a proxy user. */
  readonly subject?: string | null;
}

/** Session.sslLogin. With `renew` and an old session: the same id and callnum, a new key. */
export function sslLogin(
  hub: HubContext,
  caller: Caller,
  ssl: ClientCertificate,
  options: { readonly proxyuser?: string | null; readonly renew?: boolean } = {},
): SessionRow {
  if (caller.user !== null) throw authError("Already logged in");
  if (ssl.verify !== "SUCCESS") throw authError(`could not verify client: ${ssl.verify ?? "None"}`);
  if (!ssl.commonName) throw authError("unable to get user information (CN) from client certificate");
  if (options.proxyuser) {
    throw authError(`${ssl.subject ?? `CN=${ssl.commonName}`} is not authorized to login other users`);
  }
  const user = loginUser(hub, ssl.commonName);
  return options.renew && caller.session !== null ? renew(hub, caller.session) : newSession(hub, user, null);
}

function loginUser(hub: HubContext, name: string): UserRow {
  const known = hub.tables.users.find(name);
  if (known === undefined && !hub.settings.loginCreatesUser) throw authError(`Unknown user: ${name}`);
  const user = known ?? addUser(hub, name);
  if (user.status !== USER_STATUS.NORMAL) throw authError(`logins by ${user.name} are not allowed`);
  return user;
}

function newKey(userId: number): string {
  return `${userId}-${Array.from({ length: KEY_LENGTH }, () => ALNUM[randomInt(ALNUM.length)]).join("")}`;
}

function renew(hub: HubContext, session: SessionRow): SessionRow {
  const now = hub.clock.now();
  hub.tables.patch(session, { key: newKey(session.user_id), expired: false, renew_ts: now, update_ts: now });
  return session;
}

export function newSession(hub: HubContext, user: UserRow, master: number | null): SessionRow {
  const now = hub.clock.now();
  const session: SessionRow = {
    id: hub.tables.nextSessionId(),
    key: newKey(user.id),
    user_id: user.id,
    authtype: AUTHTYPE_SSL,
    master,
    callnum: null,
    exclusive: false,
    closed: false,
    expired: false,
    start_ts: now,
    renew_ts: null,
    update_ts: now,
  };
  hub.tables.insertSession(session);
  touch(hub, session, user);
  return session;
}

export function subsession(hub: HubContext, caller: Caller): SessionRow {
  const { user, session } = loggedIn(caller);
  return newSession(hub, user, session.master ?? session.id);
}

/** At most one exclusive session a user. Forced: the one that has it is closed. */
export function makeExclusive(hub: HubContext, caller: Caller, force: boolean): void {
  const { user, session } = loggedIn(caller);
  if (session.master !== null) throw genericError("subsessions cannot become exclusive");
  if (session.exclusive) throw genericError("session is already exclusive");
  const lock = lockOf(hub, user);
  if (lock !== undefined) {
    if (!force) throw new KojiFault(1006, "Cannot get exclusive session");
    close(hub, lock);
  }
  hub.tables.patch(session, { exclusive: true });
  hub.exclusiveSessions.set(user.id, session.id);
}

export function makeShared(hub: HubContext, caller: Caller): void {
  const { user, session } = loggedIn(caller);
  hub.tables.patch(session, { exclusive: false });
  if (hub.exclusiveSessions.get(user.id) === session.id) hub.exclusiveSessions.delete(user.id);
}

/** Subsessions go with their master. `sessionId`: another session of the same user, or anyone's for an admin. */
export function logout(hub: HubContext, caller: Caller, sessionId: number | null = null): void {
  const { user, session } = loggedIn(caller);
  const target = sessionId === null ? session : hub.tables.sessions.get(sessionId);
  if (target?.user_id !== user.id && !hasPermission(caller, "admin")) {
    throw notAllowed("only admins or owner may logout other session");
  }
  if (target !== undefined) close(hub, target);
}

export function logoutChild(hub: HubContext, caller: Caller, sessionId: number): void {
  const { session } = loggedIn(caller);
  const child = hub.tables.sessions.get(sessionId);
  if (child?.master === session.id) close(hub, child);
}

function close(hub: HubContext, session: SessionRow): void {
  const family = [...hub.tables.sessions.values()].filter((each) => each.master === session.id);
  for (const each of [session, ...family]) hub.tables.closeSession(each);
  if (hub.exclusiveSessions.get(session.user_id) === session.id) hub.exclusiveSessions.delete(session.user_id);
}

function loggedIn(caller: Caller): { user: UserRow; session: SessionRow } {
  if (caller.user === null || caller.session === null) throw authError("Not logged in");
  return { user: caller.user, session: caller.session };
}

/** What a caller with these credentials may do at this moment; without credentials: anonymous. */
export function callerOf(hub: HubContext, credentials: Credentials | null, method: string): Caller {
  return credentials === null ? ANONYMOUS : resume(hub, credentials, method);
}
