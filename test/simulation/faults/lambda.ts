// What happens to invocations and the events that start them, and to the clock they run by.

import { chance, whole } from "../draw.ts";
import type { CloudEvent } from "../weather.ts";
import type { FaultKind } from "./kind.ts";

const fromEc2 = ({ source }: CloudEvent) => source === "aws.ec2";

export const LAMBDA_FAULTS: readonly FaultKind[] = [
  {
    name: "two invocations at once",
    seconds: [60, 900],
    begin(world, random, took) {
      return world.weather.events.add((event) => {
        if (event.source !== "toji.tick") return null;
        took();
        return [0, random.pick([0, random.between(0, 3)])];
      });
    },
  },
  {
    name: "duplicate events",
    seconds: [120, 1800],
    begin(world, random, took) {
      return world.weather.events.add((event) => {
        if (!fromEc2(event)) return null;
        took();
        return [0.5, random.between(0.5, 30)];
      });
    },
  },
  {
    name: "late and reordered events",
    seconds: [120, 1800],
    begin(world, random, took) {
      return world.weather.events.add((event) => {
        if (!fromEc2(event)) return null;
        took();
        return [random.between(1, 60)];
      });
    },
  },
  {
    name: "lost events",
    seconds: [120, 3600],
    begin(world, _random, took) {
      return world.weather.events.add((event) => {
        if (!fromEc2(event)) return null;
        took();
        return [];
      });
    },
  },
  {
    name: "lost ticks",
    seconds: [120, 900],
    begin(world, random, took) {
      const share = random.between(0.3, 1);
      return world.weather.events.add((event) => {
        if (event.source !== "toji.tick" || !chance(random, share)) return null;
        took();
        return [];
      });
    },
  },
  {
    name: "invocation killed",
    weight: 4,
    seconds: [60, 600],
    begin(world, random, took) {
      // Counted by the world when it really dies.
      let left = whole(random, 1, 3);
      return world.weather.events.add(() => {
        if (left <= 0) return null;
        left -= 1;
        took();
        world.lambda.killNextAfter(whole(random, 1, 14));
        return null;
      });
    },
  },
  {
    name: "Toji's clock is wrong",
    seconds: [60, 900],
    blinds: true,
    begin(world, random, took) {
      world.weather.lambdaAheadSeconds = random.pick([-300, -60, 60, 300]);
      world.trace.add(`Toji's clock is ${world.weather.lambdaAheadSeconds} s ahead`);
      took();
      return () => {
        world.weather.lambdaAheadSeconds = 0;
      };
    },
  },
];
