// The result of a task: its value, or the fault it failed with.

import { TASK_STATE } from "../../../shared/hub/index.ts";
import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { genericError, KojiFault } from "./fault.ts";
import type { TaskRow } from "./rows.ts";

/** kojihub Task.getResult: a failed task throws its fault, or with `raiseFault` false shows it as a struct. */
export function taskValue(task: TaskRow, raiseFault: boolean): XmlRpcValue {
  if (task.state === TASK_STATE.CANCELED) throw genericError(`Task ${task.id} is canceled`);
  if (task.result === null) throw genericError(`Task ${task.id} is not finished`);
  if ("value" in task.result) return task.result.value;
  const { code, text } = task.result.fault;
  if (raiseFault) throw new KojiFault(code, text);
  return { faultCode: code, faultString: text };
}
