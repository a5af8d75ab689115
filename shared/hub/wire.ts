// How a call travels to the hub and its answer back: XML-RPC over HTTP, or whatever a simulation puts in its place.

import { readAnswer } from "./answers.ts";
import { type HubEndpoint, openTransport, type PostOptions } from "./transport.ts";
import { encodeCall } from "./xmlrpc/encode.ts";
import type { XmlRpcValue } from "./xmlrpc/values.ts";

export interface WireAnswer {
  readonly value: XmlRpcValue;
  /** The header Koji-Version; hubs before 1.35 have none. */
  readonly version: string | null;
  /** The hub's own clock in epoch seconds, whole ones (the header Date); null = it did not say. */
  readonly date: number | null;
}

/** Sends one call, the same each time. Throws HubFault, HubUnreachable or HubAnswerUnreadable. */
export type Send = (options?: PostOptions) => Promise<WireAnswer>;

export interface HubWire {
  /** Makes a call ready; what cannot be sent at all is thrown here. */
  prepare(path: "" | "/ssllogin", method: string, params: readonly XmlRpcValue[]): Send;
  close(): Promise<void>;
}

/** `certificate`: PEM of a client certificate and its key. */
export type OpenHubWire = (endpoint: HubEndpoint, certificate?: string) => HubWire;

export const openXmlRpcWire: OpenHubWire = (endpoint, certificate) => {
  const transport = openTransport(endpoint, certificate);
  return {
    prepare(path, method, params) {
      const body = encodeCall(method, params);
      return async (options) => {
        const answer = await transport.post(path, body, options);
        return { value: readAnswer(answer.body, method), version: answer.version, date: answer.date };
      };
    },
    close: () => transport.close(),
  };
};
