// Interactive elements. A `surface` takes what people do:
// {place, held(block, element), hold(block, element, value, option), act(block, element, value), suggest(block, element, text)}.

import { confirmed } from "./confirm.js";
import { fromField, toField } from "./dates.js";
import { el, freshId } from "./dom.js";
import { emojiText } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { menu } from "./select.js";

export function drawElement(element, block, surface, field = {}) {
  const draw = DRAW[element.type];
  if (!draw) return el("span", { class: "undrawn" }, `a ${element.type}, which this page does not draw`);
  return draw(element, block, surface, field);
}

function button(element, block, surface) {
  const node = el(
    "button",
    {
      type: "button",
      class: `button ${element.style ?? ""}`,
      "aria-label": element.accessibility_label,
      "data-action": element.action_id,
      onclick: async () => {
        if (!(await confirmed(element.confirm, surface.place))) return;
        if (element.url) window.open(element.url, "_blank", "noopener,noreferrer");
        node.setAttribute("aria-busy", "true");
        await surface.act(block, element, element.value ?? null);
        node.removeAttribute("aria-busy");
      },
    },
    emojiText(element.text.text),
  );
  return node;
}

function select(element, block, surface, field) {
  const shown = el("span", { class: "select-value" });
  const show = (option) => {
    shown.textContent = option ? option.text.text : (element.placeholder?.text ?? "Choose an option");
    shown.classList.toggle("empty", !option);
  };
  const opener = el(
    "button",
    {
      type: "button", class: "select", "aria-haspopup": "listbox", "aria-expanded": "false", id: field.id,
      "aria-describedby": field.describedBy, "data-action": element.action_id,
      "aria-label": field.id ? null : (element.placeholder?.text ?? "Choose an option"),
      onclick: () =>
        menu(opener, {
          searchable: true,
          hint: element.placeholder?.text,
          groups: (typed) => groupsOf(element, block, surface, typed),
          chosen: async (option) => {
            if (!(await confirmed(element.confirm, surface.place))) return;
            show(option);
            surface.hold(block, element, option.value, option);
            await surface.act(block, element, option.value);
          },
        }),
    },
    shown,
    el("span", { class: "select-arrow", "aria-hidden": "true" }),
  );
  show(surface.held(block, element)?.option ?? element.initial_option);
  return opener;
}

// Selects of people and channels: what they offer are the workspace's own.
function placeSelect(element, block, surface, field) {
  const options = placesFor(element, surface.place);
  const initial = element.initial_user ?? element.initial_conversation ?? element.initial_channel;
  const filled = { ...element, options, initial_option: options.find((option) => option.value === initial) };
  return select(filled, block, surface, field);
}

function severalOf(element, block, surface, field) {
  const options = element.options ?? element.option_groups?.flatMap((each) => each.options) ?? placesFor(element, surface.place);
  const initial = element.initial_options?.map((option) => option.value);
  const held = surface.held(block, element)?.value;
  const chosen = held ?? initial ?? element.initial_users ?? element.initial_channels ?? element.initial_conversations ?? [];
  return choices("checkbox", { ...element, options }, block, surface, field, chosen);
}

function placesFor(element, place) {
  const found = element.type.includes("users") ? place.people() : place.channels();
  return found.map(({ id, name }) => ({ text: { type: "plain_text", text: name }, value: id }));
}

async function groupsOf(element, block, surface, typed) {
  if (element.type === "external_select") {
    const least = element.min_query_length ?? 3;
    if (typed.length < least) throw new Error(`Type at least ${least} characters`);
    return surface.suggest(block, element, typed);
  }
  const groups = element.option_groups ?? [{ label: null, options: element.options }];
  const wanted = typed.toLowerCase();
  return groups
    .map(({ label, options }) => ({ label, options: options.filter((o) => o.text.text.toLowerCase().includes(wanted)) }))
    .filter((group) => group.options.length);
}

function overflow(element, block, surface) {
  const opener = el("button", {
    type: "button", class: "button overflow", "aria-label": "More actions", "aria-haspopup": "listbox",
    "aria-expanded": "false", "data-action": element.action_id,
    onclick: () =>
      menu(opener, {
        searchable: false,
        groups: async () => [{ label: null, options: element.options }],
        chosen: async (option) => {
          if (!(await confirmed(element.confirm, surface.place))) return;
          if (option.url) window.open(option.url, "_blank", "noopener,noreferrer");
          await surface.act(block, element, option.value);
        },
      }),
  }, "•••");
  return opener;
}

function textInput(element, block, surface, field) {
  const held = surface.held(block, element);
  const node = el(element.multiline ? "textarea" : "input", {
    class: "text-input", id: field.id, "aria-describedby": field.describedBy, "data-action": element.action_id,
    maxlength: element.max_length ?? 3000, minlength: element.min_length, placeholder: element.placeholder?.text,
    autocomplete: "off", rows: element.multiline ? 4 : null, dir: "auto", autofocus: element.focus_on_load,
    oninput: () => surface.hold(block, element, node.value || null),
  });
  node.value = held ? (held.value ?? "") : (element.initial_value ?? "");
  return node;
}

const NATIVE = { datepicker: "date", timepicker: "time", email_text_input: "email", url_text_input: "url", number_input: "text" };

function native(element, block, surface, field) {
  const held = surface.held(block, element);
  const picked = ["datepicker", "timepicker"].includes(element.type);
  const node = el("input", {
    type: NATIVE[element.type], class: "text-input", id: field.id, "aria-describedby": field.describedBy, autocomplete: "off",
    inputmode: element.type === "number_input" ? "decimal" : null, placeholder: element.placeholder?.text,
    "aria-label": field.id ? null : (element.placeholder?.text ?? "Choose"), "data-action": element.action_id,
    oninput: () => surface.hold(block, element, node.value || null),
    onchange: () => picked && surface.act(block, element, node.value || null),
  });
  node.value = (held ? held.value : (element.initial_date ?? element.initial_time ?? element.initial_value)) ?? "";
  return node;
}

function richTextInput(element, block, surface, field) {
  return textInput({ ...element, multiline: true, initial_value: "" }, block, surface, field);
}

// Only the names of the files are told; what is in them stays on this machine.
function fileInput(element, block, surface, field) {
  const held = surface.held(block, element)?.value;
  const said = el("span", { class: "choice-note" }, held?.join(", "));
  const node = el("input", {
    type: "file", multiple: (element.max_files ?? 10) > 1, id: field.id, "aria-describedby": field.describedBy, "data-action": element.action_id,
    onchange: async () => {
      const names = [...node.files].map((file) => file.name);
      said.textContent = "";
      surface.hold(block, element, names);
      await surface.act(block, element, names);
    },
  });
  return el("div", {}, node, said);
}

// The sandbox fetches nothing from elsewhere: an image is its words.
export function image({ alt_text, title }) {
  return el("span", { class: "image", role: "img", "aria-label": alt_text }, title?.text ?? alt_text);
}

function dateTime(element, block, surface, field) {
  const { tz } = surface.place;
  const held = surface.held(block, element);
  const node = el("input", {
    lang: document.documentElement.lang, type: "datetime-local", class: "text-input", id: field.id, "aria-describedby": field.describedBy,
    "aria-label": field.id ? null : "Date and time", "data-action": element.action_id,
    onchange: async () => {
      const value = fromField(node.value, tz);
      surface.hold(block, element, value);
      await surface.act(block, element, value);
    },
  });
  node.value = toField(held ? held.value : element.initial_date_time, tz);
  return el("span", { class: "date-time" }, node, el("span", { class: "zone" }, tz));
}

function checkboxes(element, block, surface, field) {
  const held = surface.held(block, element)?.value ?? (element.initial_options ?? []).map((option) => option.value);
  return choices("checkbox", element, block, surface, field, held);
}

function radioButtons(element, block, surface, field) {
  const held = surface.held(block, element);
  const value = held ? held.value : element.initial_option?.value;
  return choices("radio", element, block, surface, field, [value]);
}

function choices(type, element, block, surface, field, chosen) {
  const name = freshId("choice");
  const boxes = [];
  const changed = async () => {
    const values = boxes.filter((box) => box.checked).map((box) => box.value);
    const value = type === "radio" ? (values[0] ?? null) : values;
    surface.hold(block, element, value);
    await surface.act(block, element, value);
  };
  const rows = element.options.map((option) => {
    const box = el("input", { type, name, value: option.value, onchange: changed });
    box.checked = chosen.includes(option.value);
    boxes.push(box);
    const description = option.description ? el("span", { class: "choice-note" }, words(option.description, surface)) : null;
    return el("label", { class: "choice" }, box, el("span", {}, words(option.text, surface), description));
  });
  const role = type === "radio" ? "radiogroup" : "group";
  return el("div", { class: "choices", role, "aria-labelledby": field.labelledBy, "data-action": element.action_id }, rows);
}

function words(text, surface) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, surface.place, { autoParse: !text.verbatim }) : emojiText(text.text);
}

const DRAW = {
  button,
  static_select: select,
  external_select: select,
  overflow,
  plain_text_input: textInput,
  datetimepicker: dateTime,
  checkboxes,
  radio_buttons: radioButtons,
  datepicker: native,
  timepicker: native,
  email_text_input: native,
  url_text_input: native,
  number_input: native,
  rich_text_input: richTextInput,
  file_input: fileInput,
  users_select: placeSelect,
  channels_select: placeSelect,
  conversations_select: placeSelect,
  multi_static_select: severalOf,
  multi_users_select: severalOf,
  multi_channels_select: severalOf,
  multi_conversations_select: severalOf,
  image,
};
