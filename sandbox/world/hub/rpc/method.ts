// What a table of methods is made of: a Python signature for the arguments, and what to do.

import type { XmlRpcStruct, XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import type { Caller, HubContext } from "../context.ts";
import type { ClientCertificate } from "../sessions.ts";
import type { Args } from "./args.ts";

export interface Call {
  readonly hub: HubContext;
  readonly caller: Caller;
  readonly args: Args;
  /** What the web server says of the client's certificate. */
  readonly ssl: ClientCertificate;
}

export type Method = readonly [signature: string, run: (call: Call) => XmlRpcValue];
export type MethodTable = { readonly [name: string]: Method };

/** For methods that return nothing. */
export const nil = (_done: unknown): null => null;

/** What the other argument struct of a query holds; nil = nothing. */
export const queryOpts = (args: Args): XmlRpcStruct => args.struct("queryOpts");
