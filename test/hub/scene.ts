// A hub, a session with it, and a clock, for one test.

import { afterEach, expect } from "vitest";
import { connectWithCertificate, type HubConnection, type HubWriter } from "../../shared/hub/session.ts";
import { createCa } from "./certificates.ts";
import { instantClock, TestHub } from "./hub-server.ts";

export const INVALID_SESSION = "Invalid session or bad credentials";
export const ca = await createCa("Meadowlark test CA");
export const certificate = await ca.issue("toji-scaler");

const opened: { close(): Promise<void> }[] = [];

/** Closed after the test, the last one first. */
export function closeLater(one: { close(): Promise<void> }): void {
  opened.push(one);
}
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** Over HTTP, where every login is let in. */
export async function scene(options: Partial<HubConnection> = {}) {
  const hub = await TestHub.start();
  const clock = instantClock();
  const writer = connectWithCertificate({ url: hub.url, clock, certificate, ...options });
  closeLater({ close: () => hub.stop() });
  closeLater(writer);
  return { hub, clock, writer };
}

/** Over HTTPS, where the hub asks for a certificate. */
export async function secureScene() {
  const hub = await TestHub.start(ca);
  const clock = instantClock();
  closeLater({ close: () => hub.stop() });
  return { hub, clock, connection: { url: hub.url, clock, serverCa: ca.certificate } };
}

export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.unreachable(`it gave ${value}`),
    (error: unknown) => error,
  );

export const methodOf = (body: string) => /<methodName>(.*)<\/methodName>/.exec(body)?.[1];
export const freeTask = (writer: HubWriter) => writer.call("freeTask", [7]);
