// Times in the zone of the person who looks.

const DAY = 86400;

export function clock(seconds, tz) {
  return format(seconds, tz, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

export function day(seconds, tz) {
  return format(seconds, tz, { year: "numeric", month: "2-digit", day: "2-digit" });
}

export function longDay(seconds, tz) {
  return relativeDay(seconds, tz) ?? format(seconds, tz, { weekday: "long", day: "numeric", month: "long" });
}

// The text of a <!date^seconds^pattern> with every token of the pattern replaced.
export function dateText(seconds, pattern, tz) {
  const tokens = {
    date_num: () => iso(seconds, tz),
    date: () => format(seconds, tz, { month: "long", day: "numeric", year: "numeric" }),
    date_short: () => format(seconds, tz, { month: "short", day: "numeric", year: "numeric" }),
    date_long: () => format(seconds, tz, { weekday: "long", month: "long", day: "numeric", year: "numeric" }),
    time: () => clock(seconds, tz),
    time_secs: () => format(seconds, tz, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    ago: () => ago(seconds),
  };
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => {
    if (tokens[name]) return tokens[name]();
    const plain = tokens[name.replace(/_pretty$/, "")];
    if (!plain || !name.endsWith("_pretty")) return whole;
    return relativeDay(seconds, tz)?.toLowerCase() ?? plain();
  });
}

// What a datetime-local field shows for this moment in this zone.
export function toField(seconds, tz) {
  if (seconds === null || seconds === undefined) return "";
  return `${iso(seconds, tz)}T${clock(seconds, tz)}`;
}

// The moment a datetime-local field names in this zone; null when it is empty.
export function fromField(text, tz) {
  if (!text) return null;
  const asUtc = Date.parse(`${text}Z`) / 1000;
  const shown = Date.parse(`${toField(asUtc, tz)}Z`) / 1000;
  return asUtc - (shown - asUtc);
}

function format(seconds, timeZone, options) {
  return new Intl.DateTimeFormat("en-GB", { timeZone, ...options }).format(new Date(seconds * 1000));
}

function iso(seconds, tz) {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: tz, year: "numeric", month: "2-digit", day: "2-digit" });
  return parts.format(new Date(seconds * 1000));
}

function relativeDay(seconds, tz) {
  const now = Date.now() / 1000;
  const near = { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" };
  const found = Object.keys(near).find((days) => iso(now + days * DAY, tz) === iso(seconds, tz));
  return found === undefined ? undefined : near[found];
}

function ago(seconds) {
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const away = seconds - Date.now() / 1000;
  const units = [["day", DAY], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => Math.abs(away) >= length) ?? ["second", 1];
  return words.format(Math.round(away / size), unit);
}
