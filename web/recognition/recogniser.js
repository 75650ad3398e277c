// A frame in, a list of faces out, as emotion/recogniser.py does it.

import {VideoDetector} from "./detector.js";
import {FaceDetector, grey, patch} from "./faces.js";
import {cv, keep, release} from "./opencv.js";
import {Shots} from "./shots.js";
import {Tracker} from "./tracker.js";

const BACK = 1.0; // seconds; less than that is a clip whose times are not quite in order

/**
 * Detects the faces in pictures or video frames and says what each one shows.
 *
 * `cascades` are OpenCV's, loaded, by name; `classifier` reads crops; `description` is what the
 * server says of both (`/description.json`).
 */
export class EmotionRecogniser {
  #cascades;
  #classifier;
  #description;
  #detector;
  #videoDetector;
  #tracker;
  #shots;
  #time;

  constructor(cascades, classifier, description) {
    this.#cascades = cascades;
    this.#classifier = classifier;
    this.#description = description;
    this.minFace = description.minFace;
  }

  /** The smallest face, as a part of the frame's shorter side. */
  set minFace(share) {
    this.#detector = new FaceDetector(this.#cascades, share);
    this.reset();
  }

  /** Forget everybody: the next frame belongs to something else. */
  reset() {
    const {parameters, smoothing} = this.#description;
    this.#time = -Infinity;
    this.#shots = new Shots(parameters);
    this.#videoDetector = new VideoDetector(this.#detector, this.#cascades, parameters);
    this.#tracker = this.#newTracker(smoothing);
  }

  /**
   * The faces in `pixels`, an ImageData. With `time` null it is a picture by itself, searched
   * thoroughly; else it follows the frames before it, `time` in seconds. `live` says that gaps are
   * the machine's slowness, and no time-lapse.
   */
  async read(pixels, time, live) {
    try {
      const frame = keep(cv.matFromImageData(pixels));
      const plain = grey(frame);
      return await (time === null
        ? this.#picture(plain)
        : this.#video(frame, plain, time, live));
    } finally {
      release();
    }
  }

  #picture(plain) {
    const found = this.#detector.find(plain).map((one) => ({...one, confirmed: true}));
    const classify = (tracks) => this.#classify(plain, tracks);
    return this.#newTracker(0).update(0, {detect: () => found, classify});
  }

  #video(frame, plain, time, live) {
    if (time <= this.#time - BACK) this.reset();
    this.#time = time;
    const cut = this.#shots.cut(plain);
    return this.#tracker.update(time, {
      detect: (tracks) => this.#videoDetector.detectNext(frame, plain, tracks, time, {cut, live}),
      classify: (tracks) => this.#classify(plain, tracks),
      cut,
    });
  }

  async #classify(plain, tracks) {
    const {margin, size} = this.#description;
    const rows = [];
    for (const {box, roll} of tracks) {
      rows.push(await this.#classifier.read(patch(plain, box, {margin, size, roll}).data));
    }
    return rows;
  }

  #newTracker(smoothing) {
    const {labels, confidence, parameters} = this.#description;
    return new Tracker(labels, {smoothing, confidence, parameters});
  }
}
