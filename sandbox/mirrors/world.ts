// Mirrors of the sandbox's hub: its external repos, their hosts, and the machines of mirrors with the production steps.

import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { openStore } from "../../shared/aws/store.ts";
import type { Site } from "../../shared/config/index.ts";
import { type MirrorStatus, type MirrorsPorts, readMirrorStatus } from "../../shared/mirrors/index.ts";
import { openMirrorsPorts } from "../../shared/mirrors/ports.ts";
import { Board } from "../backup/board.ts";
import { onSchedule } from "../backup/schedule.ts";
import { mirrorMachines, type StepFunctionsModel, type StepFunctionsOptions } from "../machines/index.ts";
import type { VirtualClock } from "../world/clock.ts";
import type { Hub } from "../world/hub/index.ts";
import { openModelWire } from "../world/hub/wire.ts";
import type { Random } from "../world/random.ts";
import { mirrorFunctions } from "./functions.ts";
import { MirrorHosts } from "./hosts.ts";
import { startMirrorLife } from "./life.ts";
import { MemoryWeb } from "./memory-web.ts";
import { type BuildTag, serveReadyRepos } from "./ready-repos.ts";
import { BASE, mirrorsOf, mirrorsSite, UPDATES } from "./site.ts";

/** The fleet's login needs less than editing external repos does. */
export const MIRRORS_USER = "toji-mirrors";
const QUARTER = { expression: "rate(15 minutes)", timezone: "UTC" };

export interface MirrorWorldInput {
  readonly clock: VirtualClock;
  readonly hub: Hub;
  /** The sandbox's; mirrors get a document of their own that is made of it. */
  readonly site: Site;
  readonly random: Random;
  /** The hub's build tags, which are there: all take from the base repo, the first from the updates too. */
  readonly tags: readonly [BuildTag, ...BuildTag[]];
  /** Holds what the site document names. */
  readonly ssm: AwsClients["ssm"];
}

/** The account that the machines are deployed to. */
export interface MirrorAccount {
  readonly clients: Pick<AwsClients, "s3" | "presignGet">;
  readonly machines: StepFunctionsModel;
  readonly bucket: string;
}

export interface MirrorWorld {
  readonly hosts: MirrorHosts;
  /** What an onlooker hears of the functions. */
  readonly board: Board;
  /** For the account's Step Functions. */
  readonly beside: Pick<StepFunctionsOptions, "machines" | "functions">;
  deploy(account: MirrorAccount): DeployedMirrors;
  /** Ends kojira's rounds. */
  close(): void;
}

export interface DeployedMirrors {
  /** An execution of mirror-check. */
  check(name: string): Promise<void>;
  /** null = no run has ended yet. */
  status(): Promise<MirrorStatus | null>;
  /** Checks every 15 minutes. Returns how to end it. */
  startSchedule(): () => void;
  /** Updates and breakages. Returns how to end it. */
  startLife(): () => void;
}

/** No function is called before `deploy`. */
export function openMirrorWorld(input: MirrorWorldInput): MirrorWorld {
  const { clock, hub, random, tags } = input;
  const site = mirrorsSite(input.site);
  const board = new Board(clock);
  const web = new MemoryWeb();
  const hosts = new MirrorHosts({ clock, web, random: random.fork("hosts") });
  addExternalRepos(hub, tags);
  const close = serveReadyRepos({ clock, hub, web, hosts, tags, topUrl: site.hub.topUrl });
  const { promise: ports, resolve } = Promise.withResolvers<MirrorsPorts>();
  return {
    ...{ hosts, board, close },
    beside: { machines: mirrorMachines(), functions: mirrorFunctions(() => ports) },
    deploy({ clients, machines, bucket }) {
      const openHubWire = openModelWire({ hub, clock, encoding: "values", commonNameOf: () => MIRRORS_USER });
      resolve(
        openMirrorsPorts({
          ...{ site, clock, bucket, openHubWire, telemetry: board, fetcher: web },
          clients: { s3: clients.s3, presignGet: clients.presignGet, ssm: input.ssm },
        }),
      );
      return deployed(input, { hosts, machines, store: openStore(clients, bucket) });
    },
  };
}

function addExternalRepos(hub: Hub, tags: MirrorWorldInput["tags"]): void {
  hub.addUser(MIRRORS_USER, ["admin"]);
  for (const repo of [BASE, UPDATES]) hub.addExternalRepo(repo.name, mirrorsOf(repo)[0]);
  for (const { name } of tags) hub.addTagExternalRepo(name, BASE.name, { priority: BASE.priority });
  hub.addTagExternalRepo(tags[0].name, UPDATES.name, { priority: UPDATES.priority });
}

interface Deployment {
  readonly hosts: MirrorHosts;
  readonly machines: StepFunctionsModel;
  readonly store: MirrorsPorts["store"];
}

function deployed({ clock, hub, random }: MirrorWorldInput, { hosts, machines, store }: Deployment): DeployedMirrors {
  let runs = 0;
  const check = async (name: string) => {
    const stateMachineArn = machines.arnOf("toji-mirror-check");
    await machines.send(new StartExecutionCommand({ stateMachineArn, name, input: "{}" }));
  };
  return {
    check,
    status: () => readMirrorStatus(store),
    startSchedule: () => onSchedule(clock, QUARTER, () => check(`check-${++runs}`)),
    startLife: () => startMirrorLife({ clock, hub, hosts, random: random.fork("life") }),
  };
}
