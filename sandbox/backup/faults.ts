// What goes wrong with backups in a quarter of a year: once each at least, on days that the seed draws.

import { CreateSnapshotsCommand } from "@aws-sdk/client-ec2";
import type { Random } from "../world/random.ts";
import { AWAY, HOME } from "./site.ts";
import type { BackupWorld } from "./world.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

export interface Fault {
  readonly name: string;
  /** From midnight of its day on. `at`: seconds after that midnight. */
  begin(world: BackupWorld, at: (seconds: number, run: () => unknown) => void): void;
}

/** The nightly backup is at 02:00, the weekly drill on Sundays at 06:00, retention at 12:30. */
const NIGHT = 2 * HOUR;

export const FAULTS: readonly Fault[] = [
  {
    name: "a member fails",
    begin: ({ aws }, at) => at(NIGHT - HOUR, () => aws.ec2.storage.snapshots.failNextSet()),
  },
  {
    name: "copies are slow",
    begin({ aws }, at) {
      const { snapshots } = aws.ec2In({ region: AWAY }).storage;
      at(NIGHT - HOUR, () => snapshots.stall(true));
      at(NIGHT + 20 * HOUR, () => {
        snapshots.stall(false);
        for (const each of snapshots.inWorld())
          if (snapshots.stateOf(each) === "pending") snapshots.complete(each.snapshotId);
      });
    },
  },
  {
    name: "the hub is gone while it is frozen",
    begin({ hub }, at) {
      at(NIGHT - HOUR, () => hub.inject("reboots-frozen"));
    },
  },
  {
    name: "the script hangs while the hub is frozen",
    begin: ({ hub }, at) => at(NIGHT - HOUR, () => hub.inject("hangs-frozen")),
  },
  {
    name: "the script hangs after the order was sent",
    begin: ({ hub }, at) => at(NIGHT - HOUR, () => hub.inject("hangs-after-order")),
  },
  { name: "freezing fails", begin: ({ hub }, at) => at(NIGHT - HOUR, () => hub.inject("freeze-fails")) },
  {
    name: "EC2's answer to CreateSnapshots is lost",
    begin: ({ aws }, at) =>
      at(NIGHT - HOUR, () => aws.ec2.failNext("CreateSnapshots", "ServiceUnavailable", { applied: true })),
  },
  {
    name: "a drill finds damage",
    begin({ hub, random }, at) {
      let lost: string | undefined;
      at(HOUR, () => {
        lost = random.fork("damage").pick(hub.files());
        hub.truncateFile(lost);
      });
      // A person reads the findings and puts the file back.
      at(8 * DAY, () => {
        const path = lost;
        const rows = [...(hub.mounts.diskOf("database")?.database?.builds.values() ?? [])].flatMap(
          ({ files }) => files,
        );
        hub.mounts.write("tree", (disk) => disk.withFiles(rows.filter((row) => row.path === path)));
      });
    },
  },
  {
    name: "a drill's instance never boots",
    begin: ({ aws }, at) => at(HOUR, () => aws.drills.injectNext("never-boots")),
  },
  { name: "a drill's console is cut", begin: ({ aws }, at) => at(HOUR, () => aws.drills.injectNext("console-cut")) },
  {
    name: "Toji's clock is four days ahead",
    begin(world, at) {
      at(11 * HOUR, () => {
        world.skew = 4 * DAY;
      });
      at(15 * HOUR, () => {
        world.skew = 0;
      });
    },
  },
  {
    name: "Toji's clock is thirty days behind",
    begin(world, at) {
      at(11 * HOUR, () => {
        world.skew = -30 * DAY;
      });
      at(15 * HOUR, () => {
        world.skew = 0;
      });
    },
  },
  {
    name: "the hub's clock is a year ahead",
    begin({ hub }, at) {
      at(HOUR, () => hub.stepClock(365 * DAY));
      at(20 * HOUR, () => hub.stepClock(-365 * DAY));
    },
  },
  {
    name: "EC2 throttles",
    begin: ({ aws }, at) => at(NIGHT - 60, () => aws.ec2.throttleNext(4)),
  },
  {
    name: "the second region does not answer retention",
    begin: ({ aws }, at) =>
      at(12.4 * HOUR, () => aws.ec2In({ region: AWAY }).failNext(null, "RequestLimitExceeded", { times: 6 })),
  },
  {
    name: "a deletion is cut off half way",
    begin: ({ aws }, at) =>
      at(12.4 * HOUR, () => aws.ec2.failNext("DeleteSnapshot", "InternalError", { times: 1, applied: true })),
  },
  {
    name: "the agent on the hub does not answer",
    begin({ hub }, at) {
      at(NIGHT - HOUR, () => hub.disconnect());
      at(NIGHT + HOUR, () => hub.reconnect());
    },
  },
  {
    name: "a deleter is at work for long",
    begin: ({ hub }, at) =>
      at(NIGHT - 60, () => {
        const [build] = hub.builds();
        if (build !== undefined) hub.deleteBuild(build, 900);
      }),
  },
  {
    name: "a person ends the drill's instance",
    begin: ({ aws }, at) =>
      at(6 * HOUR + 300, () => {
        for (const { instanceId, tags } of aws.ec2.live())
          if ("toji:drill" in tags) aws.ec2.terminateByPerson(instanceId);
      }),
  },
];

const TAGS_OF_STRANGERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { Name: "by hand, before the upgrade" },
  { "toji:backup": "another-site", "toji:set": "bs-20260101T020000Z-00000000", "toji:set-members": "1" },
];

/** Each fault on a day of its own where there is room; drills' faults on Sundays. */
export function planFaults(
  random: Random,
  days: number,
  startsOn: number,
): { readonly day: number; readonly fault: Fault }[] {
  const sundays = Array.from({ length: days }, (_, day) => day).filter(
    (day) => (startsOn + day) % 7 === 0 && day >= 14,
  );
  const others = Array.from({ length: days }, (_, day) => day).filter((day) => day >= 10 && !sundays.includes(day));
  const take = (from: number[]) => from.splice(Math.floor(random.uniform() * from.length), 1)[0];
  return FAULTS.flatMap((fault) => {
    const isOfDrill = /drill/.test(fault.name);
    const day = take(isOfDrill && sundays.length > 0 ? sundays : others);
    return day === undefined ? [] : [{ day, fault }];
  }).toSorted((a, b) => a.day - b.day);
}

/** Work on the hub: builds come in by day, koji-gc takes old ones away. */
export function workOnHub({ clock, hub, random }: BackupWorld): void {
  const draw = random.fork("work on the hub");
  const next = () => {
    clock.after(HOUR * (0.5 + 3 * draw.uniform()), () => {
      if (hub.isReachable()) {
        hub.importBuild();
        const builds = hub.builds();
        if (builds.length > 60) hub.deleteBuild(draw.pick(builds.slice(0, 20)));
      }
      next();
    });
  };
  next();
}

/** Snapshots that are none of Toji's business, in both regions. */
export async function addStrangers({ aws }: BackupWorld): Promise<{ region: string; id: string }[]> {
  const strangers: { region: string; id: string }[] = [];
  for (const region of [HOME, AWAY]) {
    const { storage, subnets } = aws.ec2In({ region });
    const instance = storage.addInstance({
      ...{ instanceType: "t3.small", vcpus: 2, imageId: "ami-0c", zone: subnets[0]?.zone ?? "", tags: new Map() },
      ...{ subnetId: subnets[0]?.id ?? "", securityGroupIds: [], volumes: [{ device: "/dev/xvda", sizeGiB: 20 }] },
    });
    for (const tags of TAGS_OF_STRANGERS) {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      const made = await aws.clients.ec2({ region }).send(
        new CreateSnapshotsCommand({
          Description: "a stranger's",
          InstanceSpecification: { InstanceId: instance },
          TagSpecifications: Tags.length === 0 ? [] : [{ ResourceType: "snapshot", Tags }],
        }),
      );
      strangers.push(...(made.Snapshots ?? []).map(({ SnapshotId = "" }) => ({ region, id: SnapshotId })));
    }
  }
  return strangers;
}
