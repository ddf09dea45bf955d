// What the page knows: the workspace, who acts, what he sees, what he has read.

import { ask, NotPossible } from "./doors.js";

const AVATAR_COLOURS = ["#0b5d57", "#7a3e9d", "#a3461f", "#1f5fa8", "#4d6a14", "#a12a5e", "#6b5a1e", "#5a6570"];

export const workspace = {
  description: null,
  me: null,
  screen: { channels: [], views: [], home: null, connections: 0, violations: 0 },
  seenBy: null, // whose screen it is: for a moment not that of who acts
  channelId: null,
  replyTo: null, // the message in whose thread the next words stand
  ahead: 0, // seconds by which the workspace's clock is before this machine's
};

export function now() {
  return Date.now() / 1000 + workspace.ahead;
}

export async function load() {
  workspace.description = await ask("workspace");
  workspace.ahead = workspace.description.now - Date.now() / 1000;
  const asked = new URLSearchParams(location.search).get("as") ?? sessionStorage.getItem("as");
  const wanted = people().find((person) => person.id === asked && canAct(person));
  workspace.me = wanted ?? people().find(canAct);
}

export async function refresh() {
  const as = workspace.me.id;
  const [description, screen] = await Promise.all([ask("workspace"), ask("screen", { as }).catch(signedOut)]);
  workspace.description = description;
  workspace.ahead = description.now - Date.now() / 1000;
  if (workspace.me.id !== as) return; // somebody else acts by now, and asks anew
  workspace.me = people().find((person) => person.id === as && canAct(person)) ?? people().find(canAct);
  workspace.screen = screen ?? (await ask("screen", { as: workspace.me.id }));
  workspace.seenBy = workspace.me.id;
  if (!channel() && !atHome()) workspace.channelId = workspace.screen.channels[0]?.id;
}

// Whoever acted may have been deactivated meanwhile: somebody else looks on.
function signedOut(error) {
  if (!(error instanceof NotPossible)) throw error;
  return null;
}

export function people() {
  return workspace.description.people.filter((person) => !person.bot);
}

export function canAct(person) {
  return !person.deactivated || person.session_lives;
}

// The Home tab stands among the conversations under this id.
export const HOME = "home";

export function atHome() {
  return workspace.channelId === HOME && workspace.description.app.home_tab;
}

export function channel() {
  return workspace.screen.channels.find(({ id }) => id === workspace.channelId);
}

export function author(id) {
  const person = workspace.description.people.find((each) => each.id === id);
  if (!person) return { name: "Sandbox", bot: false, colour: "#5a6570" };
  const index = workspace.description.people.indexOf(person);
  return { name: person.real_name, bot: person.bot, colour: person.bot ? "#22303a" : AVATAR_COLOURS[index % AVATAR_COLOURS.length] };
}

// What texts need to know to be drawn for the person who acts.
export function place() {
  const channels = workspace.description.channels;
  const seen = (each) => !each.private || each.members.includes(workspace.me.id);
  return {
    tz: workspace.me.tz,
    people: () => people().map(({ id, real_name }) => ({ id, name: real_name })),
    channels: () => channels.filter(seen).map(({ id, name }) => ({ id, name })),
    personName: (id) => workspace.description.people.find((each) => each.id === id)?.real_name,
    personByName: (name) => workspace.description.people.some((each) => each.name === name),
    groupName: (id) => workspace.description.groups.find((each) => each.id === id)?.handle,
    channelName: (id) => channels.find((each) => each.id === id && seen(each))?.name,
    channelByName: (name) => channels.some((each) => each.name === name && seen(each)),
  };
}

export function title(each) {
  return each.direct ? workspace.description.app.name : each.name;
}

export function unread(each) {
  const read = sessionStorage.getItem(`read ${workspace.me.id} ${each.id}`) ?? "0";
  return each.messages.filter((message) => message.ts > read && message.user !== workspace.me.id).length;
}

// What waits in the conversations that are not on the screen.
export function unreadElsewhere() {
  return workspace.screen.channels.filter(({ id }) => id !== workspace.channelId).reduce((sum, each) => sum + unread(each), 0);
}

export function markRead(each) {
  const last = each.messages.at(-1);
  if (last) sessionStorage.setItem(`read ${workspace.me.id} ${each.id}`, last.ts);
}
