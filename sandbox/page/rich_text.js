// rich_text: every word is drawn as it is; nothing in it is ever parsed.

import { dateText } from "./dates.js";
import { el } from "./dom.js";
import { emojiText } from "./emoji.js";
import { link, mention } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

export function richText(block, place) {
  return el("div", { class: "rich-text" }, block.elements.map((part) => drawPart(part, place)));
}

function drawPart(part, place) {
  if (part.type === "rich_text_list") {
    const items = part.elements.map((item) => el("li", {}, spans(item, place)));
    const list = el(part.style === "ordered" ? "ol" : "ul", {}, items);
    list.style.marginInlineStart = `${(part.indent ?? 0) * 1.5}rem`;
    return list;
  }
  const tag = { rich_text_quote: "blockquote", rich_text_preformatted: "pre" }[part.type] ?? "p";
  return el(tag, { dir: "auto", class: tag === "pre" ? "code-block" : null }, spans(part, place));
}

function spans(part, place) {
  return part.elements.map((span) => styled(span, drawSpan(span, place)));
}

function drawSpan(span, place) {
  switch (span.type) {
    case "text":
      return span.text;
    case "link":
      return link(span.url, span.text ?? span.url);
    case "user":
      return mention(`@${place.personName(span.user_id) ?? span.user_id}`);
    case "channel":
      return mention(`#${place.channelName(span.channel_id) ?? "private channel"}`);
    case "usergroup":
      return mention(`@${place.groupName(span.usergroup_id) ?? span.usergroup_id}`);
    case "broadcast":
      return mention(`@${span.range}`);
    case "emoji":
      return emojiText(`:${span.name}:`);
    case "date":
      return dateText(span.timestamp, span.format, place.tz);
    default:
      return el("span", { class: "broken" }, `unknown span ${span.type}`);
  }
}

function styled(span, drawn) {
  return Object.entries(STYLES).reduce((inner, [name, tag]) => (span.style?.[name] ? el(tag, {}, inner) : inner), drawn);
}
