// Blocks, drawn; a type that is not known is drawn as an error, never left out.

import { el, freshId } from "./dom.js";
import { drawElement, image } from "./elements.js";
import { emojiText } from "./emoji.js";
import { drawJson } from "./json.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText } from "./rich_text.js";

export function drawBlocks(blocks, surface) {
  return blocks.map((block) => {
    const draw = DRAW[block.type];
    return draw ? draw(block, surface) : undrawn(block);
  });
}

export function drawText(text, place) {
  if (text.type === "mrkdwn") return mrkdwn(text.text, place, { autoParse: !text.verbatim });
  return text.text.split("\n").flatMap((line, index) => [index ? el("br") : null, emojiText(line)]);
}

// Slack would draw it; here it is at least seen, never left out.
function undrawn(block) {
  return el("div", { class: "undrawn" }, el("p", {}, `A ${block.type}, which this page does not draw:`), drawJson(block, 0));
}

function header(block, { place }) {
  return el("h3", { class: "block-header", dir: "auto" }, drawText(block.text, place));
}

function section(block, surface) {
  const { place } = surface;
  const text = block.text ? el("div", { class: "words", dir: "auto" }, drawText(block.text, place)) : null;
  const fields = block.fields?.map((field) => el("div", { class: "words", dir: "auto" }, drawText(field, place)));
  const accessory = block.accessory && el("div", { class: "accessory" }, drawElement(block.accessory, block, surface));
  return el("div", { class: "section" }, el("div", { class: "section-text" }, text, fields && el("div", { class: "fields" }, fields)), accessory);
}

function context(block, { place }) {
  return el("div", { class: "context" }, block.elements.map((each) => (each.type === "image" ? image(each) : el("span", { dir: "auto" }, drawText(each, place)))));
}

function divider() {
  return el("hr");
}

function actions(block, surface) {
  const note = surface.trouble?.(block.block_id);
  return el(
    "div",
    { class: "actions-block" },
    el("div", { class: "actions" }, block.elements.map((element) => drawElement(element, block, surface))),
    note ? el("p", { class: "trouble", role: "alert" }, note) : null,
  );
}

function input(block, surface) {
  const field = { id: freshId("field"), labelledBy: freshId("label"), describedBy: freshId("note") };
  const error = surface.error?.(block.block_id);
  const drawn = drawElement(block.element, block, surface, field);
  if (error && drawn.matches("input, textarea")) drawn.setAttribute("aria-invalid", "true");
  const grouped = /^(checkboxes|radio_buttons|multi_)/.test(block.element.type);
  return el(
    "div",
    { class: error ? "input has-error" : "input", "data-block": block.block_id },
    el(
      grouped ? "span" : "label",
      { class: "label", id: field.labelledBy, for: grouped ? null : field.id },
      block.label.text,
      block.optional ? el("span", { class: "optional" }, " (optional)") : null,
    ),
    drawn,
    el(
      "div",
      { id: field.describedBy },
      error ? el("p", { class: "field-error", role: "alert" }, error) : null,
      block.hint ? el("p", { class: "hint" }, block.hint.text) : null,
    ),
  );
}

function alert(block, { place }) {
  const level = block.level ?? "default";
  return el(
    "div",
    { class: `alert ${level}`, role: level === "error" ? "alert" : "note" },
    el("span", { class: "alert-level" }, level === "default" ? "note" : level),
    el("span", { dir: "auto" }, drawText(block.text, place)),
  );
}

const DRAW = {
  header, section, context, divider, actions, input, alert,
  image: (block) => image(block),
  rich_text: (block, { place }) => richText(block, place),
};
