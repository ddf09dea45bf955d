// Slack's mrkdwn, drawn as Slack draws it: control sequences are found first and entities are decoded last, in the
// leaves, so that an escaped "<!channel>" stays four harmless words. What Slack parses by itself unless a text is
// verbatim (@here, #channel, bare addresses) is drawn as live, because there it would be.

import { dateText } from "./dates.js";
import { el } from "./dom.js";
import { emojiText } from "./emoji.js";

const AUTO =
  /(https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)]|\bwww\.[^\s<>|]*[^\s<>|.,;:!?)]|\b[\w.+-]+@[\w-]+\.[\w.-]*\w)|(@(?:here|channel|everyone)\b)|(@[a-z0-9][a-z0-9._-]*)|(#[a-z0-9_-]+)/g;
const EMPHASIS = { "*": "strong", _: "em", "~": "s" };

// `place` knows people, channels and the zone: {personName, personByName, channelName, channelByName, groupName, tz}.
export function mrkdwn(text, place, { autoParse = true } = {}) {
  const reading = { place, autoParse, kept: [] };
  const nodes = [];
  const plain = text.replace(/[\uE000\uE001]/g, "").replace(/<[^<>\n]+>/g, (whole) => keep(whole, reading));
  plain.split("```").forEach((part, index, parts) => {
    const closed = index % 2 === 1 && index < parts.length - 1;
    if (closed) nodes.push(el("pre", { class: "code-block" }, code(part.replace(/^\n/, ""), reading)));
    else if (index % 2 === 1) nodes.push(...lines(`\`\`\`${part}`, reading));
    else nodes.push(...lines(index ? part.replace(/^\n/, "") : part, reading));
  });
  return nodes;
}

// What stands aside while formatting is looked for around it is marked by its number.
function keep(source, reading) {
  reading.kept.push(source);
  return `\uE000${reading.kept.length - 1}\uE001`;
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
  return emphasis(text.replace(/`[^`\n]+`/g, (whole) => keep(whole, reading)), reading);
}

function emphasis(text, reading) {
  const found = text.match(/(^|[\s(\[{"'.,:;!?\uE001-])([*_~])(?=\S)(.*?\S)\2(?=$|[\s)\]}"'.,:;!?\uE000-])/);
  if (!found) return leaves(text, reading);
  const start = found.index + found[1].length;
  const end = found.index + found[0].length;
  return [
    ...leaves(text.slice(0, start), reading),
    el(EMPHASIS[found[2]], {}, emphasis(found[3], reading)),
    ...emphasis(text.slice(end), reading),
  ];
}

function leaves(text, reading) {
  return text.split(/\uE000(\d+)\uE001/).flatMap((piece, index) => {
    if (index % 2 === 0) return words(piece, reading);
    const source = reading.kept[Number(piece)];
    if (source.startsWith("`")) return [el("code", {}, code(source.slice(1, -1), reading))];
    return [control(source, reading.place)];
  });
}

// Code stops formatting, not control sequences.
function code(text, reading) {
  return text.split(/\uE000(\d+)\uE001/).map((piece, index) =>
    index % 2 === 0 ? decode(piece) : control(reading.kept[Number(piece)], reading.place),
  );
}

function control(whole, place) {
  const [target, ...rest] = whole.slice(1, -1).split("|");
  const label = decode(rest.join("|"));
  if (/^!(here|channel|everyone)$/.test(target)) return mention(`@${target.slice(1)}`);
  if (/^@[UW]/.test(target)) return mention(`@${place.personName(target.slice(1)) ?? (label || target.slice(1))}`);
  if (/^#[CGD]/.test(target)) return mention(`#${place.channelName(target.slice(1)) ?? (label || "private channel")}`);
  if (target.startsWith("!subteam^")) return mention(`@${place.groupName(target.slice(9)) ?? (label || target.slice(9))}`);
  if (/^!date\^[0-9]+\^./.test(target)) return date(target, label, place);
  if (/^(https?:|mailto:)/i.test(target)) return link(decode(target), label || decode(target));
  return target.startsWith("!") && label ? label : decode(whole);
}

function date(target, fallback, place) {
  const [, seconds, pattern, address] = target.split("^");
  const shown = el("time", { title: fallback }, dateText(Number(seconds), decode(pattern), place.tz));
  return address ? link(decode(address), shown) : shown;
}

function words(text, { place, autoParse }) {
  if (!autoParse) return [emojiText(decode(text))];
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(AUTO)) {
    const live = named(found, place);
    if (!live) continue;
    nodes.push(emojiText(decode(text.slice(from, found.index))), live);
    from = found.index + found[0].length;
  }
  nodes.push(emojiText(decode(text.slice(from))));
  return nodes;
}

function named([whole, address, broadcast, person, channel], place) {
  if (address) return link(withScheme(decode(address)), decode(address));
  if (broadcast) return mention(whole);
  if (person) return place.personByName(person.slice(1)) ? mention(whole) : null;
  return place.channelByName(channel.slice(1)) ? mention(whole) : null;
}

function withScheme(address) {
  if (/^https?:/.test(address)) return address;
  return address.startsWith("www.") ? `https://${address}` : `mailto:${address}`;
}
