// A question to the hub: the call, and the check that its answer has the shape that Koji gives it.

import type * as z from "zod";
import { unexpectedShape } from "./answers.ts";
import type { HubCall } from "./session.ts";
import type { XmlRpcValue } from "./xmlrpc/values.ts";

export interface HubQuery<T> {
  readonly call: HubCall;
  /** Throws HubAnswerUnreadable, naming the method and the field, for an answer of another shape. */
  decode(value: XmlRpcValue): T;
}

export function query<T>(method: string, params: readonly XmlRpcValue[], shape: z.ZodType<T>): HubQuery<T> {
  return {
    call: { method, params },
    decode(value) {
      const checked = shape.safeParse(value);
      if (checked.success) return checked.data;
      const [issue] = checked.error.issues;
      const place = (issue?.path ?? []).map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`));
      const problem = `${place.join("").replace(/^\./, "") || "it"}: ${issue?.message ?? "unexpected value"}`;
      throw unexpectedShape(method, problem, checked.error);
    },
  };
}
