// What the machine mirror-check hands to its steps.

import * as z from "zod";

export const checkRunSchema = z.object({
  /** The execution's name. */
  execution: z.string().min(1),
});
