// New faces anywhere in a frame, which is searched in pieces: a little of it in each frame.

import {
  BASE_WINDOW,
  enlarged,
  highestFirst,
  nonMaximumSuppression,
  overlap,
  resized,
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
  #proposed = []; // pieces and boxes in their pixels, not verified
  #shape;

  constructor(detector, parameters) {
    this.#detector = detector;
    this.#tuned = parameters;
  }

  /**
   * New faces in the pieces whose turn it is, everywhere on a `cut`, the largest first. `work` is how
   * many searches of a strip, or verifications, this frame may cost.
   */
  find(levels, known, time, {cut, hurry, work}) {
    const whole = levels.level(0);
    const [shape, scale] = [`${whole.rows}x${whole.cols}`, this.#detector.scale(whole)];
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#pieces = pieces(whole, scale, this.#tuned);
      cut = true;
    }
    const waits = hurry ? 1 / this.#tuned.hurry : 1;
    return best(
      cut
        ? this.#everywhere(levels, scale, known, time, waits)
        : this.#inTurn(levels, scale, known, time, waits, work),
    );
  }

  #everywhere(levels, scale, known, time, waits) {
    this.#proposed = [];
    const found = [];
    for (const piece of this.#pieces) {
      piece.due = time + waits * piece.period;
      if (piece.strip) continue;
      const view = new View(levels, {...piece, strips: 1}, scale);
      for (const box of this.#proposals(view, this.#tuned.scaleFactorThorough)) {
        found.push(...this.#verified(view, box, known, true));
      }
    }
    return found;
  }

  #inTurn(levels, scale, known, time, waits, work) {
    const found = [];
    while (work > 0) {
      if (this.#proposed.length) {
        if (work < 1) break;
        work -= 1;
        const [piece, box] = this.#proposed.shift();
        found.push(...this.#verified(new View(levels, piece, scale), box, known, false));
        continue;
      }
      const piece = this.#pieces.reduce((one, other) => (other.due < one.due ? other : one));
      if (time < piece.due || piece.cost > work) break;
      work -= piece.cost;
      piece.due = time + waits * piece.period;
      const view = new View(levels, piece, scale);
      for (const box of this.#proposals(view, this.#tuned.scaleFactor)) {
        this.#proposed.push([piece, box]);
      }
    }
    return found;
  }

  #proposals(view, factor) {
    if (Math.min(view.image.rows, view.image.cols) < BASE_WINDOW) return []; // smaller than any face
    return scan(this.#detector.alt2, view.image, factor).map(([, box]) => box);
  }

  #verified(view, proposed, known, thorough) {
    const about = view.placed(proposed);
    if (known.some((other) => overlap(about, other))) return [];
    const [score, box] = this.#detector.verify(view.image, proposed);
    if (score < this.#tuned.weakScore) return [];
    const sure = thorough && this.#detector.isFace(view.image, box, score, view.roll);
    return [[score, view.placed(box), view.roll, score >= this.#tuned.certainScore || sure]];
  }
}

/** The pixels of a piece in one frame, reduced by `scale`. */
class View {
  #back;
  #top;
  #scale;
  #unit;

  constructor(levels, piece, scale) {
    const [level, back] = rolled(levels.level(piece.level), piece.roll);
    const high = level.rows / piece.strips;
    const top = rounded(piece.strip * high);
    let bottom = rounded((piece.strip + 1) * high);
    // A face on the seam is seen whole in one of the two.
    if (piece.strips > 1) bottom += Math.ceil((2 * BASE_WINDOW) / scale);
    const strip = part(level, 0, top, level.cols, Math.min(bottom, level.rows) - top);
    this.image = resized(strip, scale);
    this.roll = piece.roll;
    [this.#back, this.#top, this.#scale, this.#unit] = [back, top, scale, 2 ** piece.level];
  }

  /** A box in these pixels as one of the frame. */
  placed(box) {
    const [x, y, width, height] = enlarged(box, 1 / this.#scale);
    const place = turnedBack([x, y + this.#top, width, height], this.#back);
    return enlarged(place, this.#unit);
  }
}

/** The frame cut into searches of about the same cost, small ones more often. */
function pieces({rows, cols}, scale, tuned) {
  const found = [];
  const shorter = Math.min(rows, cols) * scale;
  const finest = Math.min(tuned.strips, Math.floor((rows * scale) / (tuned.strip * BASE_WINDOW)));
  const levels = Math.max(1, Math.ceil(Math.log2(shorter / BASE_WINDOW)));
  for (let level = 0; level < levels; level++) {
    const strips = Math.max(1, finest >> (2 * level));
    const cost = Math.max(1, finest) / strips / 4 ** level;
    const period = tuned.periods[Math.min(level, tuned.periods.length - 1)];
    const waiting = tuned.rolledPeriod * period;
    const rolls = [[0, period]];
    // Small faces that are rolled are not worth what finding them costs.
    if (level) rolls.push([-tuned.frameRoll, waiting], [tuned.frameRoll, waiting]);
    for (const [roll, every] of rolls) {
      for (let strip = 0; strip < strips; strip++) {
        found.push({level, roll, period: every, strip, strips, cost, due: 0});
      }
    }
  }
  return found;
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
