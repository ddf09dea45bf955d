// Making things go wrong on purpose, and the clock.

import { dateText } from "./dates.js";
import { el } from "./dom.js";
import { ask } from "./doors.js";
import { people, workspace } from "./workspace.js";

const NEXT_PAYLOAD = [
  ["Lose it", { kind: "lose" }],
  ["Deliver it 4 s late", { kind: "delay", seconds: 4 }],
  ["Deliver it twice", { kind: "duplicate" }],
  ["Lose its acknowledgement", { kind: "drop_ack" }],
  ["Make its acknowledgement 4 s late", { kind: "delay_ack", seconds: 4 }],
];
const NEXT_CALL = [
  ["Answer 429, try again in 5 s", { kind: "rate_limit", seconds: 5 }],
  ["Refuse it: internal_error", { kind: "api_error", error: "internal_error" }],
  ["Do it, then break the connection", { kind: "api_break" }],
];
const SOCKETS = [
  ["Ask to come back", "refresh_connections", { reason: "refresh_requested" }],
  ["Warn, ask ten seconds later", "refresh_connections", { reason: "warning" }],
  ["Cut without a word", "cut_connections", {}],
];
const CLOCK = [["+ 1 minute", 60], ["+ 1 hour", 3600], ["+ 1 day", 86400]];
const WORDS = {
  lose: "lose a payload", delay: "a payload late", duplicate: "a payload twice", drop_ack: "lose an acknowledgement",
  delay_ack: "an acknowledgement late", rate_limit: "answer a call 429", api_error: "refuse a call", api_break: "break a call",
};

let signature = "";

export function drawFaults(box) {
  const { faults, channels, app, connections, request_url } = workspace.description;
  const now = JSON.stringify([faults, channels, people(), connections, request_url, Math.floor(workspace.description.now / 60)]);
  if (signature === now) return;
  signature = now;
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.does : null;
  box.replaceChildren(
    waiting(faults),
    group("The next payload to the app", NEXT_PAYLOAD.map(([words, fault]) => does(words, "fault", fault))),
    group("The next call of the app", NEXT_CALL.map(([words, fault]) => does(words, "fault", fault))),
    request_url ? null : group(`Socket Mode, ${connections} ${connections === 1 ? "connection" : "connections"}`, SOCKETS.map(([words, door, request]) => does(words, door, request))),
    group(`${app.name} in channels`, channels.map((each) => channelSwitch(each, app))),
    group("Accounts", people().map(accountSwitch)),
    group(`The clock: ${dateText(workspace.description.now, "{date_short} at {time}", workspace.me.tz)}`, CLOCK.map(([words, seconds]) => does(words, "move_clock", { seconds }))),
  );
  if (focused) box.querySelector(`[data-does="${CSS.escape(focused)}"]`)?.focus();
}

function group(heading, buttons) {
  return el("section", { class: "fault-group" }, el("h3", {}, heading), el("div", { class: "actions" }, buttons));
}

function does(words, door, request) {
  const node = el("button", { type: "button", class: "button", "data-does": words, onclick: async () => {
    node.setAttribute("aria-busy", "true");
    try {
      await ask(door, request);
    } finally {
      node.removeAttribute("aria-busy");
      document.dispatchEvent(new Event("redraw"));
    }
  } }, words);
  return node;
}

function channelSwitch(each, app) {
  const inside = each.members.includes(app.user_id);
  const request = { do: inside ? "remove_from_channel" : "add_to_channel", person: app.user_id, channel: each.id };
  return does(`${inside ? "Remove from" : "Add to"} ${each.name}`, "admin", request);
}

function accountSwitch(person) {
  const request = { do: person.deactivated ? "reactivate" : "deactivate", person: person.id };
  return does(`${person.deactivated ? "Reactivate" : "Deactivate"} ${person.real_name}`, "admin", request);
}

function waiting(faults) {
  if (!faults.length) return el("p", { class: "hint" }, "Nothing is set to go wrong.");
  const rows = faults.map(({ kind, times, only }) => el("li", {}, `${WORDS[kind] ?? kind}${only ? ` (${only})` : ""}, ${times === null ? "until taken back" : times === 1 ? "once" : `${times} times`}`));
  return el("div", { class: "fault-waiting", role: "status" }, el("strong", {}, "Will go wrong:"), el("ul", {}, rows), does("Take all back", "clear_faults", {}));
}
