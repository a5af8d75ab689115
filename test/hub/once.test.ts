// The promise of a session, under any sequence of failures: a write is done at most once, and the caller is told the truth.

import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HubFault, HubOutcomeUnknown, HubWriteAlreadyDone } from "../../shared/hub/faults.ts";
import { connectWithCertificate } from "../../shared/hub/session.ts";
import {
  badGateway,
  badGatewayAfterwards,
  cutReply,
  instantClock,
  loseReply,
  loseRequest,
  type Mishap,
  TestHub,
  truncateReply,
} from "./hub-server.ts";
import { certificate } from "./scene.ts";

const seed = Number(process.env.SEED ?? 20_261_122);
console.log(`the writes of a session run with SEED=${seed}`);

const MISHAPS = { loseRequest, loseReply, cutReply, truncateReply, badGateway, badGatewayAfterwards } as const;
type Wire = keyof typeof MISHAPS | "fine";
/** Before the hub looks at the exchange, or after it has answered. */
type Ending = "before" | "after" | "never";

let hub: TestHub;
beforeAll(async () => {
  hub = await TestHub.start();
});
afterAll(() => hub.stop());

function incident(wire: Wire, ending: Ending, code: 1002 | 1007 | 1008): Mishap {
  return (exchange) => {
    const end = () => hub.endSessions(code, code === 1002 ? "Invalid session or bad credentials" : "ended");
    if (ending === "before") end();
    if (wire === "fine") exchange.response.end(exchange.act());
    else MISHAPS[wire](exchange);
    if (ending === "after") end();
  };
}

const incidents = fc.array(
  fc.tuple(
    fc.constantFrom<Wire>(
      "fine",
      "fine",
      "loseRequest",
      "loseReply",
      "cutReply",
      "truncateReply",
      "badGateway",
      "badGatewayAfterwards",
    ),
    fc.constantFrom<Ending>("never", "never", "never", "before", "after"),
    fc.constantFrom<1002 | 1007 | 1008>(1002, 1007, 1008),
  ),
  { maxLength: 16 },
);

it("no write is done twice, and its outcome is what the caller is told", async () => {
  const seen = { done: 0, already: 0, unknown: 0, notDone: 0 };
  await fc.assert(
    fc.asyncProperty(incidents, async (planned) => {
      hub.sessions.clear();
      hub.commits.length = 0;
      hub.ahead.splice(0, Number.POSITIVE_INFINITY, ...planned.map((one) => incident(...one)));
      const writer = connectWithCertificate({ url: hub.url, clock: instantClock(), certificate, retries: 2 });
      for (const name of ["a", "b", "c"]) {
        const error = await writer.call("enableHost", [name]).then(
          () => null,
          (reason: unknown) => reason,
        );
        const times = hub.commits.filter((commit) => commit === `enableHost(${name})`).length;
        if (error === null || error instanceof HubWriteAlreadyDone) {
          expect(times).toBe(1);
          seen[error === null ? "done" : "already"]++;
        } else if (error instanceof HubOutcomeUnknown) {
          expect(times).toBeLessThanOrEqual(1);
          seen.unknown += 1;
        } else {
          expect(times).toBe(0);
          if (error instanceof HubFault) expect([1002, 1007, 1008]).toContain(error.code);
          seen.notDone += 1;
        }
      }
      hub.ahead.length = 0;
      await writer.close();
    }),
    { seed, numRuns: 300 },
  );
  // The plan must have led everywhere, or this would prove nothing.
  expect(Object.values(seen).every((count) => count > 10)).toBe(true);
});
