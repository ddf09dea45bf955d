// JSON to look into: each object and list opens and closes by itself.

import { el } from "./dom.js";

const SHORT = 60;

export function drawJson(value, open = 1) {
  if (value === null || typeof value !== "object") return el("span", { class: `json-${value === null ? "null" : typeof value}` }, JSON.stringify(value) ?? "—");
  const entries = Object.entries(value);
  const brackets = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (!entries.length) return el("span", {}, brackets.join(""));
  const whole = JSON.stringify(value);
  if (whole.length <= SHORT) return el("span", {}, whole);
  const rows = entries.map(([key, each]) =>
    el("li", {}, Array.isArray(value) ? null : el("span", { class: "json-key" }, `${key}: `), drawJson(each, open - 1)),
  );
  const count = Array.isArray(value) ? `${entries.length} items` : entries.map(([key]) => key).join(", ");
  return el(
    "details",
    { class: "json", open: open > 0 },
    el("summary", {}, brackets[0], el("span", { class: "json-count" }, count), brackets[1]),
    el("ul", {}, rows),
  );
}
