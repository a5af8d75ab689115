// What happens to the hub and on the way to it.

import type { WireMishap, WireRequest } from "../../../sandbox/world/hub/wire.ts";
import { chance, whole } from "../draw.ts";
import { TOJI_USER } from "../site.ts";
import type { FaultKind } from "./kind.ts";

const PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>";

/** A share of the requests that are meant, until so many have met it. */
function onRequests(
  name: string,
  mishapOf: (applied: boolean) => WireMishap,
  meant: (request: WireRequest) => boolean = () => true,
): FaultKind {
  return {
    name,
    seconds: [30, 400],
    begin(world, random, took) {
      const share = random.between(0.2, 1);
      const applied = chance(random, 0.5);
      let left = whole(random, 1, 12);
      return world.weather.hub.add((request) => {
        if (left <= 0 || !meant(request) || !chance(random, share)) return null;
        left -= 1;
        took();
        world.trace.add(`  hub: ${name} for ${request.members.join("+").slice(0, 60)}`);
        return mishapOf(applied);
      });
    },
  };
}

export const HUB_FAULTS: readonly FaultKind[] = [
  {
    name: "hub offline",
    seconds: [40, 2400],
    begin(world, _random, took) {
      world.hub.setOffline("server is offline");
      took();
      return () => world.hub.setOffline(null);
    },
  },
  {
    name: "hub locked out",
    seconds: [40, 1800],
    begin(world, _random, took) {
      world.hub.setLockOut(true);
      took();
      return () => world.hub.setLockOut(false);
    },
  },
  {
    name: "hub slow",
    seconds: [60, 900],
    begin(world, random, took) {
      const most = random.pick([2, 8, 15, 30]);
      return world.weather.hub.add(() => {
        took();
        return { kind: "slow", thereSeconds: random.between(0.1, most), backSeconds: random.between(0.1, most) };
      });
    },
  },
  onRequests("hub answers 502", (applied) => ({ kind: "page", status: 502, html: PAGE, applied })),
  onRequests("hub answers 500", (applied) => ({ kind: "page", status: 500, html: PAGE, applied })),
  onRequests("hub request timed out", (applied) => ({ kind: "timeout", applied })),
  onRequests("hub connection reset", () => ({ kind: "reset", applied: false })),
  onRequests(
    "hub reply lost after commit",
    () => ({ kind: "reset", applied: true }),
    ({ writes }) => writes,
  ),
  onRequests("hub answer truncated", () => ({ kind: "truncated" })),
  {
    name: "hub session lost",
    seconds: [60, 900],
    begin(world, random, took) {
      let left = whole(random, 1, 4);
      return world.weather.hub.add(({ inSession }) => {
        if (!inSession || left <= 0 || chance(random, 0.5)) return null;
        left -= 1;
        if (world.hub.endSessions(TOJI_USER) > 0) took();
        return null;
      });
    },
  },
  {
    name: "hub's clock jumps, and is set right later",
    seconds: [60, 1800],
    blinds: true,
    begin(world, random, took) {
      const before = world.weather.hubAheadSeconds;
      world.weather.hubAheadSeconds = before + random.pick([-900, -200, 200, 900]);
      took();
      world.trace.add(`the hub's clock is ${world.weather.hubAheadSeconds} s ahead`);
      return () => {
        world.weather.hubAheadSeconds = before;
      };
    },
  },
];
