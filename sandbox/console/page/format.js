// How values and sentences are worded, for the terminal and the page alike. Types in format.d.ts; no imports.

/** "2026-11-23 14:02:07Z" */
export function formatClock(epochSeconds) {
  const iso = toIso(epochSeconds);
  return iso === null ? "–" : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}

/** "14:02:07" */
export function formatTime(epochSeconds) {
  return toIso(epochSeconds)?.slice(11, 19) ?? "–";
}

function toIso(epochSeconds) {
  const date = new Date(epochSeconds * 1000);
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999 ? date.toISOString() : null;
}

/** "42 s", "3.4 min", "12 min", "2.1 h", "3.5 d": at most 7 characters for anything below three years. */
export function formatDuration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, seconds);
  if (whole < 99.5) return `${Math.round(whole)} s`;
  if (whole < 99.5 * 60) return `${short(whole / 60)} min`;
  if (whole < 48 * 3600) return `${short(whole / 3600)} h`;
  return `${short(whole / 86400)} d`;
}

function short(value) {
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}

/** "$12.40"; three decimals for small change, as in prices per hour: "$0.116". */
export function formatDollars(dollars) {
  if (!Number.isFinite(dollars)) return "–";
  const decimals = dollars !== 0 && Math.abs(dollars) < 1 ? 3 : 2;
  return `$${dollars.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`;
}

/** At most one decimal: "7.5", "1,204". */
export function formatNumber(value) {
  return Number.isFinite(value) ? value.toLocaleString("en-US", { maximumFractionDigits: 1 }) : "–";
}

/** "4.5 of 6", or "4.5" when the capacity is not known. */
export function formatLoad(load, capacity) {
  return capacity === undefined ? formatNumber(load) : `${formatNumber(load)} of ${formatNumber(capacity)}`;
}

/** "builder-x86-03.example.org" -> "builder-x86-03", unless two of the names would then be the same. */
export function shortNames(names) {
  const shorts = names.map((name) => name.split(".")[0] ?? name);
  const distinct = new Set(shorts).size === new Set(names).size;
  return new Map(names.map((name, index) => [name, distinct ? shorts[index] : name]));
}

const LIFE = ["launching", "booting", "serving", "draining", "stopping", "stopped", "lost", "unknown", "empty"];

/** [["booting", 1], ["serving", 3]], in the order of a builder's life. */
export function countPhases(builders) {
  const counted = Map.groupBy(builders, ({ phase }) => phase);
  return LIFE.filter((phase) => counted.has(phase)).map((phase) => [phase, counted.get(phase).length]);
}

/**
 * Changes of one kind and for one reason become one sentence that names all their slots:
 * "launch builder-x86-03, builder-x86-04 (default-x86, m7a.large spot, us-east-1a): 5 buildArch tasks ..."
 * is { verb: "launch", rest: "builder-x86-03, builder-x86-04 (...): 5 buildArch tasks ..." }.
 */
export function foldChanges(changes) {
  const folds = new Map();
  for (const sentence of changes) {
    const { verb, slot, tail } = takeApart(sentence);
    const key = JSON.stringify([verb, tail, slot === "" ? folds.size : ""]);
    const fold = folds.get(key) ?? { verb, slots: [], tail };
    fold.slots.push(slot);
    folds.set(key, fold);
  }
  return [...folds.values()].map(({ verb, slots, tail }) => ({ verb, rest: `${listNames(slots)}${tail}` }));
}

/** "launch a (b, c): d" -> launch | a | " (b, c): d". A sentence of another shape is all tail. */
function takeApart(sentence) {
  const colon = sentence.indexOf(": ");
  const [verb, slot] = sentence.slice(0, Math.max(0, colon)).split(" ");
  if (!verb || !slot) return { verb: "", slot: "", tail: sentence };
  return { verb, slot, tail: sentence.slice(verb.length + 1 + slot.length) };
}

function listNames(names) {
  if (names.length <= 4) return names.join(", ");
  return `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}
