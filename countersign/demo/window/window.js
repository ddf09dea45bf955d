// Asks for new looks twice a second and draws them: the door above or below the line, the held session beneath.

const SPAN = 120; // seconds on the strip
const looks = [];
const $ = (id) => document.getElementById(id);

async function refresh() {
  const since = looks.length ? looks.at(-1).number : -1;
  try {
    const answer = await (await fetch(`looks?since=${since}`)).json();
    $("query").textContent = answer.query;
    if (answer.story) tell(answer.story);
    if (answer.console) showConsole(answer.console);
    looks.push(...answer.looks);
    while (looks.length && looks[0].at < Date.now() / 1000 - SPAN - 5) looks.shift();
    if (looks.length) show(looks.at(-1));
    draw();
  } catch {
    $("state").textContent = "The demo has ended.";
  }
  setTimeout(refresh, 500);
}

function show(look) {
  const allowed = look.door === "allowed";
  document.querySelector(".door").className = `door ${look.door}`;
  $("state").textContent = allowed ? "Allowed" : "Refused";
  $("words").textContent = allowed ? `Logged in as ${look.login}.` : `The server says: ${look.words}`;
  $("rows").hidden = !allowed;
  $("none").hidden = allowed;
  $("rows").tBodies[0].replaceChildren(...look.rows.map(row));
  if (allowed && look.cards) $("cards").textContent = `The server says: ${look.cards}`;
  $("session").textContent = {
    none: "None yet. It is opened with the first login that works, and never closed from here.",
    open: `Open as ${look.login}, and still reading.`,
    ended: `Ended by the server: ${look.session_words}`,
  }[look.session];
}

// Who is in the console, and who was last.
let lastIn = "";
function showConsole({ members }) {
  const clock = (at) => new Date(at * 1000).toLocaleTimeString("en-GB");
  const name = (person) => person[0].toUpperCase() + person.slice(1);
  $("members").hidden = members.length === 0;
  $("members").tBodies[0].replaceChildren(...members.map(({ person, may, until }) => row([name(person), may, clock(until)])));
  if (members.length) lastIn = name(members.at(-1).person);
  $("console").textContent = members.length ? "" : lastIn ? `No one is in. ${lastIn} was, until it ended.` : "No one is in.";
}

// The steps tick themselves; the page around this one is told the next, for the phone on which this is put aside.
function tell({ steps, afterwards, waiting }) {
  const next = steps.findIndex(({ done }) => !done);
  const signature = JSON.stringify([steps, waiting]);
  if ($("steps").dataset.signature === signature) return;
  $("steps").dataset.signature = signature;
  $("steps").replaceChildren(...steps.map(({ words, done }, index) => step(words, done, index === next)));
  $("afterwards").textContent = afterwards;
  $("afterwards").hidden = next !== -1;
  const press = `Approved: press “Show me how to connect” in ${waiting}'s message from Countersign.`;
  $("waiting").textContent = press;
  $("waiting").hidden = !waiting;
  parent.postMessage({ next: waiting ? press : next === -1 ? afterwards : `${next + 1} of ${steps.length}: ${steps[next].words}` }, "*");
}

function step(words, done, isNext) {
  const line = document.createElement("li");
  line.textContent = words;
  line.className = done ? "done" : isNext ? "next" : "";
  if (isNext) line.setAttribute("aria-current", "step");
  if (done) line.setAttribute("aria-label", `Done: ${words}`);
  return line;
}

function row(values) {
  const line = document.createElement("tr");
  for (const value of values) line.insertCell().textContent = value;
  return line;
}

function draw() {
  const svg = $("strip"), width = svg.clientWidth, now = Date.now() / 1000;
  const x = (at) => ((at - now + SPAN) / SPAN) * width;
  const parts = [];
  for (let back = 0; back <= SPAN; back += 30) {
    const at = x(now - back);
    parts.push(make("line", { x1: at, x2: at, y1: 8, y2: 92, stroke: "#e6eaf1" }));
    const anchor = back === 0 ? "end" : back === SPAN ? "start" : "middle";
    parts.push(make("text", { x: at + (back === 0 ? -6 : back === SPAN ? 6 : 0), y: 106, "text-anchor": anchor }, back === 0 ? "now" : `${back} s ago`));
  }
  looks.forEach((look, place) => {
    const start = x(look.at), end = place + 1 < looks.length ? x(looks[place + 1].at) : x(look.at + 0.5);
    const allowed = look.door === "allowed";
    parts.push(make("rect", {
      x: start, width: Math.max(1, end - start + 0.5), y: allowed ? 12 : 52, height: allowed ? 42 : 5,
      fill: allowed ? "var(--allowed)" : "var(--refused)",
    }));
    if (look.session === "open") {
      parts.push(make("rect", { x: start, width: Math.max(1, end - start + 0.5), y: 72, height: 7, fill: "var(--session)" }));
    }
  });
  svg.replaceChildren(...parts);
}

function make(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

refresh();
