// The app's Home tab, as it was published for the person who acts.

import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { surfaceOf, troublesOf } from "./surface.js";
import { workspace } from "./workspace.js";

let signature = "";
let shownFor = "";

export function drawHome(heading, list) {
  const { home } = workspace.screen;
  const app = workspace.description.app.name;
  heading.textContent = app;
  heading.dataset.kind = "home";
  const key = `home ${workspace.me.id}`;
  const now = JSON.stringify([home, troublesOf(key)]);
  if (signature === now && list.firstElementChild?.classList.contains("home")) return;
  signature = now;
  const fresh = shownFor !== key || !list.querySelector(".home");
  shownFor = key;
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  list.replaceChildren(el("li", { class: "home" }, home ? el("div", { class: "content" }, drawBlocks(home.blocks, surfaceOf(key, { as: workspace.me.id, view: home.id }))) : empty(app)));
  if (fresh) list.scrollTop = 0;
  if (focused) list.querySelector(`[data-action="${CSS.escape(focused)}"]`)?.focus();
}

function empty(app) {
  return el("p", { class: "empty-note" }, `${app} has shown nothing here yet.`);
}
