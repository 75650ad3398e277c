// What was recognised as rows of CSV: the columns, the rounding and the cells of `RESULTS=rows.csv`.

import {rounded} from "./recognition/faces.js";

const MOST = 500_000; // rows; at 25 faces a second five hours and a half, some 100 MB

/** The rows of all that was looked at; of too many the first are dropped. */
export class Rows {
  #header;
  #version;
  #lines = [];

  constructor({columns, version}) {
    this.#header = columns.map(cell).join(",");
    this.#version = version;
  }

  get count() {
    return this.#lines.length;
  }

  /** Add a row for each face, or one without a face where there are none. */
  add({source, frame, time, wall, reading}, faces, labels) {
    const common = [
      this.#version,
      text(source),
      frame,
      time === null ? null : decimal(time, 1e6),
      wall?.toISOString(),
      reading,
    ];
    const nobody = new Array(8 + 2 * labels.length).fill(null);
    for (const own of faces.length ? faces.map(cells) : [nobody]) {
      this.#lines.push([...common, ...own].map(cell).join(","));
    }
    if (this.#lines.length > MOST) this.#lines.splice(0, MOST / 10);
  }

  /** The whole table. */
  table() {
    return `${[this.#header, ...this.#lines].join("\n")}\n`;
  }
}

function cells({identity, box, seen, emotion, confidence, probabilities, raw}) {
  const shares = [confidence, ...probabilities, ...raw].map((value) => decimal(value, 1e4));
  return [identity, ...box, Number(seen), text(emotion), ...shares];
}

/** As Python writes it: halves to the even digit, and 1.0 for a whole number. */
function decimal(value, digits) {
  const short = rounded(value * digits) / digits;
  return Number.isInteger(short) ? short.toFixed(1) : String(short);
}

/** Text that no spreadsheet takes for a formula. */
function text(value) {
  const plain = value.replace(/\p{Cc}/gu, "?");
  return /^[=+\-@]/.test(plain) ? `'${plain}` : plain;
}

function cell(value) {
  const plain = String(value ?? "");
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
