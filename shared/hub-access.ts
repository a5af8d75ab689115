// A site's hub, opened with what its document names: addresses from the document, secrets from Parameter Store.

import type { AwsClients } from "./aws/clients.ts";
import { readParameter } from "./aws/parameters.ts";
import type { Clock } from "./clock.ts";
import type { Site } from "./config/index.ts";
import {
  connectAnonymously,
  connectWithCertificate,
  type HubReader,
  type HubWriter,
  type OpenHubWire,
} from "./hub/index.ts";

export interface HubAccess {
  /** Anonymous: reading needs no session. */
  readonly hubReader: HubReader;
  /** Logs in at its first call, so that a run without changes opens no session. */
  hubWriter(): Promise<HubWriter>;
  /** CA of the hub's own certificate, where the document names one. */
  hubCa(): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface HubAccessSetting {
  readonly site: Site;
  readonly clients: Pick<AwsClients, "ssm">;
  readonly clock: Clock;
  /** Default: XML-RPC over HTTP. */
  readonly openHubWire?: OpenHubWire | undefined;
}

/** Only the hub's CA is read now: the login's secret and the session wait until a change first needs them. */
export async function openHubAccess({ site, clients, clock, openHubWire }: HubAccessSetting): Promise<HubAccess> {
  const { hub } = site;
  const hubCa = once(async () =>
    hub.serverCaParameter === undefined ? undefined : await readParameter(clients, hub.serverCaParameter),
  );
  const serverCa = await hubCa();
  const connection = {
    url: hub.url,
    clock,
    timeoutSeconds: hub.timeoutSeconds,
    // One more try: an invocation has its limit, and another one comes anyway.
    retries: 1,
    ...(serverCa === undefined ? {} : { serverCa }),
    ...(openHubWire === undefined ? {} : { openWire: openHubWire }),
  };
  const hubReader = connectAnonymously(connection);
  let writer: HubWriter | null = null;
  return {
    hubReader,
    hubWriter: once(async () => {
      const certificate = await readParameter(clients, hub.clientCertificateParameter);
      writer = connectWithCertificate({ ...connection, certificate });
      return writer;
    }),
    hubCa,
    async close() {
      await writer?.close();
      await hubReader.close();
    },
  };
}

/** Remembers a success; a failure is tried again, for a person may mend the parameter meanwhile. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
