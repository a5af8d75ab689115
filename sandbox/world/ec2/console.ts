// GetConsoleOutput: what a machine wrote on its serial console.

import type { GetConsoleOutputCommandInput, GetConsoleOutputResult } from "@aws-sdk/client-ec2";
import { refuseFields, requireField } from "./errors.ts";
import type { Instances } from "./instances.ts";

/** EC2 keeps the newest 64 KB. */
const KEPT_BYTES = 65_536;

export class Consoles {
  readonly #texts = new Map<string, { text: string; writtenAt: number }>();

  write(instanceId: string, text: string, now: number): void {
    const before = this.#texts.get(instanceId)?.text ?? "";
    const bytes = Buffer.from(before + text);
    this.#texts.set(instanceId, { text: bytes.subarray(-KEPT_BYTES).toString(), writtenAt: now });
  }

  /** Without Latest EC2 answers what it kept at the last change of state, which is nothing for one that runs. */
  read(instances: Instances, input: GetConsoleOutputCommandInput): GetConsoleOutputResult {
    refuseFields("GetConsoleOutput", input, "DryRun");
    const { instanceId, state, launchedAt } = instances.find(requireField(input.InstanceId, "InstanceId"));
    const kept = this.#texts.get(instanceId);
    const isShown = input.Latest === true || state === "terminated" || state === "stopped";
    if (kept === undefined || !isShown) {
      return { InstanceId: instanceId, Timestamp: new Date(launchedAt * 1000), Output: "" };
    }
    const Output = Buffer.from(kept.text).toString("base64");
    return { InstanceId: instanceId, Timestamp: new Date(kept.writtenAt * 1000), Output };
  }
}
