// What the roles of a compiled site document allow.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { pascalCase } from "../../infra/steps/step.ts";
import { allows, type Context, type Statement, statementsOf } from "./policy.ts";
import { compileTemplate, copyProject, removeProject, type Template } from "./project.ts";

export interface StepRights {
  readonly template: () => Template;
  /** Of a step's own role. */
  readonly rightsOf: (step: string) => Statement[];
  readonly may: (step: string, action: string, resource: string, context?: Context) => boolean;
}

/** Adds the hooks that compile it; the answers are to be asked for in tests. */
export function compileRights(document: string): StepRights {
  let root: string;
  let template: Template;
  beforeAll(async () => {
    root = copyProject();
    writeFileSync(join(root, "site.yml"), document);
    ({ template } = await compileTemplate(root, join(root, "site.yml")));
  });
  afterAll(() => removeProject(root));

  const rightsOf = (step: string) => statementsOf(template, `${pascalCase(step)}Role`);
  return {
    template: () => template,
    rightsOf,
    may: (step, action, resource, context) => allows(rightsOf(step), action, resource, context),
  };
}
