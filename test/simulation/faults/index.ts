// All kinds of faults. A new one is one entry in the table of its place, and nothing else.

import { EC2_FAULTS } from "./ec2.ts";
import { HAND_FAULTS } from "./hand.ts";
import { HUB_FAULTS } from "./hub.ts";
import { INSTANCE_FAULTS } from "./instances.ts";
import type { FaultKind } from "./kind.ts";
import { LAMBDA_FAULTS } from "./lambda.ts";
import { STORAGE_FAULTS } from "./storage.ts";

export const FAULTS: readonly FaultKind[] = [
  ...HUB_FAULTS,
  ...EC2_FAULTS,
  ...INSTANCE_FAULTS,
  ...HAND_FAULTS,
  ...LAMBDA_FAULTS,
  ...STORAGE_FAULTS,
];

/** As the wish to draw each kind by its weight. */
export const DRAWN: readonly FaultKind[] = FAULTS.flatMap((kind) => Array<FaultKind>(kind.weight ?? 1).fill(kind));
