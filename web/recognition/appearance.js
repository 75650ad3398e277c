// What a person looks like, in a few pixels: enough to tell apart two who are near each other.

import {clamped, rounded} from "./faces.js";
import {cv, made, part} from "./opencv.js";

/** Head and shoulders of the face in `box`, 4 x 8 pixels of an RGBA frame as values in 0..1. */
export function appearance(frame, [x, y, width, height]) {
  const [left, right] = [x, x + width].map((v) => rounded(clamped(v, 0, frame.cols - 1)));
  const [top, bottom] = [y - 0.2 * height, y + 1.8 * height].map((v) =>
    rounded(clamped(v, 0, frame.rows - 1)),
  );
  const whole = part(frame, left, top, right - left + 1, bottom - top + 1);
  const small = made((to) => cv.resize(whole, to, new cv.Size(4, 8), 0, 0, cv.INTER_AREA));
  const colours = [...small.data].filter((_, place) => place % 4 < 3);
  return Float32Array.from(colours, (value) => value / 255);
}

/** How differently two people look, 0..1; 0 where nothing is known. */
export function difference(one, other) {
  if (!one || !other) return 0;
  return one.reduce((sum, value, place) => sum + Math.abs(value - other[place]), 0) / one.length;
}

/** The old one with `gain` of the new one in it; the known one where only one is known. */
export function blended(old, fresh, gain) {
  if (!old || !fresh) return fresh ?? old;
  return old.map((value, place) => (1 - gain) * value + gain * fresh[place]);
}
