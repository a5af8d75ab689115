// Puts the ports of the fleet together from clients, config and environment: the same way for Lambda and sandbox.

import type { AwsClients } from "../aws/clients.ts";
import { readParameter } from "../aws/parameters.ts";
import { openStore } from "../aws/store.ts";
import type { Clock } from "../clock.ts";
import type { Site } from "../config/index.ts";
import { connectAnonymously, connectWithCertificate, type HubWriter, type OpenHubWire } from "../hub/index.ts";
import type { Telemetry } from "../telemetry.ts";
import type { FleetPorts } from "./ports.ts";
import type { BuilderScripts } from "./user-data.ts";

export interface FleetSetting {
  readonly site: Site;
  readonly clients: AwsClients;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly bucket: string;
  readonly launchTemplateId: string;
  readonly scripts: BuilderScripts;
  /** Default: XML-RPC over HTTP. */
  readonly openHubWire?: OpenHubWire;
}

/** Nothing is called yet: secrets are read and the hub is logged in to when a change first needs it. */
export async function openFleetPorts(setting: FleetSetting): Promise<FleetPorts & { close(): Promise<void> }> {
  const { site, clients, clock, telemetry, launchTemplateId, scripts } = setting;
  const { hub, builders } = site;
  const hubCa = once(async () =>
    hub.serverCaParameter === undefined ? undefined : await readParameter(clients, hub.serverCaParameter),
  );
  const serverCa = await hubCa();
  const connection = {
    url: hub.url,
    clock,
    timeoutSeconds: hub.timeoutSeconds,
    // One more try: an invocation has 90 seconds, and the next minute brings another pass anyway.
    retries: 1,
    ...(serverCa === undefined ? {} : { serverCa }),
    ...(setting.openHubWire === undefined ? {} : { openWire: setting.openHubWire }),
  };
  const hubReader = connectAnonymously(connection);
  let writer: HubWriter | null = null;
  const hubWriter = once(async () => {
    writer = connectWithCertificate({
      ...connection,
      certificate: await readParameter(clients, hub.clientCertificateParameter),
    });
    return writer;
  });
  return {
    site,
    clock,
    hubReader,
    hubWriter,
    ec2: clients.ec2,
    store: openStore(clients, setting.bucket),
    telemetry,
    launchTemplateId,
    scripts,
    identityCa: once(() => readParameter(clients, builders.identityCaParameter)),
    hubCa,
    async close() {
      await writer?.close();
      await hubReader.close();
    },
  };
}

/** Remembers a success; a failure is tried again, for a person may mend the parameter meanwhile. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
