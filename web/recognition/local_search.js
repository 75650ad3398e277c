// A known face around the place where it is expected, in one pose at a time.

import {enlarged, patch, rounded, scan} from "./faces.js";
import {cv, made} from "./opencv.js";

export const FRONT = "front";
const LEFT = "left";
const RIGHT = "right";

/** How a head is turned: `roll` in degrees, clockwise positive, and the side it is seen from. */
export function pose(roll = 0, view = FRONT) {
  return {roll, view, upright: view === FRONT && !roll};
}

/** Searches a little more than the face's place, at about its size, with one cascade. */
export class LocalSearch {
  #cascades;
  #tuned;

  constructor(cascades, parameters) {
    this.#cascades = cascades;
    this.#tuned = parameters;
  }

  /** The face about `box` as [score, upright frontal box], or null. */
  find(levels, box, {roll, view}, search) {
    const [image, scale] = levels.best(box, search.side);
    const size = rounded(search.side * (1 + 2 * search.margin));
    const seen = patch(image, enlarged(box, scale), {margin: search.margin, size, roll});
    const found = this.#scan(seen, view, search);
    if (!found.length || found[0][0] < search.minScore) return null;
    const [score, [x, y, side]] = found[0];
    let place = [x + side / 2 - size / 2, y + side / 2 - size / 2, side];
    if (view !== FRONT) place = this.#asFrontal(...place, view);
    const [across, down, width] = place;
    const zoom = (box[2] * (1 + 2 * search.margin)) / size;
    return [score, placed(box, zoom, across, down, width * zoom * search.boxScale, roll)];
  }

  #scan(seen, view, search) {
    const range = this.#tuned.sizeRange;
    const sizes = {minSize: rounded(search.side / range), maxSize: rounded(search.side * range)};
    // The profile cascade looks to the left, and sees the others in a mirror.
    const facing = view === RIGHT ? made((mirrored) => cv.flip(seen, mirrored, 1)) : seen;
    const name = view === FRONT ? "frontalface_alt2" : "profileface";
    return scan(this.#cascades[name], facing, search.scaleFactor, sizes);
  }

  #asFrontal(across, down, width, view) {
    const {profileBack, profileUp, profileScale} = this.#tuned;
    const back = across - profileBack * width;
    return [view === RIGHT ? -back : back, down + profileUp * width, width * profileScale];
  }
}

function placed(box, zoom, across, down, side, roll) {
  const turn = (roll * Math.PI) / 180;
  const dx = zoom * (across * Math.cos(turn) - down * Math.sin(turn));
  const dy = zoom * (across * Math.sin(turn) + down * Math.cos(turn));
  const [x, y] = [box[0] + box[2] / 2 + dx, box[1] + box[3] / 2 + dy];
  return [x - side / 2, y - side / 2, side, side];
}

/** Poses that a found face may be changing to. */
export function neighbours({roll, view}, {rollStep, maxRoll}) {
  const rolls = [roll - rollStep, roll + rollStep];
  const poses = rolls.map((one) => pose(one, view));
  if (view !== FRONT) poses.push(...[roll, ...rolls].map((one) => pose(one)));
  return poses.filter((one) => Math.abs(one.roll) <= maxRoll);
}

/** Poses to try for a face that is not found in one, the likeliest first. */
export function alternatives({roll, view}, {rollStep, maxRoll}) {
  const rolls = [roll - rollStep, roll + rollStep];
  const poses = [
    ...(view !== FRONT ? [pose(roll)] : []),
    ...rolls.map((one) => pose(one)),
    ...[LEFT, RIGHT].filter((one) => one !== view).map((one) => pose(roll, one)),
    ...rolls.flatMap((one) => [pose(one, LEFT), pose(one, RIGHT)]),
    ...[pose(roll - 2 * rollStep), pose(roll + 2 * rollStep), pose(0)],
  ];
  return poses.filter((one) => Math.abs(one.roll) <= maxRoll);
}
