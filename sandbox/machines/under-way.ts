// What runs now, for onlookers: each execution with the state it is in.

import type { StepFunctionsModel } from "./step-functions.ts";

/** "nightly-1: WaitForSnapshots" for each running execution of these machines, by their deployed names. */
export function statesUnderWay(model: StepFunctionsModel, machineNames: readonly string[]): string[] {
  const arns = machineNames.map((name) => model.arnOf(name));
  return model
    .executions()
    .filter(({ status, machineArn }) => status === "RUNNING" && arns.includes(machineArn))
    .map(({ name, log }) => {
      const entered = log.findLast(({ kind }) => kind === "entered");
      return entered?.kind === "entered" ? `${name}: ${entered.state}` : name;
    });
}
