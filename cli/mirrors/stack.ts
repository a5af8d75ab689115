// The actions of `toji mirrors` on a deployed stack, and what is said when one cannot be done.

import { parseArgs } from "node:util";
import { MirrorStateUnreadable } from "../../shared/mirrors/index.ts";
import { awsSentence } from "../aws-failure.ts";
import { type BackupWorld, PROCESS_WORLD } from "../backup/scene.ts";
import { type Answer, Problem } from "../fleet/scene.ts";
import type { Io } from "../io.ts";
import { list } from "./list.ts";
import { openMirrorScene, STACK_OPTIONS, type StackArgs } from "./scene.ts";
import { switchRepo } from "./switch.ts";

const STACK_ACTIONS = { list, switch: switchRepo } as const;

/** `world`: null = this process's. */
export async function runStackAction(
  name: keyof typeof STACK_ACTIONS,
  args: readonly string[],
  world: BackupWorld | null,
  io: Io,
): Promise<Answer> {
  const { values, positionals } = parseArgs({ args: [...args], options: STACK_OPTIONS, allowPositionals: true });
  const scene = await openMirrorScene(values, world ?? PROCESS_WORLD, io.out);
  return await STACK_ACTIONS[name](scene, positionals);
}

/** One sentence for what AWS or the world refuses; null = a defect. */
export function stackProblem(error: unknown, args: readonly string[], world: BackupWorld | null): string | null {
  if (error instanceof Problem || error instanceof MirrorStateUnreadable) return error.message;
  const { env } = world ?? PROCESS_WORLD;
  const { values } = parseArgs({ args: [...args], options: STACK_OPTIONS, strict: false, allowPositionals: true });
  const text = (value: StackArgs[keyof StackArgs]) => (typeof value === "string" ? value : null);
  return awsSentence(error, {
    bucket: text(values.bucket) ?? env.TOJI_BUCKET ?? null,
    region: text(values.region) ?? env.AWS_REGION ?? null,
    endpoint: text(values.endpoint),
  });
}
