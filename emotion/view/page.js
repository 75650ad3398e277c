"use strict";

const at = (id) => document.getElementById(id);
const live = at("live");
let lost = false;

function made(name, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
}

const percent = (value) => `${Math.round(100 * value)} %`;

function bar(label, value, colour) {
  const fill = made("div", { className: "fill" });
  fill.style.width = `${100 * value}%`;
  fill.style.background = colour;
  return made(
    "div",
    { className: "bar" },
    made("span", { textContent: label, title: label }),
    made("div", { className: "track" }, fill),
    made("span", { textContent: percent(value) }),
  );
}

function person(row, colours) {
  const title = `${row.identity} ${row.emotion} ${percent(row.confidence)}`;
  const bars = Object.entries(row.probabilities).map(([label, value]) => bar(label, value, colours[label]));
  return made("section", {}, made("h2", { textContent: title }), ...bars);
}

const rate = (value) => `${value.toFixed(value < 10 ? 1 : 0)} frames/s`;

function paceLine(pace) {
  const parts = [];
  if (pace?.camera) parts.push(`camera ${rate(pace.camera)}`);
  if (pace?.shown) parts.push(`recognised ${rate(pace.shown)}`);
  if (pace?.dropped) parts.push(`${pace.dropped} dropped`);
  return parts.join(" · ");
}

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

function show(state) {
  const count = state.people.length;
  if (state.ended) say(`The run has ended: ${state.ended}`);
  else if (state.status_message) say(state.status_message, true);
  else say(count === 1 ? "1 person in view" : `${count || "Nobody"}${count ? " people" : ""} in view`);
  at("pace").textContent = paceLine(state.pace);
  if (state.source !== null) at("source").textContent = `${state.source} · reading: ${state.reading}`;
  at("people").replaceChildren(...state.people.map((row) => person(row, state.colours)));
  at("record").setAttribute("aria-pressed", state.recording);
  at("record").lastChild.textContent = state.recording ? " Stop recording" : " Record";
  for (const button of document.querySelectorAll("button")) button.disabled = Boolean(state.ended);
  lost = Boolean(state.ended);
}

function listen() {
  const states = new EventSource("state");
  states.onopen = () => {
    if (lost) location.reload(); // another run, whose buttons want another token
  };
  states.onmessage = (event) => show(JSON.parse(event.data));
  states.onerror = () => {
    if (!lost) say("The connection is lost: trying again", true);
    lost = true;
    if (states.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

async function press(path) {
  const token = document.querySelector('meta[name="form-token"]').content;
  try {
    const answer = await fetch(path, { method: "POST", headers: { "X-Token": token } });
    at("kept").textContent = await answer.text();
  } catch {
    at("kept").textContent = "The machine did not answer";
  }
}

live.addEventListener("error", () => {
  setTimeout(() => (live.src = `live.mjpg?${Date.now()}`), 2000);
});
at("snapshot").addEventListener("click", () => press("snapshot"));
at("record").addEventListener("click", () => press("record"));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "s") press("snapshot");
  if (event.key === "r") press("record");
});
listen();
