// A menu with a search field: for static options, for options the app is asked for, and for overflow menus.

import { el, freshId } from "./dom.js";

const TYPING_PAUSE = 150;
let closeOpen = () => {};

// opener: the button; groups: async (typed) => [{label, options}] or a thrown sentence; chosen: (option) => void.
export function menu(opener, { groups, chosen, searchable, hint }) {
  const listId = freshId("options");
  const search = el("input", {
    class: "menu-search", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": listId,
    "aria-label": "Search the options", autocomplete: "off", placeholder: hint ?? "Search", hidden: !searchable,
  });
  const list = el("ul", { class: "menu-list", role: "listbox", id: listId, tabindex: "-1" });
  const box = el("div", { class: "menu" }, search, list);
  let options = [];
  let active = -1;
  let asked = 0;
  let pause;

  async function load() {
    const mine = (asked += 1);
    list.setAttribute("aria-busy", "true");
    try {
      const found = await groups(search.value);
      if (mine === asked) draw(found);
    } catch (error) {
      if (mine === asked) list.replaceChildren(el("li", { class: "menu-note", role: "presentation" }, error.message));
    }
    if (mine === asked) list.removeAttribute("aria-busy");
  }

  function draw(found) {
    options = [];
    list.replaceChildren(
      ...found.flatMap((group) => [
        group.label ? el("li", { class: "menu-group", role: "presentation" }, group.label.text) : [],
        group.options.map(drawOption),
      ]).flat(),
    );
    if (!options.length) list.replaceChildren(el("li", { class: "menu-note", role: "presentation" }, "No results"));
    move(options.length ? 0 : -1);
  }

  function drawOption(option) {
    const row = el(
      "li",
      { role: "option", id: freshId("option"), class: "menu-option", onclick: () => finish(option) },
      option.text.text,
      option.description ? el("span", { class: "menu-description" }, option.description.text) : null,
    );
    options.push({ option, row });
    return row;
  }

  function move(to) {
    active = to;
    options.forEach(({ row }, index) => row.setAttribute("aria-selected", String(index === active)));
    const row = options[active]?.row;
    row?.scrollIntoView({ block: "nearest" });
    (searchable ? search : list).setAttribute("aria-activedescendant", row?.id ?? "");
  }

  function finish(option) {
    close();
    opener.focus();
    chosen(option);
  }

  function close() {
    box.remove();
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    closeOpen = () => {};
  }

  function outside(event) {
    if (!box.contains(event.target) && !opener.contains(event.target)) close();
  }

  box.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && options.length) move((active + steps[event.key] + options.length) % options.length);
    else if (event.key === "Enter" && options[active]) finish(options[active].option);
    else if (event.key === "Escape" || event.key === "Tab") {
      close();
      opener.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(load, TYPING_PAUSE);
  });

  closeOpen();
  closeOpen = close;
  opener.setAttribute("aria-expanded", "true");
  (opener.closest("dialog") ?? document.body).append(box);
  place(box, opener);
  document.addEventListener("pointerdown", outside, true);
  (searchable ? search : list).focus();
  load();
}

function place(box, opener) {
  const around = opener.getBoundingClientRect();
  const room = window.innerHeight - around.bottom;
  const width = Math.min(Math.max(around.width, 240), window.innerWidth - 16);
  box.style.width = `${width}px`;
  box.style.left = `${Math.max(8, Math.min(around.left, window.innerWidth - width - 8))}px`;
  if (room > 260 || room > around.top) {
    box.style.top = `${around.bottom + 4}px`;
    box.style.maxHeight = `${Math.min(320, room - 12)}px`;
  } else {
    box.style.bottom = `${window.innerHeight - around.top + 4}px`;
    box.style.maxHeight = `${Math.min(320, around.top - 12)}px`;
  }
}
