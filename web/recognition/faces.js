// Where the faces are in a picture, and the square grey crops that the network sees: the rules and
// numbers of emotion/faces.py, which gives the reasons. Images are grey Mats; a box is an array of
// x, y, width and height.

import {cv, keep, made, part} from "./opencv.js";

const BASE_WINDOW = 20;
const CONFIRMED_SCORE = 30;
const CONFIRMED_ROLLED = 45;
const CERTAIN_SCORE = 110;
const STEP = 1.1;
const STEP_ROLLED = 1.2;
const ROLLS = [-20.0, 20.0];
const VERIFY_SIDE = 44;
const VERIFY_MARGIN = 0.4;
const LARGE = 0.45;
const LARGE_SIDES = [97, 150];
const LARGE_SCORE = 40;
const EYES = ["eye", "lefteye_2splits", "righteye_2splits"];
const EYES_SIDE = 110;
const EYES_BAND = [0.1, 0.7];
const EYES_SCORE = 8;

export {BASE_WINDOW};

/** Detects faces in single pictures, given OpenCV's loaded cascades by their names. */
export class FaceDetector {
  constructor(cascades, minFace) {
    this.minFace = minFace;
    this.alt2 = cascades.frontalface_alt2;
    this.frontal = [this.alt2, cascades.frontalface_default, cascades.frontalface_alt];
    this.eyes = EYES.map((name) => cascades[name]);
  }

  /** The faces in an image, each with its box and roll, largest first. */
  find(image) {
    const scale = this.scale(image);
    const reduced = resized(image, scale);
    let found = [];
    // An upright face is also seen turned, but less exactly.
    for (const roll of [0, ...ROLLS]) found.push(...this.#findRolled(reduced, roll, found));
    if (!found.length) found = this.#large(reduced).map((box) => ({box, roll: 0}));
    return found
      .map(({box, roll}) => ({box: enlarged(box, 1 / scale), roll}))
      .sort((one, other) => other.box[2] - one.box[2]);
  }

  #findRolled(image, roll, known) {
    const [turned, back] = rolled(image, roll);
    const verified = [];
    for (const box of this.#proposals(turned, roll ? STEP_ROLLED : STEP)) {
      const place = turnedBack(box, back);
      if (!known.some((one) => overlap(place, one.box))) verified.push(this.verify(turned, box));
    }
    const found = [];
    for (const [score, box] of verified.sort(highestFirst)) {
      const place = turnedBack(box, back);
      if ([...known, ...found].some((one) => overlap(place, one.box))) continue;
      if (this.isFace(turned, box, score, roll)) found.push({box: place, roll});
    }
    return found;
  }

  /** Whether what was verified with this score is a face; in doubt, its eyes decide. */
  isFace(image, box, score, roll) {
    const enough = roll ? CONFIRMED_ROLLED : CONFIRMED_SCORE;
    return score >= CERTAIN_SCORE || (score >= enough && this.#hasEyes(image, box));
  }

  #hasEyes(image, box) {
    const side = EYES_SIDE;
    const [top, bottom] = EYES_BAND.map((share) => rounded(share * side));
    const square = patch(image, box, {margin: 0, size: side});
    let score = 0;
    for (const seen of [square, equalised(square)]) {
      const band = part(seen, 0, top, side, bottom - top);
      for (const cascade of this.eyes) {
        const sizes = {minSize: Math.floor(side / 6), maxSize: Math.floor((side * 2) / 5)};
        for (const [count, eye] of scan(cascade, band, 1.08, sizes)) {
          if (isEye(enlarged(eye, 1 / side))) score += count;
        }
        if (score >= EYES_SCORE) return true;
      }
    }
    return false;
  }

  /** How much smaller an image may be made before its smallest face is lost. */
  scale(image) {
    return Math.min(1, BASE_WINDOW / (this.minFace * shorterSide(image)));
  }

  /** The score of one proposal under closer inspection, and where the face is exactly. */
  verify(image, proposed) {
    const [first, box] = this.score(image, proposed, false);
    if (!first) return [0, box]; // most proposals end here, at half the cost
    const [second, exact] = this.score(image, box, true);
    return [first + second, exact];
  }

  /** Half a verification: three cascades' score at `box`, and the mean of what they see. */
  score(image, box, equalise) {
    const size = rounded(VERIFY_SIDE * (1 + 2 * VERIFY_MARGIN));
    const square = patch(image, box, {margin: VERIFY_MARGIN, size});
    const seen = equalise ? equalised(square) : square;
    const sizes = {minSize: rounded(VERIFY_SIDE / 1.4), maxSize: rounded(VERIFY_SIDE * 1.4)};
    const found = this.frontal.flatMap((cascade) => scan(cascade, seen, 1.08, sizes).slice(0, 1));
    return mean(found, size, box);
  }

  #proposals(image, step) {
    const found = [];
    pyramid(image).forEach((level, number) => {
      for (const [score, box] of scan(this.alt2, level, step)) {
        found.push([score, enlarged(box, 2 ** number)]);
      }
    });
    return nonMaximumSuppression(found.sort(highestFirst).map(([, box]) => box), sameFace);
  }

  /** The likeliest face among those that fill much of the picture, if there is one. */
  #large(image) {
    const found = LARGE_SIDES.flatMap((side) => this.#largeAt(image, side));
    const scores = found.map(([, box]) =>
      found.reduce((sum, [count, other]) => sum + (sameFace(box, other) ? count : 0), 0),
    );
    const best = Math.max(0, ...scores);
    return best >= LARGE_SCORE ? [found[scores.indexOf(best)][1]] : [];
  }

  #largeAt(image, side) {
    const shorter = shorterSide(image);
    const plain = resized(image, side / shorter);
    const scale = shorterSide(plain) / shorter;
    const sizes = {minSize: rounded(LARGE * shorter * scale), maxSize: shorterSide(plain)};
    return [plain, equalised(plain)].flatMap((version) =>
      this.frontal.flatMap((cascade) =>
        scan(cascade, version, 1.05, sizes).map(([score, box]) => [score, enlarged(box, 1 / scale)]),
      ),
    );
  }
}

/** Where one cascade sees something, as [score, box], the highest score first; sizes in pixels. */
export function scan(
  cascade,
  image,
  scaleFactor,
  {minSize = BASE_WINDOW, maxSize = 2 * BASE_WINDOW + 1} = {},
) {
  const boxes = new cv.RectVector();
  const counts = new cv.IntVector();
  const [smallest, largest] = [new cv.Size(minSize, minSize), new cv.Size(maxSize, maxSize)];
  cascade.detectMultiScale2(image, boxes, counts, scaleFactor, 1, 0, smallest, largest);
  const found = [];
  for (let place = 0; place < boxes.size(); place++) {
    const {x, y, width, height} = boxes.get(place);
    found.push([counts.get(place), [x, y, width, height]]);
  }
  boxes.delete();
  counts.delete();
  return found.sort(highestFirst);
}

function isEye([left, top, width, height]) {
  const [x, y] = [left + width / 2, top + height / 2 + EYES_BAND[0]];
  const side = Math.min(x, 1 - x);
  return y > 0.22 && y < 0.58 && side > 0.15 && side < 0.45;
}

/** The image turned so that heads rolled by `roll` degrees are upright, and the way back. */
export function rolled(image, roll) {
  if (!roll) return [image, [1, 0, 0, 0, 1, 0]];
  const turn = rotation(image.cols / 2, image.rows / 2, roll);
  return [warped(image, turn, image.cols, image.rows), inverted(turn)];
}

/** A box found in a turned image, in the image: its middle turned back, its size kept. */
export function turnedBack([x, y, width, height], back) {
  const [across, down] = [x + width / 2, y + height / 2];
  return [
    back[0] * across + back[1] * down + back[2] - width / 2,
    back[3] * across + back[4] * down + back[5] - height / 2,
    width,
    height,
  ];
}

function rotation(x, y, degrees) {
  const turn = keep(cv.getRotationMatrix2D(new cv.Point(x, y), degrees, 1));
  return [...turn.data64F];
}

function inverted([a, b, x, c, d, y]) {
  const factor = 1 / (a * d - b * c);
  const [e, f, g, h] = [d * factor, -b * factor, -c * factor, a * factor];
  return [e, f, -e * x - f * y, g, h, -g * x - h * y];
}

function warped(image, turn, width, height) {
  const matrix = keep(cv.matFromArray(2, 3, cv.CV_64F, turn));
  const size = new cv.Size(width, height);
  return made((turned) =>
    cv.warpAffine(image, turned, matrix, size, cv.INTER_LINEAR, cv.BORDER_REPLICATE),
  );
}

/** The image, then halved again and again. */
export function pyramid(image) {
  const levels = [];
  while (shorterSide(image) >= BASE_WINDOW) {
    levels.push(image);
    image = resized(image, 0.5);
  }
  return levels;
}

/** The square around a box's centre with `margin` on each side, `size` x `size`, set upright. */
export function patch(image, box, {margin, size, roll = 0}) {
  if (roll) return upright(image, box, {margin, size, roll});
  const [x, y, width, height] = box;
  const side = Math.max(1, rounded(Math.max(width, height) * (1 + 2 * margin)));
  const [left, top] = [rounded(x + (width - side) / 2), rounded(y + (height - side) / 2)];
  const seen = square(image, left, top, side);
  const smooth = side > size ? cv.INTER_AREA : cv.INTER_LINEAR;
  return made((small) => cv.resize(seen, small, new cv.Size(size, size), 0, 0, smooth));
}

/** `side` x `side` pixels; beyond the image's edges the edge's pixels are repeated. */
function square(image, left, top, side) {
  // A square that lies outside altogether still gets the nearest pixels instead of none.
  const x0 = clamped(left, 0, image.cols - 1);
  const y0 = clamped(top, 0, image.rows - 1);
  const width = clamped(left + side, 1, image.cols) - x0;
  const height = clamped(top + side, 1, image.rows) - y0;
  const inside = part(image, x0, y0, width, height);
  if (width === side && height === side) return inside;
  const [before, above] = [clamped(x0 - left, 0, side - width), clamped(y0 - top, 0, side - height)];
  const [after, below] = [side - width - before, side - height - above];
  // Isolated: else the pixels around a part of an image would be taken for what lies beyond it.
  const border = cv.BORDER_REPLICATE | cv.BORDER_ISOLATED;
  return made((whole) =>
    cv.copyMakeBorder(inside, whole, above, below, before, after, border, new cv.Scalar()),
  );
}

function upright(image, box, {margin, size, roll}) {
  const wide = Math.ceil(size * Math.SQRT2);
  const around = (((1 + 2 * margin) * wide) / size - 1) / 2;
  const seen = patch(image, box, {margin: around, size: wide});
  const turn = rotation((wide - 1) / 2, (wide - 1) / 2, roll);
  turn[2] -= (wide - size) / 2;
  turn[5] -= (wide - size) / 2;
  return warped(seen, turn, size, size);
}

/** An image with four channels, as the browser has them, in grey. */
export function grey(image) {
  return made((plain) => cv.cvtColor(image, plain, cv.COLOR_RGBA2GRAY));
}

/** The image made smaller by `scale`, averaging; itself when `scale` is 1 or more. */
export function resized(image, scale) {
  if (scale >= 1) return image;
  const size = new cv.Size(0, 0);
  return made((small) => cv.resize(image, small, size, scale, scale, cv.INTER_AREA));
}

function equalised(image) {
  return made((even) => cv.equalizeHist(image, even));
}

/** What was found, best first, without all that is `alike` with something before it. */
export function nonMaximumSuppression(found, alike) {
  const left = [];
  for (const one of found) if (!left.some((other) => alike(one, other))) left.push(one);
  return left;
}

/** Whether the middle of either box lies in the other, as two faces' never do. */
export function overlap(one, other) {
  return [[one, other], [other, one]].some(([first, second]) => {
    const [x, y] = [first[0] + first[2] / 2, first[1] + first[3] / 2];
    const across = second[0] < x && x < second[0] + second[2];
    return across && second[1] < y && y < second[1] + second[3];
  });
}

/** Whether two boxes are so close in place and size that they hold the same face. */
export function sameFace(one, other) {
  const [larger, smaller] = [Math.max(one[2], other[2]), Math.min(one[2], other[2])];
  const across = Math.abs(one[0] + one[2] / 2 - (other[0] + other[2] / 2));
  const down = Math.abs(one[1] + one[3] / 2 - (other[1] + other[3] / 2));
  return Math.max(across, down) < 0.35 * larger && smaller > 0.5 * larger;
}

/** The box in an image that is `by` times as large. */
export function enlarged(box, by) {
  return box.map((value) => value * by);
}

/** To the nearest whole number, halves to the even one, as Python rounds. */
export function rounded(value) {
  const whole = Math.floor(value);
  const rest = value - whole;
  if (rest !== 0.5) return rest < 0.5 ? whole : whole + 1;
  return whole % 2 ? whole + 1 : whole;
}

/** The value, or the nearer of the two limits. */
export function clamped(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** The order of [score, box, ...]: the highest score first, then the box with the larger numbers. */
export function highestFirst([score, box], [otherScore, otherBox]) {
  if (score !== otherScore) return otherScore - score;
  const place = box.findIndex((value, number) => value !== otherBox[number]);
  return place < 0 ? 0 : otherBox[place] - box[place];
}

function shorterSide(image) {
  return Math.min(image.rows, image.cols);
}

function mean(found, side, box) {
  const total = found.reduce((sum, [score]) => sum + score, 0);
  if (!total) return [0, box];
  const [left, top, width] = [0, 1, 2].map(
    (axis) => found.reduce((sum, [score, place]) => sum + score * place[axis], 0) / total,
  );
  const zoom = (Math.max(box[2], box[3]) * (1 + 2 * VERIFY_MARGIN)) / side;
  const x = box[0] + box[2] / 2 + (left - side / 2) * zoom;
  const y = box[1] + box[3] / 2 + (top - side / 2) * zoom;
  return [total, [x, y, width * zoom, width * zoom]];
}
