// One step of a state machine as a Lambda function: its ports are opened once for each container.

import { lambda, lambdaTelemetry } from "./lambda.ts";
import type { Telemetry } from "./telemetry.ts";

/** `run` parses the event itself. A container whose `open` failed tries again with the next event. */
export function stepOf<Ports extends { readonly telemetry: Telemetry }, Answer>(
  run: (ports: Ports, event: unknown) => Promise<Answer>,
  open: () => Ports | Promise<Ports>,
) {
  let opening: Promise<Ports> | undefined;
  let opened: Ports | undefined;
  return lambda<unknown, Answer>(
    async (event) => {
      opening ??= (async () => await open())().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      opened = await opening;
      return await run(opened, event);
    },
    () => opened?.telemetry ?? lambdaTelemetry(),
  );
}
