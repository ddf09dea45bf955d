// What people do on a message or a Home tab: kept while they fill it in, sent when they act, and what went wrong.

import { ask, NotPossible } from "./doors.js";
import { place } from "./workspace.js";

const drafts = new Map(); // surface -> block and action -> {value, option}
const troubles = new Map(); // surface and block -> sentence

// `key` names the surface; `where` is how the doors find it: {as, channel, ts} or {as, view}.
export function surfaceOf(key, where) {
  const held = drafts.get(key) ?? new Map();
  drafts.set(key, held);
  return {
    place: place(),
    trouble: (blockId) => troubles.get(`${key} ${blockId}`),
    held: (block, element) => held.get(`${block.block_id}\n${element.action_id}`),
    hold: (block, element, value, option) => held.set(`${block.block_id}\n${element.action_id}`, { value, option }),
    act: async (block, element, value) => {
      if (block.type === "input" && !block.dispatch_action) return;
      const said = await attempt({ ...where, block_id: block.block_id, action_id: element.action_id, value, values: valuesOf(held) });
      if (said) troubles.set(`${key} ${block.block_id}`, said);
      else troubles.delete(`${key} ${block.block_id}`);
      document.dispatchEvent(new Event("redraw"));
    },
    suggest: async (block, element, typed) => {
      const answer = await ask("suggest", { ...where, block_id: block.block_id, action_id: element.action_id, value: typed });
      if (answer.error) throw new Error(answer.text);
      return answer.groups;
    },
  };
}

export function troublesOf(key) {
  return [...troubles].filter(([id]) => id.startsWith(key));
}

// Held values as the doors take them: {block: {action: value}}.
export function valuesOf(held) {
  const values = {};
  for (const [key, { value }] of held) {
    const [block, action] = key.split("\n");
    (values[block] ??= {})[action] = value;
  }
  return values;
}

async function attempt(request) {
  try {
    const answer = await press(request);
    return answer.error ? "We had some trouble connecting. Try again?" : null;
  } catch (error) {
    return error.message;
  }
}

// The app may have sent the surface anew since it was drawn here: the same button then stands in another block.
async function press(request) {
  try {
    return await ask("act", request);
  } catch (error) {
    if (!(error instanceof NotPossible)) throw error;
    return ask("act", { ...request, block_id: null });
  }
}
