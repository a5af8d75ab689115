// Lines that a drill's instance says, and the console that they come out of.

import fc from "fast-check";
import type { DrillLine } from "../../shared/backup/host-answers.ts";

export const DRILL = "dr-20261123T020000Z-1a2b3c4d";

export const line = (step: DrillLine["step"], more: Partial<DrillLine> = {}): DrillLine => ({
  drill: DRILL,
  step,
  uptime: 10,
  ok: true,
  findings: [],
  counts: {},
  error: null,
  ...more,
});

export const ALL_STEPS = ["booted", "mounted", "database", "checked", "sanitised", "hub", "verdict"] as const;

/** A drill that went well, one step every 100 s. */
export const GOOD: readonly DrillLine[] = ALL_STEPS.map((step, index) => line(step, { uptime: 100 * (index + 1) }));

export const MISSING = { kind: "missing-file", detail: "packages/a/1/1/noarch/a-1-1.noarch.rpm", count: 3 };

/** As the script prints it. */
export const printed = (said: DrillLine): string => `toji-drill ${JSON.stringify(said)}`;

/** A console line that is none of the drill's: the kernel's, systemd's, cut and foreign ones. */
export const noise: fc.Arbitrary<string> = fc.oneof(
  fc.string().filter((text) => !/[\r\n]/.test(text)),
  fc.constantFrom(
    "[   12.345678] XFS (nvme1n1): Ending clean mount",
    "cloud-init[1234]: toji-drill",
    "toji-drill {",
    'toji-drill {"drill":"dr-20261123T020000Z-1a2b3c4d","step":"verdict","ok":true}',
    'toji-drill {"drill":"dr-20261123T020000Z-1a2b3c4d","step":"verdict","uptime":1,"ok":true,"findi',
    printed(line("verdict", { drill: "dr-20261116T020000Z-ffffffff" })),
    printed(line("verdict", { drill: "" })),
    JSON.stringify(line("verdict")),
  ),
);

const before = fc.constantFrom("", "[  101.5] cloud-init[977]: ", "}{ ", '"');
const after = fc.constantFrom("", "\r", "[  102.1] audit: type=1305", " }");

/** The lines in their order, each with what a console puts around it, and noise between them. */
export function consoleOf(said: readonly DrillLine[]): fc.Arbitrary<string> {
  const parts = said.map((each) =>
    fc
      .tuple(fc.array(noise, { maxLength: 4 }), before, after)
      .map(([lines, head, tail]) => [...lines, `${head}${printed(each)}${tail}`]),
  );
  return fc.tuple(fc.tuple(...parts), fc.array(noise, { maxLength: 4 })).map(([told, rest]) => {
    return [...told.flat(), ...rest].join("\n");
  });
}

export const anyLine: fc.Arbitrary<DrillLine> = fc.record({
  drill: fc.constant(DRILL),
  step: fc.constantFrom(...ALL_STEPS),
  uptime: fc.nat(9999),
  ok: fc.boolean(),
  findings: fc.array(
    fc.record({ kind: fc.constantFrom("missing-file", "wrong-size"), detail: fc.string(), count: fc.nat() }),
    { maxLength: 3 },
  ),
  counts: fc.dictionary(fc.constantFrom("rpms", "builds"), fc.nat()),
  error: fc.option(fc.string()),
});
