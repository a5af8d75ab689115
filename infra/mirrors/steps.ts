// The functions that check mirrors and switch between them, with the rights of each.

import type { Site } from "../../shared/config/index.ts";
import { type Right, readParameters } from "../steps/rights.ts";
import { machineArn, type Step } from "../steps/step.ts";

/** The part of the site that rights depend on. */
export type MirrorSite = Pick<Site, "hub">;

/** Of the hub's own certificate: every function reads the hub, and reading needs no login. */
const readTheHub = ({ hub }: MirrorSite): readonly Right[] =>
  readParameters(hub.serverCaParameter === undefined ? [] : [hub.serverCaParameter]);

/** The login too: for functions that ask the hub for repos or edit its external repos. */
const changeTheHub = ({ hub }: MirrorSite): readonly Right[] =>
  readParameters([
    hub.clientCertificateParameter,
    ...(hub.serverCaParameter === undefined ? [] : [hub.serverCaParameter]),
  ]);

export const MIRROR_STEPS: readonly Step<MirrorSite>[] = [
  {
    name: "mirrors-survey",
    description: "Asks the hub for its external repos, who uses them and what READY repos it has",
    timeoutSeconds: 60,
    rights: readTheHub,
  },
  {
    name: "mirrors-live",
    description: "Reads which rpms a READY repo takes from elsewhere",
    timeoutSeconds: 300,
    memory: 512,
    rights: readTheHub,
  },
  {
    name: "mirrors-check",
    description: "Looks at one mirror for one arch and judges it",
    // Longer than any budget that the site may give to one look.
    timeoutSeconds: 900,
    memory: 512,
    rights: readTheHub,
  },
  {
    name: "mirrors-act",
    description: "Asks the hub for new repos where rpms vanished, says which switches to begin, writes the status",
    timeoutSeconds: 120,
    environment: {
      TOJI_MIRROR_CHECK_MACHINE: machineArn("mirror-check"),
      TOJI_MIRROR_SWITCH_MACHINE: machineArn("mirror-switch"),
    },
    rights: changeTheHub,
  },
  {
    name: "switch-begin",
    description: "Looks at the new address of an external repo, refuses or opens the record of the switch",
    timeoutSeconds: 900,
    memory: 512,
    rights: readTheHub,
  },
  {
    name: "switch-edit",
    description: "Gives an external repo of the hub its new address, or the old one back",
    timeoutSeconds: 60,
    rights: changeTheHub,
  },
  {
    name: "switch-regenerate",
    description: "Asks the hub for new repos of the build tags that inherit the external repo",
    timeoutSeconds: 60,
    rights: changeTheHub,
  },
  {
    name: "switch-look",
    description: "Looks whether the new repos are READY, asks once more for one that failed",
    timeoutSeconds: 60,
    rights: changeTheHub,
  },
  {
    name: "switch-confirm",
    description: "Reads the new READY repos: they take rpms from the new address, and those answer",
    timeoutSeconds: 300,
    memory: 512,
    rights: readTheHub,
  },
  {
    name: "switch-end",
    description: "Records how a switch went",
    timeoutSeconds: 60,
    rights: readTheHub,
  },
];
