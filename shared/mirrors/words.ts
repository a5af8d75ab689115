// How the details of a check are worded: spans of time, sizes, counts and lists.

const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** The largest unit that is there at least once, and the one below it: "45 s", "12 min 5 s", "2 d 4 h". Never negative. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const first = UNITS.findIndex(([length]) => whole >= length);
  if (first === -1) return "0 s";
  let rest = whole;
  const parts: string[] = [];
  for (const [length, name] of UNITS.slice(first, first + 2)) {
    const times = Math.floor(rest / length);
    rest -= times * length;
    if (times > 0) parts.push(`${times} ${name}`);
  }
  return parts.join(" ");
}

/** "1 package", "20 packages". */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const MOST_NAMED = 5;

/** The first five, and how many more there are of `total`: "a, b and 3 more". */
export function someOf(names: readonly string[], total = names.length, separator = ", "): string {
  const named = names.slice(0, MOST_NAMED);
  const more = total - named.length;
  return more > 0 ? `${named.join(separator)} and ${more} more` : named.join(separator);
}

/** The host name of an address; what is none is given back as it is. */
export function hostText(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url;
}
