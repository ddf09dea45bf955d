// The messages of one conversation; only those that changed are drawn again.

import { drawBlocks } from "./blocks.js";
import { clock, day, longDay } from "./dates.js";
import { el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar } from "./sidebar.js";
import { surfaceOf, troublesOf } from "./surface.js";
import { author, channel, place, title, workspace } from "./workspace.js";

const drawn = new Map(); // key -> {signature, node}
let shownFor = "";
let following = true;
let seen = ""; // the newest message that was on the screen
let news = null;

export function drawConversation(heading, list) {
  const current = channel();
  if (!current) return;
  heading.textContent = current.direct ? title(current) : `${current.private ? "" : "# "}${title(current)}`;
  heading.dataset.kind = current.direct ? "direct" : current.private ? "private" : "public";
  const who = `${workspace.me.id} ${current.id}`;
  const fresh = shownFor !== who || Boolean(list.querySelector(".home"));
  if (shownFor !== who) drawn.clear();
  shownFor = who;
  following ||= fresh;
  const rows = rowsOf(current);
  reconcile(list, rows.length ? rows : [emptyRow(current)]);
  if (following) list.scrollTop = list.scrollHeight;
  drawNews();
}

// Who sends something wants to see what comes of it.
export function followOn() {
  following = true;
}

// Who reads further up is not torn away, and is told that there is something new.
export function makeNews(button, list) {
  news = button;
  button.addEventListener("click", () => {
    const [first] = unseen();
    list.querySelector(`[data-ts="${CSS.escape(first?.ts ?? "")}"]`)?.scrollIntoView({ block: "start" });
    seen = channel()?.messages.at(-1)?.ts ?? "";
    drawNews();
    list.focus({ preventScroll: true });
  });
}

function drawNews() {
  if (following) seen = channel()?.messages.at(-1)?.ts ?? "";
  const count = unseen().length;
  news.hidden = !count;
  news.textContent = count === 1 ? "1 new message" : `${count} new messages`;
}

function unseen() {
  return (channel()?.messages ?? []).filter(({ ts }) => ts > seen);
}

// Who reads the newest message goes on reading it when there is another, or less room: the keyboard of a phone.
export function followEnd(list) {
  const isHome = () => Boolean(list.querySelector(".home"));
  list.addEventListener("scroll", () => {
    if (isHome()) return;
    following = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    drawNews();
  });
  new ResizeObserver(() => {
    if (following && !isHome()) list.scrollTop = list.scrollHeight;
  }).observe(list);
}

let replyIn = () => {};

// What is done where a person presses Reply on a message.
export function onReply(does) {
  replyIn = does;
}

// Scrolls to the message a permalink names and marks it for a moment.
export function pointAt(list, ts) {
  const node = list.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  node?.scrollIntoView({ block: "center" });
  node?.classList.add("pointed-at");
}

function rowsOf(current) {
  const { tz } = workspace.me;
  const rows = [];
  let lastDay = "";
  const add = (message) => {
    const key = `${current.id} ${message.ts}`;
    rows.push({ key, signature: JSON.stringify([message, troublesOf(key)]), draw: () => drawMessage(current, message) });
  };
  const there = new Set(current.messages.map((message) => message.ts));
  const isReply = ({ thread_ts, ts }) => thread_ts && thread_ts !== ts && there.has(thread_ts);
  for (const message of current.messages.filter((each) => !isReply(each))) {
    const seconds = Number(message.ts);
    if (day(seconds, tz) !== lastDay) rows.push(dayRow(seconds, (lastDay = day(seconds, tz)), tz));
    add(message);
    current.messages.filter((each) => isReply(each) && each.thread_ts === message.ts).forEach(add);
  }
  return rows;
}

function reconcile(list, rows) {
  let refocus = null;
  const nodes = rows.map(({ key, signature, draw }) => {
    const before = drawn.get(key);
    if (before?.signature === signature) return before.node;
    const node = draw();
    if (before?.node.contains(document.activeElement)) refocus = { node, action: document.activeElement.dataset.action };
    drawn.set(key, { signature, node });
    return node;
  });
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  while (list.children.length > nodes.length) list.lastElementChild.remove();
  if (refocus) (find(refocus) ?? list).focus({ preventScroll: true });
}

function find({ node, action }) {
  return action && node.querySelector(`[data-action="${CSS.escape(action)}"]`);
}

function dayRow(seconds, key, tz) {
  return { key: `day ${key}`, signature: longDay(seconds, tz), draw: () => el("li", { class: "day" }, el("span", {}, longDay(seconds, tz))) };
}

function emptyRow(current) {
  const command = workspace.description.app.commands[0];
  const words = current.direct
    ? `This is where ${title(current)} writes to you alone.`
    : `Nothing has been said in ${title(current)} yet.`;
  return {
    key: "empty",
    signature: words,
    draw: () => el("li", { class: "empty-note" }, el("p", {}, words), command ? el("p", {}, "Type ", el("code", {}, command.name), " below to begin.") : null),
  };
}

function drawMessage(current, message) {
  const { name, bot } = author(message.user);
  const seconds = Number(message.ts);
  const classes = ["message", message.ephemeral ? "ephemeral" : "", isInThread(message) ? "reply" : ""];
  return el(
    "li",
    { class: classes.join(" ").trim(), "data-ts": message.ts },
    avatar(message.user),
    el(
      "article",
      { class: "message-main", "aria-label": `${name}, ${clock(seconds, workspace.me.tz)}` },
      message.ephemeral ? el("p", { class: "only-you" }, "Only visible to you") : null,
      el(
        "p",
        { class: "byline" },
        el("strong", {}, name),
        bot ? el("span", { class: "app-mark" }, "app") : null,
        el("time", { datetime: new Date(seconds * 1000).toISOString() }, clock(seconds, workspace.me.tz)),
        isInThread(message) ? el("span", { class: "note" }, "in a thread") : null,
      ),
      el("div", { class: "content" }, content(current, message)),
      message.ephemeral || current.direct || isInThread(message) ? null : replyButton(message, seconds),
    ),
  );
}

function replyButton(message, seconds) {
  const label = `Reply in the thread of ${clock(seconds, workspace.me.tz)}`;
  return el("button", { type: "button", class: "button reply-button", "aria-label": label, "data-action": "reply", onclick: () => replyIn(message) }, "Reply");
}

function isInThread({ thread_ts, ts }) {
  return Boolean(thread_ts) && thread_ts !== ts;
}

function content(current, message) {
  if (message.blocks.length) return drawBlocks(message.blocks, surfaceOf(`${current.id} ${message.ts}`, { as: workspace.me.id, channel: current.id, ts: message.ts }));
  const words = mrkdwn(message.text, place(), { autoParse: message.auto_parse });
  return el("div", { class: "words", dir: "auto" }, words, message.edited ? el("span", { class: "note" }, " (edited)") : null);
}
