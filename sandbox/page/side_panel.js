// The panel beside the conversation: what happened, and what shall go wrong.

import { el, freshId } from "./dom.js";
import { drawFaults } from "./faults.js";
import { makeInspector } from "./inspector.js";

const TABS = ["What happened", "Make it go wrong"];

// Gives back what to call after every change of the workspace.
export function makeSidePanel(aside, opener) {
  const boxes = [el("div", { class: "inspector-body" }), el("div", { class: "faults-body", hidden: true })];
  const tabs = TABS.map((words, index) => {
    boxes[index].id = freshId("panel");
    return el("button", { type: "button", role: "tab", class: "tab", "aria-controls": boxes[index].id, onclick: () => show(index), onkeydown: walk }, words);
  });
  boxes.forEach((box, index) => {
    box.setAttribute("role", "tabpanel");
    box.setAttribute("aria-label", TABS[index]);
  });
  const close = el("button", { type: "button", class: "cross", "aria-label": "Close the inspector", onclick: () => open(false) }, "×");
  aside.append(el("div", { class: "panel-head" }, el("div", { role: "tablist", "aria-label": "Inspector", class: "tabs" }, tabs), close), ...boxes);
  const renewInspector = makeInspector(boxes[0]);
  let chosen = 0;

  function show(index) {
    chosen = index;
    tabs.forEach((tab, each) => {
      tab.setAttribute("aria-selected", String(each === index));
      tab.tabIndex = each === index ? 0 : -1;
      boxes[each].hidden = each !== index;
    });
    renew();
  }

  function walk(event) {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    show(1 - chosen);
    tabs[chosen].focus();
  }

  function open(wanted) {
    aside.hidden = !wanted;
    opener.setAttribute("aria-expanded", String(wanted));
    document.body.classList.toggle("with-inspector", wanted);
    sessionStorage.setItem("inspector", wanted ? "open" : "");
    if (wanted) {
      renew();
      tabs[chosen].focus();
    } else opener.focus();
  }

  async function renew() {
    if (aside.hidden) return;
    if (chosen === 0) await renewInspector();
    else drawFaults(boxes[1]);
  }

  opener.addEventListener("click", () => open(aside.hidden));
  opener.disabled = false; // nobody presses it in vain before it does something
  aside.addEventListener("keydown", (event) => {
    if (event.key === "Escape") open(false);
  });
  show(0);
  if (sessionStorage.getItem("inspector")) open(true);
  return renew;
}
