// The rules that can be judged only once all is calm and done.

import {
  DescribeLaunchTemplateVersionsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { TAG } from "../../shared/fleet/index.ts";
import { BUCKET, LAUNCH_TEMPLATE } from "./constants.ts";
import type { Invariants } from "./invariants.ts";
import type { World } from "./world.ts";

export function unfinished(world: World): string[] {
  const states = ["FREE", "OPEN", "CLOSED", "CANCELED", "ASSIGNED", "FAILED"];
  return [...world.hub.tasks()]
    .filter(({ completion_ts }) => completion_ts === null)
    .map(
      ({ id, method, state, host_id }) => `${id} ${method} ${states[state]}${host_id === null ? "" : ` on ${host_id}`}`,
    );
}

export async function judgeEnd(world: World, invariants: Invariants): Promise<void> {
  const { hub } = world;
  const { site } = world;
  const waiting = unfinished(world);
  if (waiting.length > 0) invariants.break("queue-served", `${waiting.length} task(s)`, waiting.slice(0, 5).join("; "));
  const live = world.live();
  const floor = site.builders.profiles.reduce((sum, { min }) => sum + min, 0);
  const shown = live.map(({ instanceId, state, tags }) => `${instanceId} ${tags[TAG.slot] ?? "untagged"} ${state}`);
  if (waiting.length === 0 && live.length !== floor) {
    invariants.break("fleet-empties", `${live.length} instances, the floor is ${floor}`, shown.join("; "));
  }
  const serving = new Set(live.filter(({ state }) => state === "running").map(({ tags }) => tags[TAG.slot]));
  const enabled = hub.hosts().filter((host) => invariants.slots.has(host.name) && host.enabled);
  const wrong = enabled.filter((host) => !serving.has(host.name)).map((host) => host.name);
  if (wrong.length > 0) invariants.break("hub-agrees", wrong.join(", "), "enabled without a builder");
  const idle = live.filter(({ tags }) => !enabled.some((host) => host.name === tags[TAG.slot]));
  if (idle.length > 0 && live.length === floor) {
    invariants.break(
      "hub-agrees",
      idle.map(({ tags }) => tags[TAG.slot]).join(", "),
      "a builder whose host is disabled",
    );
  }
  judgeWishes(world, invariants);
  await judgeLeftovers(world, invariants);
}

function judgeWishes(world: World, invariants: Invariants): void {
  const images = new Map(world.site.builders.profiles.map(({ name, imageId }) => [name, imageId]));
  for (const { instanceId, imageId, tags } of world.live()) {
    if (tags[TAG.drainNow] !== undefined)
      invariants.break("hand-followed", instanceId, "a person wanted it drained, and it is still there");
    const wanted = images.get(tags[TAG.profile] ?? "");
    if (wanted !== undefined && imageId !== wanted)
      invariants.break("hand-followed", instanceId, `its image is ${imageId}, its profile has ${wanted}`);
  }
}

/** What belongs to an instance that still lives is no left-over. */
async function judgeLeftovers(world: World, invariants: Invariants): Promise<void> {
  const { aws } = world;
  const live = world.live();
  const launches = new Set(live.map(({ tags }) => tags[TAG.launch]));
  const identities = aws.s3.keys(BUCKET, "identities/").filter(
    (key) =>
      !launches.has(
        key
          .split("/")
          .at(-1)
          ?.replace(/\.pem$/, ""),
      ),
  );
  for (const key of identities) invariants.break("nothing-left-behind", key, "an identity without its launch");
  const versions = new Set(live.map(({ tags }) => tags[TAG.templateVersion]));
  const answer = await aws.clients.ec2.send(
    new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: LAUNCH_TEMPLATE }),
  );
  for (const { VersionNumber, DefaultVersion } of answer.LaunchTemplateVersions ?? []) {
    if (DefaultVersion === true || versions.has(String(VersionNumber))) continue;
    invariants.break("nothing-left-behind", `template version ${VersionNumber}`, "a version without its launch");
  }
  const available = [{ Name: "status", Values: ["available"] }];
  const { Volumes = [] } = await aws.clients.ec2.send(new DescribeVolumesCommand({ Filters: available }));
  for (const { VolumeId } of Volumes) invariants.break("nothing-left-behind", `${VolumeId}`, "attached to nothing");
  const interfaces = new DescribeNetworkInterfacesCommand({ Filters: available });
  for (const { NetworkInterfaceId } of (await aws.clients.ec2.send(interfaces)).NetworkInterfaces ?? [])
    invariants.break("nothing-left-behind", `${NetworkInterfaceId}`, "attached to nothing");
}
