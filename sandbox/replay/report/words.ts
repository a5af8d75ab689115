// How the report words its numbers. Anything that is not a number is "–".

import type { Params } from "../policies/policy.ts";

export { formatDuration } from "../../console/page/format.js";

/** "$0.042", "$4.20", "$813", "$7,229": three digits or all whole dollars. */
export function formatMoney(dollars: number): string {
  if (!Number.isFinite(dollars)) return "–";
  const size = Math.abs(dollars);
  const sign = dollars < 0 ? "-" : "";
  if (size === 0) return "$0";
  if (size < 1) return `${sign}$${Number(size.toPrecision(2))}`;
  const decimals = size < 99.995 ? 2 : 0;
  return `${sign}$${size.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`;
}

/** What an hour of waiting is worth: "$5", "$0.50". */
export function formatWorth(dollars: number): string {
  return Number.isInteger(dollars) ? `$${dollars.toLocaleString("en-US")}` : formatMoney(dollars);
}

/** "12,402", whole. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? Math.round(count).toLocaleString("en-US") : "–";
}

/** Hours of instances or tasks: "0.42 h", "7.5 h", "36,045 h". */
export function formatHours(hours: number): string {
  if (!Number.isFinite(hours)) return "–";
  const decimals = Math.abs(hours) < 0.995 ? 2 : Math.abs(hours) < 99.95 ? 1 : 0;
  return `${hours.toLocaleString("en-US", { maximumFractionDigits: decimals })} h`;
}

/** "12 %", "0.4 %". */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const percent = share * 100;
  return `${percent.toFixed(percent !== 0 && Math.abs(percent) < 9.95 ? 1 : 0)} %`;
}

/** "0.83×" */
export function formatRatio(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(ratio < 99.5 ? 2 : 0)}×` : "–";
}

/** "17 % less", "3 % more", "as much", "3.4 times as much". */
export function compareCosts(ratio: number): string {
  const percent = Math.round(Math.abs(ratio - 1) * 100);
  if (percent === 0) return "as much";
  if (ratio >= 2) return `${ratio.toFixed(1)} times as much`;
  return `${percent} % ${ratio < 1 ? "less" : "more"}`;
}

/** "1, 5 and 25" */
export function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** "idle 180 s, spare 220": names split into words, their unit moved behind the value. */
export function formatParams(params: Params): string {
  return Object.entries(params).map(formatParam).join(", ");
}

function formatParam([name, value]: readonly [string, number]): string {
  const number = value.toLocaleString("en-US", { maximumSignificantDigits: 6 });
  const seconds = /^(.+)Seconds$/.exec(name)?.[1];
  return seconds === undefined ? `${splitWords(name)} ${number}` : `${splitWords(seconds)} ${number} s`;
}

function splitWords(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, (_, before, after) => `${before} ${after.toLowerCase()}`);
}

/** A moment of the trace: a UTC time, or hours since its start if the trace has no calendar. */
export function formatMoment(at: number): string {
  if (hasCalendar(at)) return `${new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const minutes = Math.max(0, Math.round(at / 60));
  return `${formatCount(Math.floor(minutes / 60))} h ${minutes % 60} min into the trace`;
}

/** Epoch seconds of 2001 and later, as far as a Date reaches; smaller numbers count from the start of the trace. */
export function hasCalendar(at: number): boolean {
  return at >= 978_307_200 && at < 253_402_300_800;
}

/** A number and its unit stay on one line. For sentences that are read, not copied. */
export function keepUnits(sentence: string): string {
  return sentence.replace(/(\d) (?=(?:s|min|h|d|%)(?!\w))/g, "$1\u00a0");
}
