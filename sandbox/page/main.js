// The page: draws what the acting person sees, again at every change.

import { makeComposer } from "./composer.js";
import { drawConversation, followEnd, makeNews, pointAt } from "./conversation.js";
import { el } from "./dom.js";
import { ask, onChange, Unreachable } from "./doors.js";
import { drawHome } from "./home.js";
import { drawModal } from "./modal.js";
import { drawCast, drawMenu, drawSidebar } from "./sidebar.js";
import { makeSidePanel } from "./side_panel.js";
import { atHome, channel, load, markRead, refresh, workspace } from "./workspace.js";

const find = (selector) => document.querySelector(selector);
const bar = { cast: find(".cast"), health: find(".health"), team: find(".team"), menu: find(".menu-button") };
const sidebar = find(".sidebar");
const conversation = find(".conversation");
const heading = find(".channel-title");
const messages = find(".messages");
const fingers = matchMedia("(pointer: coarse)"); // a focused field would bring up the keyboard of the phone

const CLICK_FOLLOWS = 50; // milliseconds after a finger is lifted
const CLOCKS = 5000; // milliseconds between two looks at the people's clocks

let pressed = Promise.resolve();
let reachable = true;
let running = false;
let again = false;
let pointed = null;

function draw() {
  drawHealth();
  // Until somebody's own screen is there, what another saw is not pressed by either.
  sidebar.inert = conversation.inert = workspace.seenBy !== workspace.me.id;
  if (conversation.inert) return;
  document.body.classList.toggle("at-home", atHome()); // before the messages are scrolled: it makes room for them
  drawCast(bar.cast, switchPerson);
  if (channel()) markRead(channel());
  drawSidebar(sidebar, switchChannel);
  drawMenu(bar.menu);
  if (atHome()) drawHome(heading, messages);
  else drawConversation(heading, messages);
  nameComposer();
  drawModal();
  if (pointed) pointAt(messages, pointed);
  pointed = null;
}

function drawHealth() {
  const { connections, violations } = workspace.screen;
  const app = workspace.description.app.name;
  const pushed = Boolean(workspace.description.request_url);
  const words = !reachable ? "The sandbox has stopped" : pushed ? "called over HTTP" : connections ? "connected" : "not connected";
  const refused = violations ? `, ${violations} ${violations === 1 ? "call" : "calls"} Slack would refuse` : "";
  bar.health.className = `health ${reachable && (connections || pushed) ? (violations ? "warned" : "good") : "bad"}`;
  if (bar.health.dataset.words === words + refused) return;
  bar.health.dataset.words = words + refused;
  bar.health.replaceChildren(el("span", {}, reachable ? el("span", { class: "of-app" }, `${app} is `) : null, words, refused));
}

// One refresh at a time; a change that comes meanwhile asks for one more.
async function renew() {
  again = true;
  if (running) return;
  running = true;
  try {
    while (again) {
      again = false;
      await attempt();
      await pressed;
      draw();
      await renewPanel();
    }
  } finally {
    running = false;
  }
}

async function attempt() {
  try {
    await refresh();
    reachable = true;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    reachable = false;
  }
}

function switchPerson(person) {
  workspace.me = person;
  sessionStorage.setItem("as", person.id);
  draw();
  enter();
  renew();
}

function switchChannel(id) {
  workspace.channelId = id;
  openMenu(false);
  enter();
  draw();
  if (!atHome() && !fingers.matches) find("#composer").focus();
}

// The app is told when somebody enters its Home or Messages tab.
function enter() {
  const tab = atHome() ? "home" : channel()?.direct ? "messages" : null;
  if (tab) ask("home", { as: workspace.me.id, tab });
}

function isMenuOpen() {
  return document.body.classList.contains("menu-open");
}

function openMenu(open) {
  document.body.classList.toggle("menu-open", open);
  bar.menu.setAttribute("aria-expanded", String(open));
  if (open) sidebar.querySelector("[aria-current]")?.focus();
}

function followAddress() {
  const link = location.pathname.match(/^\/archives\/([^/]+)\/p(\d+)$/);
  workspace.channelId = link?.[1] ?? new URLSearchParams(location.search).get("channel");
  if (link) pointed = `${link[2].slice(0, -6)}.${link[2].slice(-6)}`;
}

function showWindow(address) {
  if (!address) return;
  const aside = find(".window");
  const title = "Window onto the target";
  const next = el("p", { class: "window-next", role: "status" });
  const opener = el("button", { type: "button", class: "window-button", "aria-expanded": "false", onclick: () => {
    const open = document.body.classList.toggle("window-open");
    opener.setAttribute("aria-expanded", String(open));
  } }, title);
  const frame = el("iframe", { src: address, title });
  aside.append(opener, next, frame);
  // What is put aside on a phone may say in one line what comes next.
  addEventListener("message", ({ source, data }) => {
    if (source === frame.contentWindow && typeof data?.next === "string") next.textContent = data.next;
  });
  aside.hidden = false;
  document.body.classList.add("with-window");
}

// Until the click has followed: what is drawn anew under a finger loses its press.
document.addEventListener("pointerdown", () => {
  pressed = new Promise((resolve) => {
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(resolve, CLICK_FOLLOWS), { capture: true, once: true });
  });
}, true);
bar.menu.addEventListener("click", () => openMenu(!isMenuOpen()));
find(".frame").addEventListener("pointerdown", (event) => {
  if (isMenuOpen() && !sidebar.contains(event.target)) openMenu(false);
});
sidebar.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !isMenuOpen()) return;
  openMenu(false);
  bar.menu.focus();
});
document.addEventListener("redraw", renew);
await load();
followAddress();
await refresh();
bar.team.textContent = workspace.description.team.name;
showWindow(workspace.description.window_url);
const renewPanel = makeSidePanel(find(".inspector"), find(".inspector-button"));
const nameComposer = makeComposer(find(".composer"));
followEnd(messages);
makeNews(find(".news"), messages);
draw();
enter();
setInterval(async () => {
  await pressed;
  drawCast(bar.cast, switchPerson);
}, CLOCKS);
onChange((alive) => {
  reachable = alive;
  if (alive) renew();
  else drawHealth();
});
