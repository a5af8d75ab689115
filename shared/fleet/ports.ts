// What a pass acts through. Given from outside, so that Lambda, sandbox and tests run the same code.

import type { AwsClients } from "../aws/clients.ts";
import type { ObjectStore } from "../aws/store.ts";
import type { Clock } from "../clock.ts";
import type { Site } from "../config/index.ts";
import type { HubReader, HubWriter } from "../hub/index.ts";
import type { Telemetry } from "../telemetry.ts";
import type { BuilderScripts } from "./user-data.ts";

export interface FleetPorts {
  readonly site: Site;
  readonly clock: Clock;
  /** Anonymous: reading needs no session. */
  readonly hubReader: HubReader;
  /** Logs in at its first call, so that a pass without changes opens no session. */
  hubWriter(): Promise<HubWriter>;
  readonly ec2: AwsClients["ec2"];
  readonly store: ObjectStore;
  readonly telemetry: Telemetry;
  /** Base launch template that each launch makes a version of. */
  readonly launchTemplateId: string;
  readonly scripts: BuilderScripts;
  /** PEM certificate and key of the CA that signs builder identities. */
  identityCa(): Promise<string>;
  /** CA of the hub's own certificate, where the config names one. */
  hubCa(): Promise<string | undefined>;
}
