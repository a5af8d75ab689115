// How the forecast of a replay kept its promises, where the replay tells.

import * as z from "zod";
import type { CalibrationBand } from "./report/input.ts";
import type { PolicyDetail } from "./result.ts";

const bands = z.array(z.object({ low: z.number(), high: z.number(), children: z.number(), appeared: z.number() }));

/** Null = this replay forecast nothing, or did not tell. */
export function readCalibration(detail: PolicyDetail): readonly CalibrationBand[] | null {
  const found = bands.safeParse("calibration" in detail ? detail.calibration : null);
  return found.success ? found.data : null;
}
