// Puts the ports of the fleet together from clients, config and environment: the same way for Lambda and sandbox.

import type { AwsClients } from "../aws/clients.ts";
import { readParameter } from "../aws/parameters.ts";
import { openStore } from "../aws/store.ts";
import { type HubAccessSetting, once, openHubAccess } from "../hub-access.ts";
import type { Telemetry } from "../telemetry.ts";
import type { FleetPorts } from "./ports.ts";
import type { BuilderScripts } from "./user-data.ts";

export interface FleetSetting extends HubAccessSetting {
  readonly clients: AwsClients;
  readonly telemetry: Telemetry;
  readonly bucket: string;
  readonly launchTemplateId: string;
  readonly scripts: BuilderScripts;
}

/** Nothing is called yet: secrets are read and the hub is logged in to when a change first needs it. */
export async function openFleetPorts(setting: FleetSetting): Promise<FleetPorts & { close(): Promise<void> }> {
  const { site, clients, clock, telemetry, launchTemplateId, scripts } = setting;
  return {
    ...(await openHubAccess(setting)),
    site,
    clock,
    ec2: clients.ec2,
    store: openStore(clients, setting.bucket),
    telemetry,
    launchTemplateId,
    scripts,
    identityCa: once(() => readParameter(clients, site.builders.identityCaParameter)),
  };
}
