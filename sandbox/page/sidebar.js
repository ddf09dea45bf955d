// The bar with the cast, and the list of conversations.

import { clock } from "./dates.js";
import { el } from "./dom.js";
import { ask } from "./doors.js";
import { atHome, author, canAct, HOME, now, people, title, unread, unreadElsewhere, workspace } from "./workspace.js";

export function avatar(id) {
  const { name, colour } = author(id);
  const node = el("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1));
  node.style.backgroundColor = colour;
  return node;
}

export function drawCast(container, chosen) {
  const signature = JSON.stringify([workspace.me.id, people(), people().map(marks)]);
  if (container.dataset.signature === signature) return;
  container.dataset.signature = signature;
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.person : null;
  container.replaceChildren(
    ...people().map((person) =>
      el(
        "button",
        {
          type: "button", class: "person", "data-person": person.id, "aria-pressed": String(person.id === workspace.me.id),
          disabled: !canAct(person), onclick: () => chosen(person), "aria-label": person.real_name, title: `${marks(person)} (${person.tz})`,
        },
        avatar(person.id),
        el("span", { class: "person-words" }, el("span", {}, person.real_name), el("span", { class: "mark" }, marks(person))),
      ),
    ),
  );
  container.querySelector(`[data-person="${focused}"]`)?.focus();
  container.querySelector('[aria-pressed="true"]').scrollIntoView({ inline: "nearest", block: "nearest" });
}

// What they do here, and the time where they are.
function marks(person) {
  if (person.deactivated) return "deactivated";
  return [person.guest ? "guest" : person.title, clock(now(), person.tz)].filter(Boolean).join(", ");
}

// On a phone the conversations are put aside; their news are counted on what brings them up.
export function drawMenu(button) {
  const count = unreadElsewhere();
  const badge = button.querySelector(".count");
  badge.hidden = !count;
  badge.textContent = String(count);
  button.setAttribute("aria-label", count ? `Channels, ${count} unread` : "Channels");
}

export function drawSidebar(container, chosen) {
  const { channels } = workspace.screen;
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.channel : null;
  container.replaceChildren(
    el("p", { class: "whoami" }, avatar(workspace.me.id), el("span", {}, "You are ", el("strong", {}, workspace.me.real_name))),
    group("Channels", channels.filter((each) => !each.direct), chosen),
    workspace.description.app.home_tab ? el("section", {}, el("h2", {}, "App"), el("ul", {}, el("li", {}, homeRow(chosen)), shortcutRows())) : null,
    group("Direct messages", channels.filter((each) => each.direct), chosen),
  );
  container.querySelector(`[data-channel="${focused}"]`)?.focus();
}

function group(heading, channels, chosen) {
  return el("section", {}, el("h2", {}, heading), el("ul", {}, channels.map((each) => el("li", {}, row(each, chosen)))));
}

function homeRow(chosen) {
  return el(
    "button",
    { type: "button", class: "row", "data-channel": HOME, "aria-current": atHome() ? "page" : null, onclick: () => chosen(HOME) },
    el("span", { class: "sign", "aria-hidden": "true" }, "⌂"),
    el("span", { class: "row-name" }, "Home"),
  );
}

function shortcutRows() {
  return workspace.description.app.shortcuts.map(({ name, callback_id, description }) =>
    el("li", {}, el("button", {
      type: "button", class: "row", "data-channel": `shortcut ${callback_id}`, title: description || null,
      onclick: () => ask("shortcut", { as: workspace.me.id, callback_id }),
    }, el("span", { class: "sign", "aria-hidden": "true" }, "↯"), el("span", { class: "row-name" }, name))),
  );
}

function row(each, chosen) {
  const count = unread(each);
  const here = each.id === workspace.channelId;
  return el(
    "button",
    {
      type: "button", class: count && !here ? "row unread" : "row", "data-channel": each.id,
      "aria-current": here ? "page" : null, onclick: () => chosen(each.id),
    },
    el("span", { class: "sign", "aria-hidden": "true" }, sign(each)),
    el("span", { class: "row-name" }, title(each)),
    each.private && !each.direct ? el("span", { class: "visually-hidden" }, "private") : null,
    count && !here ? el("span", { class: "count" }, String(count), el("span", { class: "visually-hidden" }, " unread")) : null,
  );
}

function sign(each) {
  if (each.direct) return avatar(workspace.description.app.user_id);
  return each.private ? lock() : "#";
}

function lock() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "lock");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M8 1a3.5 3.5 0 0 0-3.5 3.5V7H4a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1V8a1 1 0 0 0-1-1h-.5V4.5A3.5 3.5 0 0 0 8 1Zm2 6H6V4.5a2 2 0 1 1 4 0Z");
  svg.append(path);
  return svg;
}
