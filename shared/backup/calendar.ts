// Hours, days, weeks, months and years in a time zone: which slot an instant falls into.

export type SlotKind = "hourly" | "daily" | "weekly" | "monthly" | "yearly";

interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** East of UTC. */
  readonly offsetMinutes: number;
}

const DAY_MS = 86_400_000;
/** What a Date can hold. */
const LAST_SECOND = 8.64e12;

export function isInstant(seconds: number): boolean {
  return Number.isFinite(seconds) && Math.abs(seconds) <= LAST_SECOND;
}

/** Named so that people read it: "2026-11-20 03:00+01:00", "2026-11-20", "2026-W47", "2026-11", "2026". */
export function slotOf(kind: SlotKind, instant: number, timezone: string): string {
  const local = localTime(instant, timezone);
  const year = pad(local.year, 4);
  switch (kind) {
    case "hourly":
      // The offset keeps apart the two hours of one name when clocks go back.
      return `${dayOf(local)} ${pad(local.hour)}:00${offsetText(local.offsetMinutes)}`;
    case "daily":
      return dayOf(local);
    case "weekly":
      return weekOf(local);
    case "monthly":
      return `${year}-${pad(local.month)}`;
    case "yearly":
      return year;
    default:
      return kind satisfies never;
  }
}

/** "2026-11-20 03:00" in the zone. */
export function minuteText(instant: number, timezone: string): string {
  const local = localTime(instant, timezone);
  return `${dayOf(local)} ${pad(local.hour)}:${pad(local.minute)}`;
}

/** ISO 8601: a week begins on Monday and belongs to the year of its Thursday. */
function weekOf({ year, month, day }: LocalTime): string {
  const midnight = Date.UTC(year, month - 1, day);
  const sinceMonday = (new Date(midnight).getUTCDay() + 6) % 7;
  const thursday = midnight + (3 - sinceMonday) * DAY_MS;
  const weekYear = new Date(thursday).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(weekYear, 0, 1)) / DAY_MS / 7) + 1;
  return `${pad(weekYear, 4)}-W${pad(week)}`;
}

function dayOf({ year, month, day }: LocalTime): string {
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
}

function offsetText(minutes: number): string {
  const plain = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(plain / 60))}:${pad(plain % 60)}`;
}

/** Making one costs far more than using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  const made =
    formats.get(timezone) ??
    new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  formats.set(timezone, made);
  return made;
}

function localTime(instant: number, timezone: string): LocalTime {
  const milliseconds = Math.floor(instant) * 1000;
  const parts = new Map(
    formatOf(timezone)
      .formatToParts(milliseconds)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const [year, month, day, hour, minute] = [part("year"), part("month"), part("day"), part("hour"), part("minute")];
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, part("second"));
  return { year, month, day, hour, minute, offsetMinutes: Math.round((asUtc - milliseconds) / 60_000) };
}

function pad(number: number, width = 2): string {
  return String(number).padStart(width, "0");
}
