// A frame at full size, half, a quarter: each search takes the smallest that serves.

import {resized} from "./faces.js";

/** The levels of one grey frame, each made when it is first asked for. */
export class Pyramid {
  #levels;

  constructor(image) {
    this.#levels = [image];
  }

  /** The frame halved `number` times, down to a line of pixels. */
  level(number) {
    while (this.#levels.length <= number) {
      const last = this.#levels.at(-1);
      this.#levels.push(Math.min(last.rows, last.cols) > 1 ? resized(last, 0.5) : last);
    }
    return this.#levels[number];
  }

  /** The smallest level in which the box still has `side` pixels, and its scale. */
  best(box, side) {
    const number = Math.max(0, Math.floor(Math.log2(Math.max(1, box[2] / side))));
    return [this.level(number), 0.5 ** number];
  }
}
