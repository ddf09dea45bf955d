// The modal on top of the person's stack: fields keep what was typed as long as their ids stay.

import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { ask, NotPossible } from "./doors.js";
import { valuesOf } from "./surface.js";
import { place, workspace } from "./workspace.js";

const TROUBLE = "We had some trouble connecting. Try again?";
const VALUE_KEYS = [
  "value", "selected_date_time", "selected_date", "selected_time", "selected_user", "selected_channel", "selected_conversation",
  "selected_users", "selected_channels", "selected_conversations",
];
const typed = new Map(); // view id -> held values
let shown = { id: null };
let dialog = null;

export function drawModal() {
  const view = workspace.screen.views.at(-1);
  if (!view) return closeDialog();
  if (shown.id === view.id && shown.hash === view.hash && shown.person === workspace.me.id && dialog) return;
  if (shown.id !== view.id) shown = { id: view.id, errors: {}, trouble: null };
  shown.hash = view.hash;
  shown.person = workspace.me.id;
  draw(view);
}

function draw(view) {
  const focused = dialog?.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  dialog ??= openDialog();
  const depth = workspace.screen.views.length;
  dialog.setAttribute("aria-label", view.title.text);
  dialog.replaceChildren(
    el(
      "form",
      { class: "modal-form", novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        submit(view);
      } },
      el(
        "div",
        { class: "modal-head" },
        el("div", {}, el("p", { class: "modal-app" }, workspace.description.app.name, depth > 1 ? `, ${depth} of 3 open` : ""), el("h2", { class: "modal-title" }, view.title.text)),
        el("button", { type: "button", class: "cross", "aria-label": "Close", onclick: () => close(view, true) }, "×"),
      ),
      shown.trouble ? el("p", { class: "banner", role: "alert" }, shown.trouble) : null,
      el("div", { class: "modal-body" }, drawBlocks(view.blocks, surface(view))),
      el(
        "div",
        { class: "modal-foot" },
        el("button", { type: "button", class: "button", onclick: () => close(view, false) }, view.close?.text ?? (view.submit ? "Cancel" : "Close")),
        view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null,
      ),
    ),
  );
  const again = focused && dialog.querySelector(`[data-action="${CSS.escape(focused)}"]`);
  const wrong = dialog.querySelector(".has-error input, .has-error textarea, .has-error button");
  (again || wrong || dialog.querySelector("[autofocus]") || dialog.querySelector(".input input, .input textarea, .input button") || dialog.querySelector(".modal-foot .primary, .modal-foot .button"))?.focus();
}

function openDialog() {
  const node = el("dialog", { class: "modal", oncancel: (event) => {
    event.preventDefault();
    const view = workspace.screen.views.at(-1);
    if (view && event.target === node) close(view, true);
  } });
  document.body.append(node);
  node.showModal();
  return node;
}

function closeDialog() {
  dialog?.close(); // gives the focus back to where it was
  dialog?.remove();
  dialog = null;
  shown = { id: null };
}

function surface(view) {
  const where = { as: workspace.me.id, view: view.id };
  const held = typed.get(view.id) ?? new Map();
  typed.set(view.id, held);
  const request = (block, element, value) => ({
    ...where, block_id: block.block_id, action_id: element.action_id, value, values: current(view),
  });
  return {
    place: place(),
    error: (blockId) => shown.errors[blockId],
    trouble: () => null,
    held: (block, element) => held.get(`${block.block_id}\n${element.action_id}`) ?? stored(view, block, element),
    hold: (block, element, value, option) => held.set(`${block.block_id}\n${element.action_id}`, { value, option }),
    act: async (block, element, value) => {
      if (block.type === "input" && !block.dispatch_action) return;
      const answer = await attempt("act", request(block, element, value));
      if (answer.error) redraw(view, { trouble: TROUBLE });
    },
    suggest: async (block, element, text) => {
      const answer = await ask("suggest", request(block, element, text));
      if (answer.error) throw new Error(answer.text);
      return answer.groups;
    },
  };
}

// What the server holds for a field nobody has touched on this page.
function stored(view, block, element) {
  const entry = view.state.values[block.block_id]?.[element.action_id];
  if (!entry) return undefined;
  if (entry.selected_option) return { value: entry.selected_option.value, option: entry.selected_option };
  if (entry.selected_options) return { value: entry.selected_options.map((option) => option.value) };
  return { value: VALUE_KEYS.map((key) => entry[key]).find((value) => value !== undefined) ?? null };
}

// What was typed into fields that are still there.
function current(view) {
  const there = new Set(Object.entries(view.state.values).flatMap(([block, fields]) => Object.keys(fields).map((action) => `${block}\n${action}`)));
  return valuesOf(new Map([...(typed.get(view.id) ?? [])].filter(([key]) => there.has(key))));
}

async function submit(view) {
  dialog.querySelector(".modal-foot .primary").setAttribute("aria-busy", "true");
  const answer = await attempt("submit", { as: workspace.me.id, view: view.id, values: current(view) });
  if (answer.fields && Object.keys(answer.fields).length) return redraw(view, { errors: answer.fields });
  if (answer.error) return redraw(view, { trouble: answer.text ?? TROUBLE });
  if (answer.errors) return redraw(view, { errors: answer.errors });
  shown.errors = {};
  shown.trouble = null;
  document.dispatchEvent(new Event("redraw"));
}

async function close(view, everything) {
  await attempt("close", { as: workspace.me.id, view: view.id, everything });
  document.dispatchEvent(new Event("redraw"));
}

async function attempt(door, request) {
  try {
    return await ask(door, request);
  } catch (error) {
    if (error instanceof NotPossible) return { error: "not_possible", text: error.message, fields: error.fields };
    return { error: "unreachable", text: error.message };
  }
}

function redraw(view, { errors = {}, trouble = null }) {
  if (!dialog || shown.id !== view.id) return;
  shown.errors = errors;
  shown.trouble = trouble;
  draw(workspace.screen.views.find((each) => each.id === view.id) ?? view);
}
