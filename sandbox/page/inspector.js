// What went to and fro: payloads and how long their acknowledgement took, calls and their answers, violations.

import { el } from "./dom.js";
import { ask } from "./doors.js";
import { drawJson } from "./json.js";
import { dateText } from "./dates.js";
import { workspace } from "./workspace.js";

const WAYS = {
  payload: "to the app", call: "call", response_url: "response URL", violation: "violation", socket: "Socket Mode", fault: "fault",
};
const SENT = { payload: "Payload", violation: "What Slack would say", fault: "What shall go wrong" };
const FILTERS = { all: "Everything", payload: "To the app", call: "Calls", violation: "Violations", failed: "What failed" };
const SHOWN = 300;

const entries = new Map(); // number -> {entry, signature, node once it was shown}
let hiddenUpTo = 0;

export function makeInspector(box) {
  const search = el("input", { class: "text-input", type: "search", placeholder: "Find", "aria-label": "Find in what happened", oninput: draw });
  const filter = el("select", { class: "text-input", "aria-label": "Show", onchange: draw }, Object.entries(FILTERS).map(([value, words]) => el("option", { value }, words)));
  const clear = el("button", { type: "button", class: "button", onclick: () => {
    hiddenUpTo = Math.max(0, ...entries.keys());
    draw();
  } }, "Clear");
  const list = el("ol", { class: "entries", tabindex: "0", "aria-label": "What happened, newest first" });
  box.append(el("div", { class: "inspector-tools" }, filter, search, clear), list);

  function draw() {
    const wanted = search.value.toLowerCase();
    const rows = [...entries.values()].filter(({ entry, signature }) => entry.number > hiddenUpTo && matches(entry, filter.value) && signature.toLowerCase().includes(wanted));
    const nodes = rows.reverse().slice(0, SHOWN).map((row) => (row.node ??= drawEntry(row.entry, row.open)));
    list.replaceChildren(...(nodes.length ? nodes : [el("li", { class: "empty-note" }, "Nothing yet.")]));
  }

  return async function renew() {
    const { entries: fresh } = await ask("journal", { after: lastSettled() });
    let changed = false;
    for (const entry of fresh) {
      const signature = JSON.stringify(entry);
      if (entries.get(entry.number)?.signature === signature) continue;
      const open = entries.get(entry.number)?.node?.firstElementChild.open ?? false;
      entries.set(entry.number, { entry, signature, open });
      changed = true;
    }
    if (changed || !list.children.length) draw();
  };
}

// Entries up to here will not change any more: their answers are in.
function lastSettled() {
  const waiting = [...entries.values()].filter(({ entry }) => ["payload", "call"].includes(entry.way) && entry.ms === null);
  if (waiting.length) return Math.min(...waiting.map(({ entry }) => entry.number)) - 1;
  return Math.max(0, ...entries.keys());
}

function matches(entry, filter) {
  if (filter === "all") return true;
  return filter === "failed" ? Boolean(entry.error) : entry.way === filter;
}

function drawEntry(entry, open) {
  const state = entry.way === "violation" ? "violation" : entry.error ? "failed" : "fine";
  const parts = () => [
    part(SENT[entry.way] ?? "Sent", entry.sent),
    part(entry.way === "payload" ? "Acknowledgement" : "Answer", entry.answer),
  ].filter(Boolean);
  // Drawn when it is opened: all payloads of a day are more than a page can hold.
  const fill = ({ target }) => {
    if (target.open && target.children.length === 1) target.append(...parts());
  };
  return el(
    "li",
    { class: `entry ${state}` },
    el(
      "details",
      { open, ontoggle: fill },
      el(
        "summary",
        {},
        el("time", {}, dateText(entry.at, "{time_secs}", workspace.me.tz)),
        el("span", { class: "entry-way" }, WAYS[entry.way] ?? entry.way),
        el("span", { class: "entry-name" }, entry.name),
        entry.error ? el("span", { class: "entry-error" }, entry.error) : null,
        entry.ms !== null ? el("span", { class: "entry-ms" }, `${entry.ms < 10 ? entry.ms : Math.round(entry.ms)} ms`) : null,
      ),
      open ? parts() : null,
    ),
  );
}

function part(words, value) {
  if (value === null || value === undefined) return null;
  return el("div", { class: "entry-part" }, el("h3", {}, words), drawJson(value));
}
