// What a sweep acts through: no hub, no secret.

import type { AwsClients } from "../aws/clients.ts";
import { type ObjectListing, openListing, openStore } from "../aws/store.ts";
import type { Clock } from "../clock.ts";
import type { Site } from "../config/index.ts";
import type { Telemetry } from "../telemetry.ts";
import type { FleetPorts } from "./ports.ts";

export interface SweepPorts
  extends Pick<FleetPorts, "site" | "clock" | "ec2" | "store" | "telemetry" | "launchTemplateId"> {
  readonly listing: ObjectListing;
}

export interface SweepSetting {
  readonly site: Site;
  readonly clients: AwsClients;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly bucket: string;
  readonly launchTemplateId: string;
}

/** The same way for Lambda and sandbox. */
export function openSweepPorts({ clients, bucket, ...rest }: SweepSetting): SweepPorts {
  return { ...rest, ec2: clients.ec2, store: openStore(clients, bucket), listing: openListing(clients, bucket) };
}
