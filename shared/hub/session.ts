// Calls to the hub: anonymously, or in a session whose writes are done once however often the wire fails.

import type { Clock } from "../clock.ts";
import { readAnswer, unexpectedShape } from "./answers.ts";
import { HubFault, hubFault } from "./faults.ts";
import { createLane, type Lane } from "./lane.ts";
import { type HubEndpoint, openTransport } from "./transport.ts";
