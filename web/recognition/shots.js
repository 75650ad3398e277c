// Where one shot of a film ends and the next begins.

/** Watches the frames of a film for cuts. */
export class Shots {
  #tuned;
  #last;

  constructor(parameters) {
    this.#tuned = parameters;
  }

  /** Whether a grey frame starts a new shot, as the first one does; to be asked for each. */
  cut(image) {
    const {rows, cols, data} = image;
    const [down, across] = [Math.floor(rows / 24), Math.floor(cols / 32)].map((n) => Math.max(1, n));
    const small = [];
    for (let y = 0; y < rows; y += down) {
      for (let x = 0; x < cols; x += across) small.push(data[y * cols + x]);
    }
    const shape = `${rows}x${cols}`;
    const last = this.#last;
    this.#last = {shape, small};
    if (last?.shape !== shape) return true;
    const change = small.reduce((sum, value, n) => sum + Math.abs(value - last.small[n]), 0);
    return change / small.length / 255 > this.#tuned.shotChange;
  }
}
