// What the checks of mirrors act through: the same for Lambda and sandbox.

import type { AwsClients } from "../aws/clients.ts";
import { type ObjectStore, openStore } from "../aws/store.ts";
import type { Clock } from "../clock.ts";
import { ConfigError, type MirrorsConfig, type Site } from "../config/index.ts";
import { type HubAccess, type HubAccessSetting, openHubAccess } from "../hub-access.ts";
import type { Telemetry } from "../telemetry.ts";
import type { MirrorFetcher } from "./fetcher.ts";
import { openFetcher } from "./http.ts";

export interface MirrorsPorts extends Pick<HubAccess, "hubReader" | "hubWriter"> {
  readonly site: Site;
  /** The site's section, which is there. */
  readonly mirrors: MirrorsConfig;
  readonly clock: Clock;
  readonly store: ObjectStore;
  readonly telemetry: Telemetry;
  readonly fetcher: MirrorFetcher;
}

export interface MirrorsSetting extends HubAccessSetting {
  readonly clients: Pick<AwsClients, "s3" | "ssm" | "presignGet">;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly bucket: string;
  /** Default: HTTP. */
  readonly fetcher?: MirrorFetcher;
}

/**
 * Connections of one function to one host: two functions of statemachines/mirror-check.asl.yaml's Map may ask the same
 * host, and together they keep to eight (the Map's MaxConcurrency).
 */
const CONNECTIONS_PER_HOST = 2;

/** No mirror is asked yet. Throws ConfigError when the site has no section `mirrors`. */
export async function openMirrorsPorts(setting: MirrorsSetting): Promise<MirrorsPorts> {
  const { site, clock, telemetry, clients, bucket } = setting;
  const { mirrors } = site;
  if (mirrors === undefined)
    throw new ConfigError("toji.yml", [
      "mirrors: is missing, so there is nothing to check: describe it as toji.example.yml does",
    ]);
  const { hubReader, hubWriter, hubCa } = await openHubAccess(setting);
  // The hub serves the metadata of its READY repos.
  const own = [mirrors.ca, await hubCa()].filter((pem) => pem !== undefined);
  const ca = own.length === 0 ? {} : { ca: own.join("\n") };
  const fetcher = setting.fetcher ?? openFetcher({ ...ca, connectionsPerHost: CONNECTIONS_PER_HOST });
  return { site, mirrors, clock, telemetry, store: openStore(clients, bucket), hubReader, hubWriter, fetcher };
}
