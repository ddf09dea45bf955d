// The confirmation dialog an element may ask for before it acts.

import { el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

// Resolves to whether the person went on; at once when there is nothing to confirm.
export function confirmed(confirm, place) {
  if (!confirm) return Promise.resolve(true);
  return new Promise((resolve) => {
    const { title, text, deny } = confirm;
    const words = text.type === "mrkdwn" ? mrkdwn(text.text, place, { autoParse: !text.verbatim }) : text.text;
    const answer = (value) => el("button", {
      type: "button", class: `button ${value ? (confirm.style ?? "primary") : ""}`,
      onclick: () => dialog.close(value ? "yes" : ""),
    }, value ? confirm.confirm.text : deny.text);
    const dialog = el(
      "dialog",
      { class: "modal confirm", "aria-label": title.text, onclose: () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      } },
      el("h2", { class: "modal-title" }, title.text),
      el("div", { class: "modal-body" }, el("p", {}, words)),
      el("div", { class: "modal-foot" }, answer(false), answer(true)),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
