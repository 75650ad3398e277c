// Finds and reads faces off the page's own thread, so that the page stays smooth.
//
// A classic worker, not a module one: LiteRT loads its WebAssembly with importScripts.

"use strict";

let recogniser;
let classifier;
let canvas;

const asked = {
  async read({picture, time, live}) {
    const began = performance.now();
    const faces = await recogniser.read(pixels(picture), time, live);
    const milliseconds = performance.now() - began;
    postMessage({faces, picture, milliseconds}, [picture]);
  },
  reset() {
    recogniser.reset();
  },
  minFace({share}) {
    recogniser.minFace = share;
  },
  reading({name}) {
    classifier.reading = name;
    recogniser.reset();
  },
};

let last = start();
self.onmessage = ({data}) => {
  last = last.then(() => asked[data.ask](data)).catch(failed);
};

async function start() {
  const [images, own, {EmotionRecogniser}, litert, opencv, description] = await Promise.all([
    import("./recognition/opencv.js"),
    import("./recognition/classifier.js"),
    import("./recognition/recogniser.js"),
    import("./packages/litert/index.js"),
    import("./packages/opencv/opencv_js.js").then((loaded) => loaded.default()),
    fetched("description.json").then((response) => response.json()),
  ]);
  images.use(opencv);
  const folder = new URL("packages/litert/wasm/", self.location.href).href;
  self.Module = {locateFile: (name) => folder + name}; // else it looks beside this worker
  await litert.loadLiteRt(folder);
  const [model, ...cascades] = await Promise.all([
    bytes("model.tflite").then((file) => litert.loadAndCompile(file, {accelerator: "wasm"})),
    ...description.cascades.map(async (name) => [name, await cascade(opencv, name)]),
  ]);
  classifier = new own.Classifier(litert, model, description);
  recogniser = new EmotionRecogniser(Object.fromEntries(cascades), classifier, description);
  postMessage({ready: true});
}
last.catch(failed);

async function cascade(opencv, name) {
  const file = `haarcascade_${name}.xml`;
  opencv.FS_createDataFile("/", file, await bytes(`cascades/${file}`), true, false, false);
  const loaded = new opencv.CascadeClassifier();
  if (!loaded.load(file)) throw new Error(`${file} is broken: install opencv-python again`);
  return loaded;
}

async function bytes(path) {
  return new Uint8Array(await (await fetched(path)).arrayBuffer());
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response;
}

function pixels(picture) {
  const {width, height} = picture;
  canvas ??= new OffscreenCanvas(width, height);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.globalCompositeOperation = "copy";
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height);
}

function failed(error) {
  postMessage({error: String(error?.message ?? error)});
}
