// Trying again, and knowing afterwards what became of a write: the rules that keep it from being done twice.

import type { Clock } from "../clock.ts";
import { HubAnswerUnreadable, HubFault, HubOutcomeUnknown, HubUnreachable, HubWriteAlreadyDone } from "./faults.ts";

export interface Persistence {
  readonly clock: Clock;
  /** Tries after the first one, for a lost request or reply. */
  readonly retries?: number;
}

const DEFAULT_RETRIES = 3;
const FIRST_PAUSE_SECONDS = 1;

/** Repeats a try whose request or reply was lost, after 1, 2, 4 ... seconds. A fault is an answer: never repeated. */
export async function persist<T>(
  { clock, retries = DEFAULT_RETRIES }: Persistence,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (tried >= retries || !isLost(error) || !error.retryable) throw error;
      await clock.sleep(FIRST_PAUSE_SECONDS * 2 ** tried);
    }
  }
}

/**
 * Persists with one write: every try must carry the same callnum and bytes. The hub stores the callnum with what the
 * call commits and refuses a second use of it with 1009 (kojihub/auth.py), so the last answer tells of the lost ones.
 */
export async function deliverOnce<T>(persistence: Persistence, method: string, attempt: () => Promise<T>): Promise<T> {
  let mayBeDone = false;
  try {
    return await persist(persistence, async () => {
      try {
        return await attempt();
      } catch (error) {
        mayBeDone ||= isLost(error) && mayHaveReachedHub(error);
        throw error;
      }
    });
  } catch (error) {
    throw mayBeDone ? afterLostReply(method, error) : error;
  }
}

function afterLostReply(method: string, error: unknown): unknown {
  if (!(error instanceof HubFault)) return error instanceof Error ? new HubOutcomeUnknown(method, error) : error;
  if (error.code === 1009) return new HubWriteAlreadyDone(method);
  return PRECEDES_CALLNUM_CHECK.has(error.code) ? new HubOutcomeUnknown(method, error) : error;
}

/**
 * The hub looks whether it is offline (1014), then at the session (1002), its age (1007), and the callnum (1008, 1009);
 * 1 may come from anywhere. Any other fault was raised behind that check, so no earlier try was committed.
 */
const PRECEDES_CALLNUM_CHECK = new Set([1, 1002, 1007, 1008, 1014]);

function isLost(error: unknown): error is HubUnreachable | HubAnswerUnreadable {
  return error instanceof HubUnreachable || error instanceof HubAnswerUnreadable;
}

function mayHaveReachedHub(error: HubUnreachable | HubAnswerUnreadable): boolean {
  if (error instanceof HubUnreachable) return !["dns", "refused", "certificate"].includes(error.reason);
  // A redirect and a 4xx come from the web server, or from the hub before it has parsed the call.
  return error.status < 300 || error.status >= 500;
}

/** The session is gone, and the fault came before anything was done: kojihub/auth.py raises these on loading it. */
export function endsSession(error: unknown): boolean {
  if (!(error instanceof HubFault)) return false;
  // Other 1002s ("User 2 is not a host") are about the call.
  return (
    error.code === 1007 || error.code === 1008 || (error.code === 1002 && /^Invalid session/.test(error.faultString))
  );
}

/** Whether the method can be asked again without harm. host.get* are not here: host.getTasks may run the scheduler. */
export function onlyReads(method: string): boolean {
  return /^(?:scheduler\.)?(?:get|list)[A-Z]/.test(method) || READS_OF_REPOS.has(method);
}

/** repo.request and repo.checkQueue are writes, whatever they sound like. */
const READS_OF_REPOS = new Set(["repoInfo", "repo.get", "repo.query", "repo.queryQueue", "repo.checkRequest"]);
