// A frame and its faces on the canvas, and the people's bars beside it.

/** Draw a picture with a box and a tag for each face; `mirror` swaps the picture, not the text. */
export function draw(canvas, picture, faces, {mirror, colours}) {
  const {width, height} = picture;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
  const context = canvas.getContext("2d");
  context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  context.drawImage(picture, 0, 0);
  context.setTransform(1, 0, 0, 1, 0, 0);
  const unit = Math.max(1, Math.min(width, height) / 240);
  for (const face of faces) drawFace(context, face, {mirror, width, unit, colour: colours[face.emotion]});
}

function drawFace(context, {box, identity, emotion, confidence, seen}, {mirror, width, unit, colour}) {
  const [x, y, side, high] = box;
  const left = mirror ? width - x - side : x;
  context.lineWidth = 1.5 * unit;
  context.strokeStyle = colour;
  context.setLineDash(seen ? [] : [4 * unit, 4 * unit]);
  context.strokeRect(left, y, side, high);
  context.font = `600 ${10 * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const tag = `${identity} ${emotion} ${Math.round(confidence * 100)} %`;
  const wide = context.measureText(tag).width + 8 * unit;
  const start = Math.max(0, Math.min(left, width - wide));
  const top = Math.max(0, y - 15 * unit);
  context.fillStyle = colour;
  context.fillRect(start, top, wide, 15 * unit);
  context.fillStyle = isLight(colour) ? "#000" : "#fff";
  context.fillText(tag, start + 4 * unit, top + 8 * unit);
}

/** The people in view as cards, each with a bar for every label; cards stay where they are. */
export function list(element, faces, {labels, colours}) {
  while (element.children.length > faces.length) element.lastElementChild.remove();
  while (element.children.length < faces.length) element.append(card(labels, colours));
  faces.forEach(({identity, emotion, confidence, probabilities}, number) => {
    const shown = element.children[number];
    const title = `${identity} ${emotion} ${Math.round(confidence * 100)} %`;
    if (shown.firstElementChild.textContent !== title) shown.firstElementChild.textContent = title;
    shown.querySelectorAll("meter").forEach((bar, place) => {
      bar.value = probabilities[place];
    });
  });
}

function card(labels, colours) {
  const whole = document.createElement("li");
  whole.append(document.createElement("h2"));
  const bars = document.createElement("div");
  bars.className = "bars";
  for (const label of labels) {
    const line = document.createElement("label");
    const bar = document.createElement("meter");
    bar.style.setProperty("--colour", colours[label]);
    line.append(label, bar);
    bars.append(line);
  }
  whole.append(bars);
  return whole;
}

function isLight(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140;
}
