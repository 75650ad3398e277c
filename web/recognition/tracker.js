// Who is who from frame to frame: the rules of emotion/tracking/tracker.py, but for MAX_FACES.

import {blended, difference} from "./appearance.js";
import {clamped, rounded} from "./faces.js";
import {LabelSmoother} from "./smoothing.js";

/** Keeps a number for each person in view, and smooths what the network says of each. */
export class Tracker {
  #labels;
  #options;
  #tuned;
  #tracks = [];
  #next = 1;
  #time = -Infinity;

  /** `options`: smoothing in seconds, confidence, parameters. */
  constructor(labels, options) {
    this.#labels = labels;
    this.#options = options;
    this.#tuned = options.parameters;
  }

  /**
   * The faces to show at `time`, seconds. `detect` gets everybody remembered, each box where the face
   * should be now; `classify` gets those who are shown and were found, and promises a row for each.
   */
  async update(time, {detect, classify, cut = false}) {
    this.#predict(time);
    this.#associate(detect([...this.#tracks]), cut);
    const shown = this.#shown();
    const seen = shown.filter((one) => !one.missed);
    const rows = await classify(seen);
    seen.forEach((one, number) => this.#classified(one, rows[number]));
    return shown.map(face);
  }

  #predict(time) {
    const tuned = this.#tuned;
    const step = Math.max(0, time - this.#time);
    this.#time = Math.max(this.#time, time);
    this.#tracks = this.#tracks.filter(
      (one) => this.#unseen(one) <= tuned.maxAge || one.missed < tuned.maxMissed,
    );
    for (const one of this.#tracks) {
      // Where somebody walked to since the last frame is anywhere.
      if (step > tuned.maxCoast) one.velocity = [0, 0];
      const [x, y, width, height] = one.box;
      one.box = [x + one.velocity[0] * step, y + one.velocity[1] * step, width, height];
      if (this.#unseen(one) > tuned.maxCoast) one.velocity = [0, 0]; // nobody walks unseen for long
    }
  }

  #associate(detections, cut) {
    for (const one of this.#tracks) {
      one.missed += 1;
      if (cut) Object.assign(one, {velocity: [0, 0], smoother: null});
    }
    const free = new Set(detections);
    for (const [one, detection] of this.#pairs(detections, cut)) {
      this.#correct(one, detection);
      free.delete(detection);
    }
    if (cut) this.#tracks = this.#tracks.filter((one) => !one.missed);
    this.#tracks.push(...[...free].map((detection) => this.#new(detection)));
  }

  #pairs(detections, cut) {
    const costs = [];
    for (const one of this.#tracks) {
      for (const detection of detections) {
        const cost = this.#cost(one, detection, cut);
        if (cost !== null) costs.push([cost, one, detection]);
      }
    }
    costs.sort((one, other) => one[0] - other[0]);
    const pairs = [];
    for (const [, one, detection] of costs) {
      const taken = pairs.some(([track, other]) => one === track || detection === other);
      if (!taken) pairs.push([one, detection]);
    }
    return pairs;
  }

  /** What speaks against a detection being this person, in sides; null if it cannot be. */
  #cost(one, detection, cut) {
    const tuned = this.#tuned;
    const unseen = this.#unseen(one);
    const growth = cut ? 0 : Math.min(tuned.maxGatingGrowth, tuned.gatingGrowth * unseen);
    const apart = distance(one.box, detection.box);
    if (apart > tuned.gatingDistance + growth) return null;
    const different = difference(one.appearance, detection.appearance);
    const long = cut || unseen > tuned.maxAge;
    if (long && different > tuned.maxAppearanceChange) return null;
    // Between a person in view and one who is not, the first has the better claim.
    const absence = Math.min(tuned.maxAbsenceCost, tuned.absenceCost * unseen);
    return apart + tuned.appearanceWeight * different + absence;
  }

  #correct(one, detection) {
    const tuned = this.#tuned;
    const gap = this.#unseen(one);
    [one.box, one.velocity] = moved(one, detection.box, gap, tuned);
    one.roll += gain(gap, tuned) * (detection.roll - one.roll);
    one.appearance = blended(one.appearance, detection.appearance, tuned.appearanceGain);
    one.confirmed ||= detection.confirmed;
    one.hits += 1;
    one.missed = 0;
    one.lastSeen = this.#time;
  }

  #new({box, roll, confirmed, appearance}) {
    const began = {firstSeen: this.#time, lastSeen: this.#time, hits: 1, missed: 0, identity: 0};
    const unread = {velocity: [0, 0], raw: null, smoother: null};
    return {box, roll, confirmed, appearance, ...began, ...unread};
  }

  #shown() {
    const shown = this.#tracks.filter((one) => this.#inView(one));
    for (const one of shown) one.identity ||= this.#next++;
    return shown;
  }

  /** Whether a person is there; a doubtful one has to be detected again first. */
  #inView(one) {
    const tuned = this.#tuned;
    const spread = one.lastSeen - one.firstSeen >= tuned.minHitsSpan;
    const known = one.identity || one.confirmed || (one.hits >= tuned.minHits && spread);
    const ready = !one.missed || one.smoother;
    return known && ready && this.#unseen(one) <= tuned.maxCoast;
  }

  #classified(one, row) {
    one.smoother ??= new LabelSmoother(this.#labels, this.#options);
    one.raw = row;
    one.smoother.add(row, this.#time);
  }

  #unseen(one) {
    return this.#time - one.lastSeen;
  }
}

function face({identity, box, smoother, raw, roll, missed}) {
  const {probabilities, emotion} = smoother;
  return {
    identity,
    box: box.map(rounded),
    emotion,
    confidence: Math.max(...probabilities),
    probabilities,
    raw,
    angle: roll,
    seen: !missed,
  };
}

/** How far apart two boxes are in place and in size, in their own sides. */
function distance(one, other) {
  const across = other[0] + other[2] / 2 - one[0] - one[2] / 2;
  const down = other[1] + other[3] / 2 - one[1] - one[3] / 2;
  const side = (one[2] + other[2]) / 2;
  return Math.hypot(across, down) / side + Math.abs(Math.log(other[2] / one[2]));
}

/** Part of what is new that an average over the box's time constant takes in after `gap`. */
function gain(gap, tuned) {
  return 1 - Math.exp(-gap / tuned.boxTimeConstant);
}

/** The track's box and velocity after a detection `gap` seconds after the last one. */
function moved({box: old, velocity}, fresh, gap, tuned) {
  const middle = [0, 1].map((axis) => old[axis] + old[axis + 2] / 2);
  const step = [0, 1].map((axis) => fresh[axis] + fresh[axis + 2] / 2 - middle[axis]);
  const growth = fresh[2] - old[2];
  const least = gain(Math.max(gap, 1e-3), tuned); // a repeated frame still counts a little
  const along = Math.hypot(...step) / (tuned.followDistance * old[2]);
  const follow = Math.min(1, Math.max(least, along));
  const grow = Math.min(1, Math.max(least, Math.abs(growth) / (tuned.followGrowth * old[2])));
  const size = old[2] + grow * growth;
  const limit = tuned.maxSpeed * size;
  const speed = velocity.map((part, axis) => {
    const faster = part + (tuned.velocityGain * follow * step[axis]) / Math.max(gap, 0.02);
    return clamped(faster, -limit, limit);
  });
  const [x, y] = middle.map((place, axis) => place + follow * step[axis] - size / 2);
  return [[x, y, size, size], speed];
}
