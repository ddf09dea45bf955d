// Where a person types: words, or a slash command with its completion.

import { followOn } from "./conversation.js";
import { el } from "./dom.js";
import { ask } from "./doors.js";
import { channel, title, workspace } from "./workspace.js";

export function makeComposer(form) {
  const field = el("textarea", {
    id: "composer", rows: 1, dir: "auto", autocomplete: "off", "aria-label": "Message", "aria-controls": "commands",
    "aria-autocomplete": "list",
  });
  const send = el("button", { type: "submit", class: "button primary" }, "Send");
  const note = el("p", { class: "composer-note", role: "status" });
  const list = el("ul", { id: "commands", class: "commands", role: "listbox", "aria-label": "Commands", hidden: true });
  form.append(list, el("div", { class: "composer-box" }, field, send), note);

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
  return () => {
    const current = channel();
    field.placeholder = current ? `Message ${current.direct ? title(current) : `#${title(current)}`}` : "";
  };
}

function sent(text) {
  const where = { as: workspace.me.id, channel: workspace.channelId };
  if (!text.startsWith("/")) return ask("say", { ...where, text });
  const [command, ...rest] = text.split(" ");
  return ask("command", { ...where, command, text: rest.join(" ") });
}
