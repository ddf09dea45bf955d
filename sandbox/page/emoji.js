// The few emoji names an app of this kind writes; any other name stays as it is.

const NAMES = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫", warning: "⚠️",
  rotating_light: "🚨", lock: "🔒", unlock: "🔓", key: "🔑", closed_lock_with_key: "🔐", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", stopwatch: "⏱️", alarm_clock: "⏰", clock1: "🕐", eyes: "👀", wave: "👋",
  tada: "🎉", information_source: "ℹ️", red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡",
  white_circle: "⚪", memo: "📝", shield: "🛡️", bell: "🔔", point_right: "👉", door: "🚪", broom: "🧹",
};

export function emojiText(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => NAMES[name] ?? whole);
}
