// AWS's own rules for CloudFormation templates, offline.

import { RegoEngine, TemplateFile } from "@aws/cloudformation-validate";

/** What AWS's own rules find, short of hints. Strict: warnings count as errors. */
export function findings(...templates: readonly string[]): string[] {
  const engine = new RegoEngine();
  try {
    return templates.flatMap((template) => {
      const { status, diagnostics } = engine.validateStandard(new TemplateFile(template), { strict: true });
      const serious = diagnostics.filter(({ severity }) => severity !== "INFO" && severity !== "DEBUG");
      const lines = serious.map((each) => `${each.ruleId} ${each.entity?.logicalId}: ${each.message}`);
      return status === "OK" ? lines : [`${template}: ${status}`, ...lines];
    });
  } finally {
    engine.free();
  }
}
