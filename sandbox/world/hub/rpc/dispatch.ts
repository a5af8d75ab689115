// From a method's name to its result; multiCall with a savepoint around each member (kojixmlrpc._dispatch, multiCall).

import {
  isArray,
  isStruct,
  member,
  type XmlRpcStruct,
  type XmlRpcValue,
} from "../../../../shared/hub/xmlrpc/values.ts";
import { assertNotLockedOut, type Caller, type HubContext } from "../context.ts";
import { genericError, KojiFault, pythonError } from "../fault.ts";
import type { ClientCertificate } from "../sessions.ts";
import { bind } from "./args.ts";
import { CHANGES } from "./changes.ts";
import { HOST_CALLS, SCHEDULER_CALLS, SESSION_CALLS } from "./host-calls.ts";
import type { MethodTable } from "./method.ts";
import { READS } from "./reads.ts";
import { REPO_CALLS } from "./repo-calls.ts";

const METHODS: MethodTable = {
  ...READS,
  ...REPO_CALLS,
  ...CHANGES,
  ...HOST_CALLS,
  ...SCHEDULER_CALLS,
  ...SESSION_CALLS,
};

export interface Dispatch {
  readonly hub: HubContext;
  readonly caller: Caller;
  readonly ssl: ClientCertificate;
}

const isMultiCall = (method: string) => method === "multiCall" || method === "system.multicall";

/** Before anything else, the session included, is looked at. */
export function assertMethod(method: string): void {
  if (!isMultiCall(method) && !Object.hasOwn(METHODS, method)) throw genericError(`Invalid method: ${method}`);
}

export function dispatch(on: Dispatch, method: string, params: readonly XmlRpcValue[]): XmlRpcValue {
  assertMethod(method);
  assertNotLockedOut(on.hub, on.caller, method);
  if (isMultiCall(method)) return multiCall(on, bind("multiCall(calls)", params).list("calls"));
  if (method === "system.listMethods") return Object.keys(METHODS);
  const found = METHODS[method];
  if (found === undefined) throw genericError(`Invalid method: ${method}`);
  const [signature, run] = found;
  return run({ ...on, args: bind(signature, params) });
}

/** A failing member is undone alone. A fault that shows while the reply is written takes all down. */
function multiCall(on: Dispatch, calls: readonly XmlRpcValue[]): XmlRpcValue {
  const { journal } = on.hub.tables;
  return calls.map((call) => {
    const savepoint = journal.savepoint();
    try {
      const method = memberOf(call, "methodName");
      const params = memberOf(call, "params");
      return [dispatch(on, typeof method === "string" ? method : String(method), isArray(params) ? params : [])];
    } catch (error) {
      if (!(error instanceof KojiFault) || error.lazy) throw error;
      journal.rollbackTo(savepoint);
      return memberFault(error);
    }
  });
}

function memberOf(call: XmlRpcValue, name: string): XmlRpcValue {
  const value = isStruct(call) ? member(call, name) : undefined;
  if (value === undefined) throw pythonError("KeyError", name);
  return value;
}

/** Inside a multiCall a fault has no class in its text, and a traceback beside it. */
function memberFault(fault: KojiFault): XmlRpcStruct {
  const name = fault.pythonClass ?? `koji fault ${fault.code}`;
  return {
    faultCode: fault.code,
    faultString: fault.message,
    traceback: [
      "Traceback (most recent call last):\n",
      '  File "/usr/share/koji-hub/kojihub/kojixmlrpc.py", line 366, in multiCall\n',
      `${name}: ${fault.message}\n`,
    ],
  };
}
