// EventBridge Scheduler's expressions on the virtual clock.

import { CronExpressionParser } from "cron-parser";
import type { VirtualClock } from "../world/clock.ts";

const UNIT_SECONDS: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 };

/** When an expression is due next after `time`; epoch seconds. Throws a RangeError for what Scheduler would refuse. */
export function nextTime(expression: string, timezone: string, time: number): number {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate !== null) return time + Number(rate[1]) * (UNIT_SECONDS[rate[2] ?? ""] ?? 0);
  const cron = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/.exec(expression);
  if (cron === null) throw new RangeError(`${expression}: neither rate(...) nor cron(...)`);
  const [, minute, hour, day, month, weekday = "?", year] = cron;
  if (year !== "*") throw new RangeError(`${expression}: the sandbox knows no single years`);
  // AWS counts weekdays from 1 = Sunday, cron from 0.
  const shifted = weekday.replace(/(?<![\w#/])[1-7](?![\w])/g, (digit) => String(Number(digit) - 1));
  const fields = ["0", minute, hour, day, month, shifted].join(" ");
  const options = { currentDate: new Date(time * 1000), tz: timezone };
  return CronExpressionParser.parse(fields, options).next().getTime() / 1000;
}

/** Runs `run` whenever the expression is due. Returns how to end it. */
export function onSchedule(
  clock: VirtualClock,
  { expression, timezone }: { readonly expression: string; readonly timezone: string },
  run: () => Promise<unknown>,
): () => void {
  let cancel = () => {};
  const plan = () => {
    cancel = clock.at(nextTime(expression, timezone, clock.now()), () => {
      plan();
      return run();
    });
  };
  plan();
  return () => cancel();
}
