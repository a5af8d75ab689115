// Lambda entry point: chooses the set of a drill and marks it as in use.

import { beginDrill } from "../../shared/backup/drill/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(beginDrill);
