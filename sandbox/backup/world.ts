// A hub and its backups on virtual time: the models of AWS, the state machines from their files, the production steps.

import { readFileSync } from "node:fs";
import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import { type BackupPorts, expire, openBackupPorts, watch } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Site } from "../../shared/config/index.ts";
import { lambdaContext } from "../lambda-context.ts";
import { backupMachines, StepFunctionsModel, type StepFunctionsOptions } from "../machines/index.ts";
import { type BackupAws, backupAws, type HubSeed } from "../world/backup-aws.ts";
import { VirtualClock } from "../world/clock.ts";
import type { HubMachine } from "../world/hub-machine.ts";
import { Random } from "../world/random.ts";
import { Board } from "./board.ts";
import { type AroundCall, stepFunctions } from "./functions.ts";
import { onSchedule } from "./schedule.ts";
import { AWAY, backupSite, HOME } from "./site.ts";

export const BUCKET = "toji-sandbox";
/** A hub as the daily look wants it. */
const WELL_KEPT = { kmsKeyId: "alias/hub", bootGoesWithInstance: false };
const HOUR = "rate(1 hour)";

export interface BackupWorldInput {
  readonly seed: number | string;
  /** Epoch seconds. */
  readonly start: number;
  readonly site?: Site;
  readonly hub?: Partial<HubSeed>;
  readonly around?: AroundCall;
  /** Default: one of its own. */
  readonly clock?: VirtualClock;
  /** Other machines of the same account, and what they call. */
  readonly beside?: Pick<StepFunctionsOptions, "machines" | "functions">;
}

export interface BackupWorld {
  readonly site: Site;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly aws: BackupAws;
  readonly hub: HubMachine;
  readonly machines: StepFunctionsModel;
  readonly board: Board;
  readonly ports: BackupPorts;
  /** What Toji's own clock is off by, in seconds: a step of the machine that Lambda runs on. */
  skew: number;
  startBackup(name: string, by: string): Promise<void>;
  startDrill(name: string, set: string | null): Promise<void>;
  watch(): Promise<void>;
  expire(): Promise<void>;
  /** Backups, drills, the hourly look and the daily retention as they are deployed. Returns how to end them. */
  startSchedules(): () => void;
}

export function openBackupWorld(input: BackupWorldInput): BackupWorld {
  const { start, seed, site = backupSite() } = input;
  const clock = input.clock ?? new VirtualClock(start);
  const random = new Random(seed);
  let machines: StepFunctionsModel | undefined;
  const sfn = { send: ((command: object) => machines?.send(command)) as BackupPorts["clients"]["sfn"]["send"] };
  const { subnets } = site.builders;
  const drillSubnet = site.backup?.drill?.subnet;
  const ec2 = { subnets: drillSubnet === undefined ? subnets : [...subnets, drillSubnet] };
  const aws = backupAws({ clock, random, home: HOME, regions: [AWAY], buckets: [BUCKET], sfn, ec2 });
  const hub = aws.addHub({ fleet: site.builders.fleet, ...WELL_KEPT, ...input.hub });
  const board = new Board(clock);
  const tojiClock: Clock = { now: () => clock.now() + world.skew, sleep: (seconds) => clock.sleep(seconds) };
  const ports = openBackupPorts({
    ...{ site, clients: aws.clients, clock: tojiClock, telemetry: board, region: HOME, bucket: BUCKET },
    script: (name) => readFileSync(new URL(`../../infra/hosts/hub/${name}`, import.meta.url), "utf8"),
  });
  const open = () => ports;
  machines = new StepFunctionsModel({
    ...{ clock, region: HOME },
    machines: { ...backupMachines(), ...input.beside?.machines },
    functions: { ...stepFunctions(open, input.around), ...input.beside?.functions },
  });
  const model = machines;
  const arns = { backup: "toji-backup", drill: "toji-drill", restore: "toji-restore" } as const;
  const arnOf = (name: keyof typeof arns) => model.arnOf(arns[name]);
  const look = backupStep(
    (opened) => watch(opened, { backup: arnOf("backup"), drill: arnOf("drill"), restore: arnOf("restore") }),
    open,
  );
  const clean = backupStep(expire, open);
  const invoke = async (handler: typeof look | typeof clean) => {
    await clock.actor(async () => {
      await handler({}, lambdaContext("tick"), { signal: new AbortController().signal });
    });
  };
  const begin = async (machine: keyof typeof arns, name: string, request: object) => {
    await model.send(
      new StartExecutionCommand({ stateMachineArn: arnOf(machine), name, input: JSON.stringify(request) }),
    );
  };
  const world: BackupWorld = {
    ...{ site, clock, random, aws, hub, machines, board, ports, skew: 0 },
    startBackup: (name, by) => begin("backup", name, { kind: "scheduled", by, reason: "" }),
    startDrill: (name, set) => begin("drill", name, { set, by: name }),
    watch: () => invoke(look),
    expire: () => invoke(clean),
    startSchedules: () => startSchedules(world),
  };
  return world;
}

function startSchedules(world: BackupWorld): () => void {
  const { clock, ports, board } = world;
  const { schedules, drill, retention } = ports.backup;
  let runs = 0;
  // A look or a retention run that throws is Lambda's error metric; the schedule goes on.
  const tell = (what: string, run: () => Promise<void>) => async () => {
    try {
      await run();
    } catch (error) {
      board.warn(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
      board.metric("FunctionErrors", "Count", 1);
    }
  };
  const name = (what: string) => `${what}-${++runs}`;
  const ends = [
    ...schedules.map((each) => onSchedule(clock, each, () => world.startBackup(name(each.name), each.name))),
    ...(drill?.schedule === undefined
      ? []
      : [
          onSchedule(clock, { expression: drill.schedule, timezone: retention.timezone }, () =>
            world.startDrill(name("drill"), null),
          ),
        ]),
    onSchedule(clock, { expression: HOUR, timezone: "UTC" }, tell("the hourly look", world.watch)),
    onSchedule(clock, { expression: "cron(30 12 * * ? *)", timezone: "UTC" }, tell("retention", world.expire)),
  ];
  return () => {
    for (const end of ends) end();
  };
}
