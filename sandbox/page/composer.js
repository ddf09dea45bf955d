// Where a person types: words, or a slash command with its completion.

import { followOn, onReply } from "./conversation.js";
import { el } from "./dom.js";
import { ask } from "./doors.js";
import { clock } from "./dates.js";
import { author, channel, title, workspace } from "./workspace.js";

export function makeComposer(form) {
  const field = el("textarea", {
    id: "composer", rows: 1, dir: "auto", autocomplete: "off", "aria-label": "Message", "aria-controls": "commands",
    "aria-autocomplete": "list",
  });
  const send = el("button", { type: "submit", class: "button primary" }, "Send");
  const note = el("p", { class: "composer-note", role: "status" });
  const list = el("ul", { id: "commands", class: "commands", role: "listbox", "aria-label": "Commands", hidden: true });
  const thread = el("p", { class: "composer-thread", role: "status" });
  form.append(list, thread, el("div", { class: "composer-box" }, field, send), note);

  let found = [];
  let active = 0;

  function complete() {
    const typed = field.value;
    const commands = workspace.description.app.commands;
    found = /^\/\S*$/.test(typed) ? commands.filter(({ name }) => name.startsWith(typed) && name !== typed) : [];
    active = 0;
    drawList();
  }

  function drawList() {
    list.hidden = !found.length;
    list.replaceChildren(
      ...found.map((command, index) =>
        el(
          "li",
          { role: "option", id: `command-${index}`, "aria-selected": String(index === active), onpointerdown: (event) => {
            event.preventDefault();
            take(command);
          } },
          el("span", {}, el("strong", {}, command.name), " ", el("span", { class: "usage" }, command.usage)),
          el("span", { class: "menu-description" }, command.description),
        ),
      ),
    );
    if (found.length) field.setAttribute("aria-activedescendant", `command-${active}`);
    else field.removeAttribute("aria-activedescendant");
  }

  function take(command) {
    field.value = `${command.name} `;
    found = [];
    drawList();
    grow();
    field.focus();
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 160)}px`;
  }

  function drawThread() {
    const root = workspace.replyTo;
    if (!root) return thread.replaceChildren();
    const leave = el("button", { type: "button", class: "button", onclick: () => replyTo(null) }, "Leave the thread");
    const words = `Replying to ${author(root.user).name}, ${clock(Number(root.ts), workspace.me.tz)}`;
    thread.replaceChildren(el("span", {}, words), leave);
  }

  function replyTo(message) {
    workspace.replyTo = message && { by: workspace.me.id, channel: workspace.channelId, ts: message.ts, user: message.user };
    drawThread();
    field.focus();
  }

  async function submit() {
    const text = field.value.trim();
    if (!text) return;
    note.textContent = "";
    followOn();
    send.setAttribute("aria-busy", "true");
    field.value = "";
    grow();
    try {
      await sent(text);
    } catch (error) {
      note.textContent = error.message;
      field.value = text;
      grow();
    }
    send.removeAttribute("aria-busy");
  }

  field.addEventListener("input", () => {
    complete();
    grow();
  });
  field.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (found.length && event.key in steps) {
      active = (active + steps[event.key] + found.length) % found.length;
      drawList();
    } else if (found.length && (event.key === "Tab" || event.key === "Enter")) take(found[active]);
    else if (found.length && event.key === "Escape") {
      found = [];
      drawList();
    } else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  onReply(replyTo);
  return () => {
    const current = channel();
    const { by, channel: where } = workspace.replyTo ?? {};
    if (where && (where !== current?.id || by !== workspace.me.id)) {
      workspace.replyTo = null;
      drawThread();
    }
    field.placeholder = current ? `Message ${current.direct ? title(current) : `#${title(current)}`}` : "";
  };
}

function sent(text) {
  const where = { as: workspace.me.id, channel: workspace.channelId };
  if (!text.startsWith("/")) return ask("say", { ...where, text, thread_ts: workspace.replyTo?.ts ?? null });
  const [command, ...rest] = text.split(" ");
  return ask("command", { ...where, command, text: rest.join(" ") });
}
