// The site that the sandbox runs: the example document, with the sandbox's own hub and as many slots as a small site has.

import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { parseSite, type Site } from "../shared/config/index.ts";
import { TAG } from "../shared/fleet/index.ts";

const EXAMPLE = new URL("../toji.example.yml", import.meta.url);

/** Parameters that the sandbox's SSM holds. */
export const PARAMETER = {
  client: "/toji/hub/client",
  builderCa: "/toji/builders/ca",
  serverCa: "/toji/hub/server-ca",
} as const;

/** `hubUrl` is where the handler logs in, so it is the HTTPS one. */
export function sandboxSite(hubUrl: string, overrides: { readonly admin?: boolean } = {}): Site {
  const document = parseDocument(readFileSync(EXAMPLE, "utf8"));
  document.setIn(["hub", "url"], hubUrl);
  document.setIn(["hub", "topUrl"], hubUrl.replace(/\/kojihub$/, "/kojifiles"));
  document.setIn(["hub", "serverCaParameter"], PARAMETER.serverCa);
  document.setIn(["hub", "admin"], overrides.admin ?? false);
  // Time runs fast here: passes that see nothing would only slow it down.
  document.setIn(["builders", "watchAtRest"], false);
  return parseSite(document.toString(), "the sandbox's site document");
}

/** As infra/resources/launch-template.yml has them: what a launch makes besides the instance is found by its tag. */
export function partTags(fleet: string) {
  const Tags = [{ Key: TAG.fleet, Value: fleet }];
  return [
    { ResourceType: "volume" as const, Tags },
    { ResourceType: "network-interface" as const, Tags },
  ];
}
