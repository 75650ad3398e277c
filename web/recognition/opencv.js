// OpenCV, and the memory of its pictures: it has no garbage collector, so what one frame needed is
// given back together, after the frame.

export let cv;

const kept = [];

/** Let every module here compute with `loaded`, an OpenCV that is ready. */
export function use(loaded) {
  cv = loaded;
}

/** A Mat or vector that lives until `release`. */
export function keep(one) {
  kept.push(one);
  return one;
}

/** Give back all that was kept. */
export function release() {
  for (const one of kept.splice(0)) one.delete();
}

/** What `fill` wrote into a new Mat. */
export function made(fill) {
  const image = keep(new cv.Mat());
  fill(image);
  return image;
}

/** A part of an image, without a copy. */
export function part(image, x, y, width, height) {
  return keep(image.roi(new cv.Rect(x, y, width, height)));
}
