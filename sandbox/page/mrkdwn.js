// Slack's mrkdwn, drawn as Slack draws it: control sequences are found first and entities are decoded last, in the
// leaves, so that an escaped "<!channel>" stays four harmless words. What Slack parses by itself unless a text is
// verbatim (@here, #channel, bare addresses) is drawn as live, because there it would be.

import { dateText } from "./dates.js";
import { el } from "./dom.js";
import { emojiText } from "./emoji.js";

const BROADCAST = /^!(here|channel|everyone)(\|.*)?$/;
const AUTO = /(https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)])|(@(?:here|channel|everyone)\b)|(#[a-z0-9_-]+)/g;
const EMPHASIS = { "*": "strong", _: "em", "~": "s" };

// `place` knows people, channels and the zone: {personName, channelName, channelByName, tz}.
export function mrkdwn(text, place, { autoParse = true } = {}) {
  const reading = { place, autoParse };
  const nodes = [];
  text.replace(/[\uE000\uE001]/g, "").split(/```/).forEach((part, index, parts) => {
    const closed = index % 2 === 1 && index < parts.length - 1;
    if (closed) nodes.push(el("pre", { class: "code-block" }, decode(part.replace(/^\n/, ""))));
    else if (index % 2 === 1) nodes.push(...lines(`\`\`\`${part}`, reading));
    else nodes.push(...lines(index ? part.replace(/^\n/, "") : part, reading));
  });
  return nodes;
}

export function decode(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

export function mention(words) {
  return el("span", { class: "mention" }, words);
}

export function link(address, label) {
  if (!/^(https?:|mailto:)/i.test(address)) return label;
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", title: address }, label);
}

function lines(text, reading) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, index) => {
    const quoted = line.match(/^(?:>|&gt;) ?(.*)$/);
    if (quoted) {
      if (!quote) nodes.push((quote = el("blockquote")));
      else quote.append(el("br"));
      quote.append(...inline(quoted[1], reading));
      return;
    }
    if (index > 0 && !quote) nodes.push(el("br"));
    quote = null;
    nodes.push(...inline(line, reading));
  });
  return nodes;
}

function inline(text, reading) {
  // Code and control sequences stand aside, marked by their number, while emphasis is looked for around them.
  const parts = text.split(/(`[^`]+`|<[^<>]+>)/);
  const plain = parts.map((part, index) => (index % 2 ? `\uE000${index}\uE001` : part)).join("");
  return emphasis(plain, reading, parts);
}

function emphasis(text, reading, parts) {
  const found = text.match(/(^|[\s(\[{"'.,:;!?\uE001-])([*_~])(?=\S)(.*?\S)\2(?=$|[\s)\]}"'.,:;!?\uE000-])/);
  if (!found) return leaves(text, reading, parts);
  const start = found.index + found[1].length;
  const end = found.index + found[0].length;
  return [
    ...leaves(text.slice(0, start), reading, parts),
    el(EMPHASIS[found[2]], {}, emphasis(found[3], reading, parts)),
    ...emphasis(text.slice(end), reading, parts),
  ];
}

function leaves(text, reading, parts) {
  return text.split(/\uE000(\d+)\uE001/).flatMap((piece, index) => {
    if (index % 2 === 0) return words(piece, reading);
    const part = parts[Number(piece)];
    if (part.startsWith("`")) return [el("code", {}, decode(part.slice(1, -1)))];
    return [control(part.slice(1, -1), part, reading.place)];
  });
}

function control(body, whole, place) {
  const [target, ...rest] = body.split("|");
  const label = decode(rest.join("|"));
  const broadcast = body.match(BROADCAST);
  if (broadcast) return mention(`@${broadcast[1]}`);
  if (/^@[UW]/.test(target)) return mention(`@${place.personName(target.slice(1)) ?? (label || target.slice(1))}`);
  if (/^#C/.test(target)) return mention(`#${place.channelName(target.slice(1)) ?? (label || "private channel")}`);
  if (/^!subteam\^/.test(target)) return mention(label || `@${target.slice(9)}`);
  if (target.startsWith("!date^")) return date(target, label, place);
  if (/^(https?:|mailto:)/i.test(target)) return link(decode(target), label || decode(target));
  return decode(whole);
}

function date(target, fallback, place) {
  const [, seconds, pattern, address] = target.split("^");
  if (!/^\d+$/.test(seconds) || !pattern) return fallback;
  const shown = el("time", { title: fallback }, dateText(Number(seconds), decode(pattern), place.tz));
  return address ? link(decode(address), shown) : shown;
}

function words(text, { place, autoParse }) {
  if (!autoParse) return [emojiText(decode(text))];
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(AUTO)) {
    const [whole, address, broadcast, channel] = found;
    const live = address
      ? link(decode(address), decode(address))
      : broadcast || place.channelByName(channel.slice(1))
        ? mention(whole)
        : null;
    if (!live) continue;
    nodes.push(emojiText(decode(text.slice(from, found.index))), live);
    from = found.index + whole.length;
  }
  nodes.push(emojiText(decode(text.slice(from))));
  return nodes;
}
