// The messages of one conversation; only those that changed are drawn again.

import { drawBlocks } from "./blocks.js";
import { clock, day, longDay } from "./dates.js";
import { el } from "./dom.js";
import { ask } from "./doors.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar } from "./sidebar.js";
import { author, channel, place, title, workspace } from "./workspace.js";

const drawn = new Map(); // key -> {signature, node}
const drafts = new Map(); // message -> block -> action -> {value, option}
const troubles = new Map(); // message and block -> sentence
let shownFor = "";

export function drawConversation(heading, list) {
  const current = channel();
  if (!current) return;
  heading.textContent = current.direct ? title(current) : `${current.private ? "" : "# "}${title(current)}`;
  heading.dataset.kind = current.direct ? "direct" : current.private ? "private" : "public";
  const who = `${workspace.me.id} ${current.id}`;
  const atEnd = shownFor !== who || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  if (shownFor !== who) drawn.clear();
  shownFor = who;
  const rows = rowsOf(current);
  reconcile(list, rows.length ? rows : [emptyRow(current)]);
  if (atEnd) list.scrollTop = list.scrollHeight;
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
  for (const message of current.messages) {
    const seconds = Number(message.ts);
    if (day(seconds, tz) !== lastDay) rows.push(dayRow(seconds, (lastDay = day(seconds, tz)), tz));
    const key = `${current.id} ${message.ts}`;
    rows.push({ key, signature: JSON.stringify([message, [...troubles].filter(([id]) => id.startsWith(key))]), draw: () => drawMessage(current, message) });
  }
  return rows;
}

function reconcile(list, rows) {
  const nodes = rows.map(({ key, signature, draw }) => {
    const before = drawn.get(key);
    if (before?.signature === signature) return before.node;
    const node = draw();
    const focused = before?.node.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    drawn.set(key, { signature, node, focused });
    return node;
  });
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  while (list.children.length > nodes.length) list.lastElementChild.remove();
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
  const classes = ["message", message.ephemeral ? "ephemeral" : "", message.thread_ts ? "reply" : ""];
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
        message.thread_ts ? el("span", { class: "note" }, "in a thread") : null,
      ),
      el("div", { class: "content" }, content(current, message)),
    ),
  );
}

function content(current, message) {
  if (message.blocks.length) return drawBlocks(message.blocks, surface(current, message));
  const words = mrkdwn(message.text, place(), { autoParse: message.auto_parse });
  return el("div", { class: "words", dir: "auto" }, words, message.edited ? el("span", { class: "note" }, " (edited)") : null);
}

function surface(current, message) {
  const key = `${current.id} ${message.ts}`;
  const where = { as: workspace.me.id, channel: current.id, ts: message.ts };
  const held = drafts.get(key) ?? new Map();
  drafts.set(key, held);
  return {
    place: place(),
    trouble: (blockId) => troubles.get(`${key} ${blockId}`),
    held: (block, element) => held.get(`${block.block_id}\n${element.action_id}`),
    hold: (block, element, value, option) => held.set(`${block.block_id}\n${element.action_id}`, { value, option }),
    act: async (block, element, value) => {
      const said = await attempt({ ...where, block_id: block.block_id, action_id: element.action_id, value, values: valuesOf(held) });
      if (said) troubles.set(`${key} ${block.block_id}`, said);
      else troubles.delete(`${key} ${block.block_id}`);
      document.dispatchEvent(new Event("redraw"));
    },
    suggest: async (block, element, typed) => {
      const answer = await ask("suggest", { ...where, block_id: block.block_id, action_id: element.action_id, value: typed });
      if (answer.error) throw new Error(answer.text);
      return answer.groups;
    },
  };
}

async function attempt(request) {
  try {
    const answer = await ask("act", request);
    return answer.error ? "We had some trouble connecting. Try again?" : null;
  } catch (error) {
    return error.message;
  }
}

// Held values as the doors take them: {block: {action: value}}.
export function valuesOf(held) {
  const values = {};
  for (const [key, { value }] of held) {
    const [block, action] = key.split("\n");
    (values[block] ??= {})[action] = value;
  }
  return values;
}
