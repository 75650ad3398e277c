// New faces anywhere in a frame, which is searched in pieces: at most one for each frame.

import {
  BASE_WINDOW,
  enlarged,
  highestFirst,
  nonMaximumSuppression,
  overlap,
  rolled,
  rounded,
  scan,
  turnedBack,
} from "./faces.js";
import {part} from "./opencv.js";

/** Detects faces that nobody follows yet; `detector` proposes and verifies. */
export class FrameSearch {
  #detector;
  #tuned;
  #pieces = [];
  #shape;

  constructor(detector, parameters) {
    this.#detector = detector;
    this.#tuned = parameters;
  }

  /** New faces in the piece whose turn it is, in all on a `cut`, the largest first. */
  find(levels, known, time, {cut, hurry}) {
    const whole = levels.level(0);
    const [shape, scale] = [`${whole.rows}x${whole.cols}`, this.#detector.scale(whole)];
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#pieces = pieces(Math.min(whole.rows, whole.cols) * scale, this.#tuned);
      cut = true;
    }
    const found = [];
    for (const piece of cut ? this.#pieces : this.#due(time)) {
      piece.due = time + piece.period / (hurry ? this.#tuned.hurry : 1);
      found.push(...this.#search(levels, scale, piece, known, cut));
    }
    return best(found);
  }

  #due(time) {
    const first = this.#pieces.reduce((one, other) => (other.due < one.due ? other : one));
    return time >= first.due ? [first] : [];
  }

  #search(levels, scale, piece, known, thorough) {
    const reduced = levels.reduced(scale);
    if (!reduced.length) return []; // a frame smaller than any face
    const [cutOut, offset, unit] = pixelsOf(reduced, piece);
    const [image, back] = rolled(cutOut, piece.roll);
    const tuned = this.#tuned;
    const factor = thorough ? tuned.scaleFactorThorough : tuned.scaleFactor;
    const found = [];
    for (const [, proposed] of scan(this.#detector.alt2, image, factor)) {
      const about = placed(proposed, back, offset, unit / scale);
      if (known.some((other) => overlap(about, other))) continue;
      const [score, box] = this.#detector.verify(image, proposed);
      if (score < tuned.weakScore) continue;
      const sure = thorough && this.#detector.isFace(image, box, score, piece.roll);
      const confirmed = score >= tuned.certainScore || sure;
      found.push([score, placed(box, back, offset, unit / scale), piece.roll, confirmed]);
    }
    return found;
  }
}

/** The frame cut into searches of about the same cost, small ones more often. */
function pieces(shorter, tuned) {
  const found = [];
  const levels = Math.max(1, Math.ceil(Math.log2(shorter / BASE_WINDOW)));
  for (let level = 0; level < levels; level++) {
    const strips = Math.max(1, tuned.strips >> (2 * level));
    const period = tuned.periods[Math.min(level, tuned.periods.length - 1)];
    for (let strip = 0; strip < strips; strip++) {
      found.push({level, strip, strips, period, roll: 0, due: 0});
    }
    if (!level) continue; // small faces that are rolled are not worth what finding them costs
    for (const roll of [-tuned.frameRoll, tuned.frameRoll]) {
      found.push({level, strip: 0, strips: 1, period: tuned.rolledPeriod * period, roll, due: 0});
    }
  }
  return found;
}

/** The pixels of a piece; how far down it starts, in them; one of them in level 0's pixels. */
function pixelsOf(levels, piece) {
  const level = Math.min(piece.level, levels.length - 1);
  const image = levels[level];
  const high = image.rows / piece.strips;
  const top = rounded(piece.strip * high);
  let bottom = rounded((piece.strip + 1) * high);
  if (piece.strips > 1) bottom += 2 * BASE_WINDOW; // a face on the seam is seen whole in one of two
  const rows = Math.min(bottom, image.rows) - top;
  return [part(image, 0, top, image.cols, rows), top, 2 ** level];
}

function placed(box, back, offset, unit) {
  const [x, y, width, height] = turnedBack(box, back);
  return enlarged([x, y + offset, width, height], unit);
}

/** The largest first; of those that overlap, the one with the highest score. */
function best(found) {
  const kept = nonMaximumSuppression(found.sort(highestFirst), (one, other) =>
    overlap(one[1], other[1]),
  );
  return kept
    .map(([, box, roll, confirmed]) => ({box, roll, confirmed}))
    .sort((one, other) => other.box[2] - one.box[2]);
}
