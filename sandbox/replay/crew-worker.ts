// One worker of a crew: opens the trace, then plays what it is asked to.

import { parentPort, workerData } from "node:worker_threads";
import { type CrewAnswer, type CrewJob, type CrewStage, openStage, playJob } from "./crew.ts";

const order: CrewStage = workerData;
const stage = openStage(order);

async function answer(job: CrewJob): Promise<CrewAnswer> {
  try {
    return { played: playJob(await stage, job) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

parentPort?.on("message", (job: CrewJob) => {
  void answer(job).then((each) => parentPort?.postMessage(each));
});
