// Times, durations and texts as persons write and read them.

import { UsageError } from "../io.ts";

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const LONGEST_SECONDS = 365 * 86_400;

/** "30m", "2h", "1d12h" in seconds. */
export function readDuration(text: string, option: string): number {
  if (!/^(\d+[smhd])+$/.test(text)) throw new UsageError(`${option} ${text}: write it like 30m, 2h, 3d or 1d12h`);
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g))
    seconds += Number(count) * (UNIT_SECONDS[unit ?? ""] ?? 0);
  if (seconds === 0) throw new UsageError(`${option} ${text}: it would be over before it began`);
  if (seconds > LONGEST_SECONDS)
    throw new UsageError(`${option} ${text}: more than a year; leave ${option} out instead`);
  return seconds;
}

/** Two figures at most: "40 s", "12 min", "3 h 20 min", "2 d 5 h". */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? pair(hours, "h", minutes % 60, "min") : pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

function pair(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}

/** "2026-11-22 13:14:36 UTC"; a time that no calendar has is shown as it is. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${seconds} s after 1970`;
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** What others wrote, fit for one line of a terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

/** At most so many characters as EC2 counts them; never half of one. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  let kept = "";
  for (const each of text) {
    if (kept.length + each.length > characters - 1) break;
    kept += each;
  }
  return `${kept}…`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
