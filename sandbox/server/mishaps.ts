// What can happen between a client and the hub: for tests of what the client does then.

import type { ServerResponse } from "node:http";
import type { Clock } from "../../shared/clock.ts";
import type { HubAnswer } from "../world/hub/index.ts";

/** Each happens once. `method`: to the next call of that method (a multiCall is `multiCall`) and to no other. */
export type Mishap = { readonly method?: string } & (
  | { readonly kind: "respond"; readonly status: number; readonly html: string }
  /** The call is done and its reply is lost. */
  | { readonly kind: "drop-reply" }
  /** The reply ends in its middle. */
  | { readonly kind: "truncate" }
  /** The connection is cut before the call reaches the hub. */
  | { readonly kind: "reset" }
  /** The call is done, and its reply comes so many seconds later. */
  | { readonly kind: "delay"; readonly seconds: number }
);

export class Mishaps {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #ahead: Mishap[] = [];
  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  add(mishap: Mishap): void {
    this.#ahead.push(mishap);
  }

  /** Lets the first mishap that is for this request happen. False = none is. */
  async take(body: Buffer, act: () => HubAnswer, response: ServerResponse): Promise<boolean> {
    const method = /<methodName>([^<]*)</.exec(body.toString("latin1", 0, 300))?.[1];
    const index = this.#ahead.findIndex((mishap) => mishap.method === undefined || mishap.method === method);
    const [mishap] = index < 0 ? [] : this.#ahead.splice(index, 1);
    if (mishap === undefined) return false;
    await this.#happen(mishap, act, response);
    return true;
  }

  async #happen(mishap: Mishap, act: () => HubAnswer, response: ServerResponse): Promise<void> {
    switch (mishap.kind) {
      case "respond":
        response.writeHead(mishap.status, { "Content-Type": "text/html" }).end(mishap.html);
        return;
      case "reset":
        response.destroy();
        return;
      case "drop-reply":
        act();
        response.destroy();
        return;
      case "truncate": {
        const { status, headers, body } = act();
        response.writeHead(status, headers);
        response.write(body.slice(0, body.length / 2), () => response.destroy());
        return;
      }
      case "delay": {
        const { status, headers, body } = act();
        await this.#clock.sleep(mishap.seconds);
        response.writeHead(status, headers).end(body);
        return;
      }
      default:
        mishap satisfies never;
    }
  }
}
