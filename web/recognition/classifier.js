// A .tflite model and the probabilities it gives for face crops, by LiteRT.

/** Face crops in, probabilities out, in the order of the labels: emotion/classifier.py's answers. */
export class Classifier {
  /** The question that is asked, one of the description's readings. */
  reading;
  #litert;
  #model;
  #description;

  constructor(litert, model, description) {
    this.#litert = litert;
    this.#model = model;
    this.#description = description;
    this.reading = description.reading;
  }

  /** Probabilities, a Float32Array, for one grey crop of size x size bytes. */
  async read(crop) {
    const [details] = this.#model.getInputDetails();
    const input = new this.#litert.Tensor(this.#prepared(crop, details.dtype), details.shape);
    const outputs = await this.#model.run([input]);
    const place = this.#place();
    const values = Float32Array.from(outputs[place].toTypedArray());
    for (const one of [input, ...outputs]) one.delete();
    return this.#named(normalised(values));
  }

  /** An integer input was calibrated on pixels; a float one says what black and white are. */
  #prepared(crop, kind) {
    if (kind === "uint8") return Uint8Array.from(crop);
    const [low, high] = this.#description.pixels;
    return Float32Array.from(crop, (pixel) => low + pixel * ((high - low) / 255));
  }

  #place() {
    const outputs = this.#model.getOutputDetails();
    if (outputs.length === 1) return 0;
    return outputs.findIndex(({name}) => name === this.reading);
  }

  /** The labels' own among the reading's answers, as shares among those. */
  #named(row) {
    const columns = this.#description.readings[this.reading];
    if (columns.length === row.length && columns.every((column, place) => column === place)) {
      return row;
    }
    const own = Float32Array.from(columns, (column) => row.at(column));
    const total = summed(own);
    return own.map((value) => (total > 1e-6 ? value / total : 1 / columns.length));
  }
}

/** 8-bit probabilities count 256ths, and miss one by a little: made to sum to one. */
function normalised(row) {
  const total = summed(row);
  return row.map((value) => value / total);
}

function summed(row) {
  return row.reduce((sum, value) => Math.fround(sum + value), 0);
}
