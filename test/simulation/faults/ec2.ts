// What EC2's API does: refuses, slows down, answers in part, forgets to answer, shows what was.

import type { CreateFleetResult, DescribeInstancesResult } from "@aws-sdk/client-ec2";
import { ec2Error } from "../../../sandbox/world/ec2/errors.ts";
import { chance, whole } from "../draw.ts";
import { type FaultKind, together } from "./kind.ts";

/** Calls that fail with an error of EC2's, before or after they took effect. */
function failing(
  name: string,
  operations: readonly string[],
  codes: readonly string[],
  options: { readonly applied?: boolean; readonly seconds?: readonly [number, number]; readonly most?: number } = {},
): FaultKind {
  return {
    name,
    seconds: options.seconds ?? [20, 300],
    begin(world, random, took) {
      const share = random.between(0.3, 1);
      const code = random.pick(codes);
      let left = options.most === undefined ? Number.POSITIVE_INFINITY : whole(random, 1, options.most);
      return world.weather.aws.add(async ({ service, operation }, next) => {
        const meant = service === "ec2" && (operations.length === 0 || operations.includes(operation));
        if (!meant || left <= 0 || !chance(random, share)) return await next();
        left -= 1;
        if (options.applied === true) await next();
        else await world.clock.sleep(world.input.awsLatencySeconds);
        took();
        world.trace.add(`  ec2: ${operation} ends in ${code}${options.applied === true ? ", but took effect" : ""}`);
        throw ec2Error(code, `${code} (injected)`);
      });
    },
  };
}

/** Counts the refusals that CreateFleet reports. */
function countRefusals(world: Parameters<FaultKind["begin"]>[0], took: () => void): () => void {
  return world.weather.aws.add(async ({ operation }, next) => {
    const answer = await next();
    if (operation !== "CreateFleet") return answer;
    const { Errors = [] }: CreateFleetResult = answer;
    if (Errors.length > 0) took();
    return answer;
  });
}

export const EC2_FAULTS: readonly FaultKind[] = [
  failing("ec2 throttled", [], ["RequestLimitExceeded"]),
  failing("ec2 internal errors", [], ["InternalError", "Unavailable"]),
  failing("tag calls fail", ["CreateTags", "DeleteTags"], ["InternalError", "RequestLimitExceeded"]),
  failing("tag answer lost", ["CreateTags", "DeleteTags"], ["InternalError"], { applied: true, most: 3 }),
  failing("terminate refused", ["TerminateInstances"], ["OperationNotPermitted", "InternalError"], {
    seconds: [100, 900],
  }),
  failing("terminate answer lost", ["TerminateInstances"], ["InternalError"], {
    applied: true,
    most: 2,
    seconds: [100, 900],
  }),
  failing("CreateFleet answer lost", ["CreateFleet"], ["RequestTimeout", "InternalError"], {
    applied: true,
    most: 2,
    seconds: [60, 900],
  }),
  failing(
    "template calls fail",
    ["CreateLaunchTemplateVersion", "DeleteLaunchTemplateVersions", "DescribeLaunchTemplateVersions"],
    ["InternalError"],
    { most: 4 },
  ),
  failing("template answer lost", ["CreateLaunchTemplateVersion", "DeleteLaunchTemplateVersions"], ["InternalError"], {
    applied: true,
    most: 2,
    seconds: [60, 900],
  }),
  {
    name: "no capacity in some pools",
    seconds: [200, 3000],
    begin(world, random, took) {
      const { profiles, subnets } = world.site.builders;
      const filter = random.pick([
        { market: "spot" as const },
        { zone: random.pick(subnets).zone },
        { instanceType: random.pick(random.pick(profiles).offerings).instanceType },
        { market: "on-demand" as const },
        {},
      ]);
      world.aws.ec2.setCapacity(filter, "none");
      return together(countRefusals(world, took), () => world.aws.ec2.setCapacity(filter, "unlimited"));
    },
  },
  {
    name: "quota reached",
    seconds: [200, 3000],
    begin(world, random, took) {
      const market = random.pick(["spot", "on-demand"] as const);
      world.aws.ec2.setQuota(market, whole(random, 0, 8));
      return together(countRefusals(world, took), () => world.aws.ec2.setQuota(market, Number.POSITIVE_INFINITY));
    },
  },
  {
    name: "partial fleet: an instance and errors",
    seconds: [300, 1800],
    begin(world, _random, took) {
      return world.weather.aws.add(async ({ operation }, next) => {
        const answer = await next();
        if (operation !== "CreateFleet") return answer;
        const { Instances = [], Errors = [] }: CreateFleetResult = answer;
        const [first] = Instances;
        if (first === undefined || Errors.length > 0) return answer;
        took();
        const { LaunchTemplateAndOverrides, Lifecycle } = first;
        const error = {
          LaunchTemplateAndOverrides,
          Lifecycle,
          ErrorCode: "InsufficientInstanceCapacity",
          ErrorMessage: "none there",
        };
        return { ...answer, Errors: [error] };
      });
    },
  },
  {
    name: "partial fleet: errors and no instance",
    seconds: [60, 900],
    begin(world, random, took) {
      let left = whole(random, 1, 4);
      return world.weather.aws.add(async ({ operation }, next) => {
        if (operation !== "CreateFleet" || left <= 0) return await next();
        left -= 1;
        took();
        await world.clock.sleep(world.input.awsLatencySeconds);
        const ErrorCode = random.pick([
          "InternalError",
          "RequestLimitExceeded",
          "InsufficientInstanceCapacity",
          "Unsupported",
        ]);
        world.trace.add(`  ec2: CreateFleet answers only ${ErrorCode}`);
        return {
          FleetId: "fleet-none",
          Instances: [],
          Errors: [{ ErrorCode, ErrorMessage: "injected" }],
          $metadata: {},
        };
      });
    },
  },
  {
    name: "NotFound after launch",
    seconds: [200, 1200],
    begin(world, random, took) {
      const fault = { seconds: random.between(20, 240) };
      world.hiding.add(fault);
      const hidden = () =>
        new Set(
          world
            .live()
            .filter((each) => world.clock.now() - each.launchedAt < fault.seconds)
            .map((each) => each.instanceId),
        );
      const end = world.weather.aws.add(async ({ service, operation, input }, next) => {
        if (service !== "ec2") return await next();
        const unseen = hidden();
        if (operation === "DescribeInstances") {
          const answer: DescribeInstancesResult = await next();
          const shown = (answer.Reservations ?? []).filter(
            ({ Instances = [] }) => !Instances.some(({ InstanceId = "" }) => unseen.has(InstanceId)),
          );
          if (shown.length < (answer.Reservations ?? []).length) took();
          return { ...answer, Reservations: shown };
        }
        const named = Object.values(input)
          .flat()
          .find((each) => typeof each === "string" && unseen.has(each));
        if (named === undefined) return await next();
        took();
        throw ec2Error("InvalidInstanceID.NotFound", `The instance ID '${named}' does not exist`);
      });
      return () => {
        world.hiding.delete(fault);
        end();
      };
    },
  },
  {
    name: "stale describes",
    seconds: [60, 900],
    blinds: true,
    begin(world, random, took) {
      const age = random.between(5, 60);
      // By what was asked for.
      const answers = new Map<string, { readonly at: number; readonly answer: object }[]>();
      return world.weather.aws.add(async ({ operation, input }, next) => {
        const answer = await next();
        if (operation !== "DescribeInstances") return answer;
        const now = world.clock.now();
        const question = JSON.stringify(input);
        const seen = answers.get(question) ?? [];
        answers.set(question, seen);
        seen.push({ at: now, answer });
        const old = seen.findLast((each) => each.at <= now - age) ?? seen[0];
        if (old === undefined || old.at === now || now - old.at > 2 * age + 60) return answer;
        took();
        return old.answer;
      });
    },
  },
];
