// Faces from frame to frame of a video: known ones around their places, new ones elsewhere. The
// rules are those of emotion/tracking/detector.py.

import {appearance} from "./appearance.js";
import {enlarged, nonMaximumSuppression, overlap, rounded, sameFace} from "./faces.js";
import {FrameSearch} from "./frame_search.js";
import {LocalSearch, alternatives, neighbours, pose} from "./local_search.js";
import {Pyramid} from "./pyramid.js";

/** Detects faces in frames that follow each other, given where the known ones should be. */
export class VideoDetector {
  #detector;
  #tuned;
  #near;
  #elsewhere;
  #followed = new WeakMap(); // of each track: how it was last found, and what is due for it
  #time = Infinity; // of the last frame, seconds
  #spent = 0; // seconds
  #tries = 0; // what is left of a frame's, and so are the next two
  #work = 0;
  #verifying = 0;

  constructor(detector, cascades, parameters) {
    this.#detector = detector;
    this.#tuned = parameters;
    this.#near = new LocalSearch(cascades, parameters);
    this.#elsewhere = new FrameSearch(detector, parameters);
  }

  /**
   * The faces in a `frame`, RGBA, at `time`, seconds; all of it is searched on a `cut`. `grey` is the
   * same in grey. Of a `live` source's gaps, the time that the last search took does not count.
   */
  detectNext(frame, grey, tracks, time, {cut, live}) {
    const began = performance.now();
    const levels = new Pyramid(grey);
    const since = time - this.#time;
    this.#time = time;
    this.#plan(Math.max(0, since));
    const gap = since - (live ? this.#spent : 0);
    const found =
      gap > this.#tuned.farApart
        ? this.#far(frame, levels, tracks, time)
        : this.#close(frame, levels, tracks, time, cut);
    this.#spent = (performance.now() - began) / 1000;
    return found;
  }

  /** What a frame may cost that comes `gap` seconds after the last: more where few come. */
  #plan(gap) {
    const tuned = this.#tuned;
    this.#work = Math.max(1, gap * tuned.work);
    const share = gap * tuned.work * tuned.verifying;
    this.#verifying = Math.min(this.#verifying + share, Math.max(1, share));
    this.#tries = Math.min(tuned.maxTries, Math.max(1, rounded(gap * tuned.tries)));
  }

  #close(frame, levels, tracks, time, cut) {
    const found = this.#known(frame, levels, tracks, time);
    const lost = tracks.some((one) => one.missed && this.#urgent(one, time));
    const hurry = !found.length || lost;
    const places = found.map((one) => one.box);
    const fresh = this.#elsewhere.find(levels, places, time, {cut, hurry, work: this.#work});
    return [
      ...nonMaximumSuppression(found, (one, other) => sameFace(one.box, other.box)),
      ...fresh.map((one) => ({...one, appearance: appearance(frame, one.box)})),
    ];
  }

  #far(frame, levels, tracks, time) {
    const found = this.#detector.find(levels.level(0)).map(({box, roll}) => {
      return {box, roll, confirmed: true, appearance: appearance(frame, box)};
    });
    // A head that turned aside in the last frame may have stayed there, still turned aside.
    const lost = tracks.filter((one) => !found.some(({box}) => overlap(one.box, box)));
    const still = this.#known(frame, levels, lost, time);
    return nonMaximumSuppression([...found, ...still], (one, other) => overlap(one.box, other.box));
  }

  #known(frame, levels, tracks, time) {
    const crowded = this.#crowded(tracks.map((one) => one.box));
    const found = [];
    for (const track of tracks) {
      const followed = this.#state(track, time);
      const one = this.#follow(levels, track, followed, time);
      if (!one) continue;
      if (crowded || time - followed.noted >= this.#tuned.appearanceInterval) {
        followed.noted = time;
        one.appearance = appearance(frame, one.box);
      }
      found.push(one);
    }
    return found;
  }

  #state(track, time) {
    if (!this.#followed.has(track)) {
      const {rollStep, weakScore} = this.#tuned;
      const steps = Math.round(track.roll / rollStep); // which is never a half
      const began = {verified: time, score: weakScore, half: 0, explored: -Infinity, noted: -Infinity};
      this.#followed.set(track, {pose: pose(rollStep * steps), turn: 0, ...began});
    }
    return this.#followed.get(track);
  }

  #follow(levels, track, followed, time) {
    const tuned = this.#tuned;
    const quick = this.#near.find(levels, track.box, followed.pose, tuned.quick);
    if (!quick) return this.#recover(levels, track, followed, time);
    if (track.confirmed && followed.pose.upright && quick[0] >= tuned.plainScore) {
      followed.score = tuned.certainScore;
      return {box: quick[1], roll: 0, confirmed: true};
    }
    const [, box] = this.#explore(levels, followed, quick, time);
    this.#verify(levels, track, followed, box, time);
    if (followed.score < tuned.weakScore) return null;
    const confirmed = track.confirmed || followed.score >= tuned.certainScore;
    return {box, roll: followed.pose.roll, confirmed};
  }

  /** The same face in a neighbouring pose if one is due and fits better. */
  #explore(levels, followed, best, time) {
    const tuned = this.#tuned;
    const own = followed.pose;
    const interval = own.upright ? tuned.exploreIntervalUpright : tuned.exploreInterval;
    if (time - followed.explored < interval) return best;
    followed.explored = time;
    const others = neighbours(own, tuned);
    const other = others[followed.turn % others.length];
    followed.turn += 1;
    const now = this.#near.find(levels, best[1], own, tuned.close) ?? best;
    const then = this.#near.find(levels, best[1], other, tuned.close);
    const needed = other.view === own.view ? tuned.poseGain * now[0] : tuned.frontalScore;
    if (!then || then[0] <= needed) return now;
    take(followed, other);
    return then;
  }

  /** Half a verification of an upright face if it is due: sooner for one that is in doubt. */
  #verify(levels, track, followed, box, time) {
    const tuned = this.#tuned;
    const certain = track.confirmed && followed.score >= tuned.weakScore;
    const interval = certain ? tuned.verifyInterval : tuned.verifyIntervalDoubtful;
    const due = followed.pose.upright && time - followed.verified >= interval;
    if (!due || this.#verifying < 1) return;
    this.#verifying -= 1;
    this.#work -= 1;
    const [image, scale] = levels.best(box, tuned.verifySide);
    const first = followed.half;
    const [score] = this.#detector.score(image, enlarged(box, scale), first > 0);
    if (score && !first) followed.half = score;
    else Object.assign(followed, {score: first + score, half: 0, verified: time});
  }

  /** A face that was not found as it was before, in the other poses that a frame allows. */
  #recover(levels, track, followed, time) {
    const tuned = this.#tuned;
    const own = followed.pose;
    const options = [
      [own, tuned.close],
      [own, tuned.wide],
      ...alternatives(own, tuned).map((other) => [other, tuned.close]),
    ];
    const allowed = Math.min(this.#urgent(track, time) ? tuned.maxTries : 1, this.#tries);
    for (let number = 0; number < allowed; number++) {
      this.#tries -= 1;
      const [other, search] = options[followed.turn % options.length];
      followed.turn += 1;
      const found = this.#near.find(levels, track.box, other, search);
      if (!found) continue;
      take(followed, other);
      return {box: found[1], roll: other.roll, confirmed: track.confirmed};
    }
    return null;
  }

  #urgent(track, time) {
    return time - track.lastSeen < this.#tuned.urgent;
  }

  #crowded(boxes) {
    return boxes.some((one, number) =>
      boxes.slice(0, number).some((other) => {
        const apart = Math.hypot(one[0] - other[0], one[1] - other[1]);
        return apart < this.#tuned.crowded * Math.max(one[2], other[2]);
      }),
    );
  }
}

function take(followed, other) {
  followed.pose = other;
  followed.turn = 0;
  followed.half = 0;
}
