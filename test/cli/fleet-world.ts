// An account with one fleet in it, and the `toji fleet` command pointed at it: in this process, on virtual time.

import { CreateFleetCommand, CreateTagsCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { fleetCommand } from "../../cli/commands/fleet.ts";
import { main } from "../../cli/main.ts";
import { createAws } from "../../sandbox/world/aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { Random } from "../../sandbox/world/random.ts";
import { openStore } from "../../shared/aws/store.ts";
import { TAG } from "../../shared/fleet/index.ts";
import { fixed, fleet as fleetInput, USER_DATA, ZONE_A } from "../sandbox/ec2-world.ts";
import type { Ran } from "./run-toji.ts";

/** 2026-11-18 12:53:20 UTC. */
export const START = 1_795_006_400;
export const BUCKET = "toji-bucket";
export const EXAMPLE = new URL("../../toji.example.yml", import.meta.url).pathname;

interface LaunchSpec {
  readonly market?: "spot" | "on-demand";
  readonly fleet?: string;
  readonly profile?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export function openFleetWorld(env: Readonly<Record<string, string>> = {}) {
  const clock = new VirtualClock(START);
  const aws = createAws({
    clock,
    random: new Random(1),
    buckets: [BUCKET],
    ec2: {
      subnets: [{ id: ZONE_A, zone: "eu-west-1a" }],
      launchTemplates: [{ id: "lt-0aa", name: "toji-builder", data: { ImageId: "ami-0aa", UserData: USER_DATA } }],
      pricePerHour: () => 1,
      times: { visible: fixed(3), running: fixed(30), userData: fixed(10), shutdown: fixed(20) },
    },
  });
  const { ec2 } = aws.clients;
  const run = (seconds: number) => clock.runUntil(clock.now() + seconds);
  const store = openStore(aws.clients, BUCKET);
  /** What the command was opened with, newest last. */
  const opened: object[] = [];
  return {
    aws,
    clock,
    run,
    store,
    opened,
    async launch(slot: string | null, { market = "on-demand", fleet = "toji", profile, tags }: LaunchSpec = {}) {
      const all = {
        [TAG.fleet]: fleet,
        ...(slot === null ? {} : { [TAG.slot]: slot }),
        [TAG.profile]: profile ?? "default-x86",
        ...tags,
      };
      const answer = await ec2.send(new CreateFleetCommand(fleetInput({ market, tags: all })));
      await run(40);
      return answer.Instances?.[0]?.InstanceIds?.[0] ?? "none";
    },
    async tag(instanceId: string, Key: string, Value = "") {
      await ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: [{ Key, Value }] }));
    },
    async terminate(instanceId: string) {
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    },
    tagsOf: (instanceId: string) => aws.ec2.live().find((each) => each.instanceId === instanceId)?.tags ?? {},
    /** The holds as they are stored. */
    stored: () => JSON.parse(aws.s3.text(BUCKET, "fleet/hand.json") ?? "null"),
    /** `toji fleet ...` without the options that say where. */
    async bare(...args: string[]): Promise<Ran> {
      const said = { out: [] as string[], err: [] as string[] };
      const io = { out: (text: string) => said.out.push(text), err: (text: string) => said.err.push(text) };
      const world = {
        open(options: object) {
          opened.push(options);
          return aws.clients;
        },
        clock,
        env,
        userName: () => "ann",
      };
      const code = await main(["fleet", ...args], io, { fleet: fleetCommand(world) });
      return { code, stdout: said.out.join("\n"), stderr: said.err.join("\n") };
    },
    async toji(...args: string[]): Promise<Ran> {
      return await this.bare(...args, "--bucket", BUCKET);
    },
    async json(...args: string[]) {
      return JSON.parse((await this.toji(...args, "--json")).stdout);
    },
  };
}

export type FleetTestWorld = ReturnType<typeof openFleetWorld>;
