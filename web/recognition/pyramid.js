// A frame at full size, half, a quarter: each search takes the smallest that serves.

import {pyramid, resized} from "./faces.js";

/** The levels of one grey frame, each made when it is first asked for. */
export class Pyramid {
  #levels;
  #reduced;

  constructor(image) {
    this.#levels = [image];
  }

  /** The frame halved `number` times. */
  level(number) {
    while (this.#levels.length <= number) this.#levels.push(resized(this.#levels.at(-1), 0.5));
    return this.#levels[number];
  }

  /** The smallest level in which the box still has `side` pixels, and its scale. */
  best(box, side) {
    const number = Math.max(0, Math.floor(Math.log2(Math.max(1, box[2] / side))));
    return [this.level(number), 0.5 ** number];
  }

  /** The levels of the frame made smaller by `scale` first, the same in every call. */
  reduced(scale) {
    this.#reduced ??= pyramid(resized(this.level(0), scale));
    return this.#reduced;
  }
}
