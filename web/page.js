// The page: what people ask for, and what they see. Finding and reading happen in worker.js.

import {draw, list} from "./drawing.js";
import {Rows} from "./rows.js";
import {cameras, follow, openCamera, openFile} from "./sources.js";

const element = (id) => document.getElementById(id);
const [canvas, video, people] = ["view", "video", "people"].map(element);

let description;
let worker;
let rows;
let answered; // settles what the worker was asked last
let reading = Promise.resolve(); // the worker reads one picture at a time
let source = null; // what is being looked at
let opening = 0; // how many sources were asked for: a slow one must not replace a later one
let shown = null; // the last picture, with its faces
let paused = false;
let mirror = false;
let speed = [];

element("camera").addEventListener("click", () => open(startCamera));
element("cameras").addEventListener("change", () => open(startCamera));
element("file").addEventListener("change", ({target}) => {
  if (target.files.length) openFiles(target.files);
  target.value = ""; // the same file may be chosen again
});
element("pause").addEventListener("click", () => pause(!paused));
element("mirror").addEventListener("click", () => setMirror(!mirror));
element("rows").addEventListener("click", saveRows);
element("smallest").addEventListener("input", showSmallest);
element("smallest").addEventListener("change", ({target}) => change({ask: "minFace", share: Number(target.value)}));
element("reading").addEventListener("change", ({target}) => change({ask: "reading", name: target.value}));
document.addEventListener("keydown", ({key, target, ctrlKey, metaKey, altKey}) => {
  if (ctrlKey || metaKey || altKey || target.closest("input, select, button")) return;
  if (key === " ") pause(!paused);
  if (key === "m") setMirror(!mirror);
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) openFiles(event.dataTransfer.files);
});
start().catch(({message}) => say(message, true));

async function start() {
  say("loading the model and OpenCV …");
  await offline();
  description = await (await fetch("description.json")).json();
  rows = new Rows(description);
  element("smallest").value = description.minFace;
  showSmallest();
  for (const name of Object.keys(description.readings)) {
    const words = {people: "what people would say", fer2013: "the data set's label"}[name] ?? name;
    element("reading").append(new Option(words, name, false, name === description.reading));
  }
  worker = new Worker("worker.js");
  await new Promise((resolve, reject) => {
    worker.onmessage = ({data}) => (data.error ? reject(new Error(data.error)) : resolve());
    worker.onerror = ({message}) => reject(new Error(message || "worker.js cannot be loaded"));
  });
  worker.onmessage = ({data}) => answered(data);
  for (const id of ["camera", "file", "smallest", "reading"]) element(id).disabled = false;
  document.body.dataset.ready = "";
  say("ready: start the camera, or open a picture or a clip. Nothing leaves this machine.");
}

/** Without a network the page goes on with what it has once loaded; private windows may refuse. */
async function offline() {
  if (!navigator.serviceWorker) return;
  const controlled = navigator.serviceWorker.register("service-worker.js").then(async () => {
    if (navigator.serviceWorker.controller) return;
    await new Promise((done) => {
      navigator.serviceWorker.addEventListener("controllerchange", done, {once: true});
    });
  });
  await Promise.race([controlled.catch(() => {}), new Promise((done) => setTimeout(done, 2000))]);
}

function openFiles([file]) {
  open(() => openFile(video, file));
}

async function startCamera() {
  const camera = await openCamera(video, element("cameras").value);
  await listCameras(camera.device);
  return camera;
}

async function listCameras(current) {
  const choice = element("cameras");
  const found = await cameras();
  choice.replaceChildren(
    ...found.map(({deviceId, label}, number) => {
      const mine = deviceId === current;
      return new Option(label || `camera ${number + 1}`, deviceId, mine, mine);
    }),
  );
  choice.hidden = found.length < 2;
}

/** Look at what `opened` promises instead of what is there now. */
async function open(opened) {
  const number = ++opening;
  close();
  say("opening …");
  try {
    const next = await opened();
    if (number !== opening) return next.close();
    source = {...next, frames: 0, number};
    ask({ask: "reset"});
    pause(false);
    setMirror(Boolean(next.live)); // people expect a mirror of their own camera
    element("pause").disabled = Boolean(next.picture);
    if (next.picture) return await look(source, next.picture, null);
    say(`${next.name}: running`);
    await watch(source);
  } catch (error) {
    if (number === opening) say(reason(error), true);
  }
}

function close() {
  source?.close();
  source = null;
  speed = [];
}

function watch(current) {
  const ended = () => source !== current;
  return follow(video, {
    live: current.live,
    ended,
    async take(time) {
      if (paused) return;
      const picture = await createImageBitmap(video);
      if (!ended()) await look(current, picture, time);
    },
  });
}

/** Have one picture read, and show what was found. */
async function look(current, picture, time) {
  const {live = false} = current;
  const wall = live ? new Date() : null;
  const name = element("reading").value;
  if (time === null) say(`${current.name}: reading …`);
  // The clip's own time may jump when frames are left out, as a live source's does.
  const answer = await read({ask: "read", picture, time, live: time !== null});
  if (answer.error) throw new Error(answer.error);
  if (source !== current) return answer.picture.close();
  const frame = current.frames++;
  rows.add({source: current.name, frame, time, wall, reading: name}, answer.faces, description.labels);
  shown?.picture.close();
  shown = {picture: answer.picture, faces: answer.faces};
  show();
  tell(current, time, answer);
}

function read(question) {
  const done = reading.then(() => {
    const promised = new Promise((resolve) => (answered = resolve));
    worker.postMessage(question, [question.picture]);
    return promised;
  });
  reading = done;
  return done;
}

function ask(question) {
  worker.postMessage(question);
}

function show() {
  if (!shown) return;
  document.body.dataset.shown = "";
  draw(canvas, shown.picture, shown.faces, {mirror, colours: description.colours});
  list(people, shown.faces, description);
  element("rows").disabled = false;
  element("count").textContent = `${rows.count} rows`;
}

function tell(current, time, {faces, milliseconds}) {
  if (paused) return; // while this one was on its way
  const who = faces.length === 1 ? "1 face" : `${faces.length || "no"} faces`;
  if (time === null) return say(`${current.name}: ${who}, ${Math.round(milliseconds)} ms`);
  const now = performance.now();
  speed = [...speed, now].filter((moment) => now - moment < 2000);
  const rate = speed.length > 1 ? ((speed.length - 1) * 1000) / (now - speed[0]) : 0;
  say(`${current.name}: ${who}, ${rate.toFixed(0)} frames/s, ${milliseconds.toFixed(0)} ms each`);
}

/** A changed setting holds from the next frame on; a picture is read again. */
function change(question) {
  ask(question);
  if (!source?.picture || !shown) return;
  createImageBitmap(shown.picture)
    .then((picture) => look(source, picture, null))
    .catch((error) => say(reason(error), true));
}

function pause(wanted) {
  paused = wanted;
  element("pause").setAttribute("aria-pressed", paused);
  if (source && !source.live && !source.picture) paused ? video.pause() : video.play();
  if (paused && source) say(`${source.name}: paused`);
}

function setMirror(wanted) {
  mirror = wanted;
  element("mirror").setAttribute("aria-pressed", mirror);
  show();
}

function showSmallest() {
  element("share").textContent = `${Math.round(element("smallest").value * 100)} %`;
}

function saveRows() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([rows.table()], {type: "text/csv"}));
  link.download = "rows.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function reason(error) {
  const known = {
    NotAllowedError: "the camera was not allowed: allow it beside the page's address, then try again",
    NotFoundError: "no camera was found: plug one in, or open a picture or a clip",
    NotReadableError: "the camera is used by another program: close that one first",
    OverconstrainedError: "this camera is gone: choose another one",
  };
  return known[error.name] ?? error.message;
}

function say(text, wrong = false) {
  element("status").textContent = text;
  element("status").classList.toggle("wrong", wrong);
}
