// The stage of a crash story: a small site, and what people, EC2 and machines do there.

import { CreateTagsCommand } from "@aws-sdk/client-ec2";
import type * as z from "zod";
import { type Site, siteSchema } from "../../shared/config/index.ts";
import { TAG } from "../../shared/fleet/index.ts";
import { START } from "./constants.ts";
import { PARAMETER } from "./site.ts";
import type { World } from "./world.ts";

type SiteInput = z.input<typeof siteSchema>;
type ProfileInput = SiteInput["builders"]["profiles"][number];

export interface Story {
  readonly name: string;
  readonly site?: {
    readonly admin?: boolean;
    readonly profile?: Partial<ProfileInput>;
    readonly builders?: Partial<SiteInput["builders"]>;
  };
  /** Until all is quiet, when nothing is cut off. */
  readonly minutes: number;
  /** Whose side effects it is cut off after; default: those of passes. */
  readonly of?: "passes" | "sweeps";
  /** Puts on the clock what people, EC2 and machines do. */
  begin(stage: Stage): void;
  /** What its trace must show, or it is not the story that it says it is. */
  readonly shows: readonly RegExp[];
  /** Slots that serve at the end, and the states of the tasks in their order. */
  readonly ends: { readonly serving: readonly string[]; readonly tasks: readonly string[] };
}

export function makeSite({ site = {} }: Pick<Story, "site">): Site {
  return siteSchema.parse({
    hub: {
      url: "https://hub.test/kojihub",
      topUrl: "https://hub.test/kojifiles",
      clientCertificateParameter: PARAMETER.client,
      admin: site.admin ?? false,
      options: { runInterval: 15 },
    },
    builders: {
      identityCaParameter: PARAMETER.builderCa,
      subnets: [
        { id: "subnet-0a", zone: "us-east-1a" },
        { id: "subnet-0b", zone: "us-east-1b" },
      ],
      holdSeconds: 60,
      bootSeconds: 100,
      bootLimitSeconds: 300,
      failedOfferingSeconds: 180,
      ...site.builders,
      profiles: [
        {
          name: "x86",
          channels: ["default", "createrepo"],
          arches: ["x86_64"],
          capacity: 4,
          slots: { prefix: "b", count: 1 },
          offerings: [{ instanceType: "m7a.large", markets: ["on-demand"] }],
          imageId: "ami-0a",
          ...site.profile,
        },
      ],
    },
  });
}

/** How often a condition of a story is looked at. */
const LOOK_SECONDS = 5;

/** A world, and what stories do in it. */
export class Stage {
  readonly world: World;
  /** Cut points before this are other stories' already. */
  cutFrom = START;

  constructor(world: World) {
    this.world = world;
  }

  /** A task that a builder works on for so many seconds. */
  submit(seconds: number): void {
    const wanted = { method: "sleep", args: [seconds], arch: "x86_64", channel: "default" };
    this.world.hub.as("kojiadmin").makeTask(wanted);
  }

  /** Once: at the first look at which it holds. */
  when(holds: () => boolean, act: () => unknown): void {
    const look = () => (holds() ? act() : void this.world.clock.after(LOOK_SECONDS, look));
    this.world.clock.after(LOOK_SECONDS, look);
  }

  /** As `when`; only what follows is cut off. */
  cutFromWhen(holds: () => boolean, act: () => unknown): void {
    this.when(holds, () => {
      this.cutFrom = this.world.clock.now();
      return act();
    });
  }

  idOf(slot: string): string {
    return this.world.live().find(({ tags }) => tags[TAG.slot] === slot)?.instanceId ?? "";
  }

  tagsOf(slot: string): Readonly<Record<string, string>> {
    return this.world.live().find(({ tags }) => tags[TAG.slot] === slot)?.tags ?? {};
  }

  /** Enabled, and its launch is put away. */
  serves(slot: string): boolean {
    return this.tagsOf(slot)[TAG.enabledAt] !== undefined && this.tagsOf(slot)[TAG.drainingAt] === undefined;
  }

  /** Has opened a task. */
  works(slot: string): boolean {
    return this.serves(slot) && this.world.invariants.tasksOf(slot).some(({ state }) => state === OPEN);
  }

  isIdle(slot: string): boolean {
    return this.serves(slot) && this.world.invariants.tasksOf(slot).length === 0;
  }

  isEnabled(slot: string): boolean {
    return this.world.invariants.hostOf(slot)?.enabled === true;
  }

  /** A person sets a tag in the console. */
  tag(slot: string, key: string, value: string): void {
    const command = new CreateTagsCommand({ Resources: [this.idOf(slot)], Tags: [{ Key: key, Value: value }] });
    this.world.clock.after(0, () => this.world.aws.clients.ec2.send(command));
  }
}

const OPEN = 1;

/** Until the story is over. */
export const FOR_EVER = 1e6;
export const SPOT = [{ instanceType: "m7a.large", markets: ["spot" as const, "on-demand" as const] }];
export const TWO_SLOTS = { prefix: "b", count: 2 };

/** A builder that works on something endless. */
export const beginBusy = (stage: Stage) => stage.world.clock.after(30, () => stage.submit(FOR_EVER));
/** A builder that is idle from about the fourth minute on. */
export const beginIdle = (stage: Stage) => stage.world.clock.after(30, () => stage.submit(60));
