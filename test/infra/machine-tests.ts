// What holds for each state machine that is deployed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { pascalCase } from "../../infra/steps/step.ts";
import { limitsOf, machineOf } from "./machine.ts";
import { REPOSITORY, resourcesOf, type Template } from "./project.ts";

/** `template` is asked for once the tests run. */
export function describeMachines(machines: readonly string[], template: () => Template): void {
  describe.each(machines)("the machine %s", (machine) => {
    it("is standard, has a fixed name and logs its errors", () => {
      expect(machineOf(template(), machine).StateMachineName).toBe(`toji-prod-${machine}`);
    });

    it("is the file that runs locally too, and every name in it is substituted", () => {
      const text = readFileSync(join(REPOSITORY, `statemachines/${machine}.asl.yaml`), "utf8");
      const { Definition, DefinitionSubstitutions } = machineOf(template(), machine);
      expect(Definition).toEqual(parse(text, { merge: true }));
      const names = new Set([...text.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]));
      expect(new Set(Object.keys(DefinitionSubstitutions))).toEqual(names);
    });

    it("runs functions that are there, and that end before it gives them up", () => {
      const functions = resourcesOf(template(), "AWS::Lambda::Function");
      const limits = limitsOf(template(), machine);
      expect(limits.size).toBeGreaterThan(3);
      for (const [runs, seconds] of limits) {
        expect(functions[`${runs}LambdaFunction`]?.Timeout).toBeLessThanOrEqual(seconds);
      }
    });

    it("tells its address, for the command line", () => {
      const { Outputs } = z
        .looseObject({ Outputs: z.record(z.string(), z.looseObject({ Value: z.unknown() })) })
        .parse(template());
      const id = `${pascalCase(machine)}Machine`;
      expect(Outputs[`${id}Arn`]?.Value).toEqual({ Ref: id });
    });
  });
}
