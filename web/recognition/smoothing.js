// What a face shows when it is watched for a while: the rules of emotion/tracking/smoothing.py.
// Probabilities are computed with float32, as there, so that no label turns a frame earlier.

const UNCERTAIN = "uncertain";
const f32 = Math.fround;

class ExponentialMovingAverage {
  constructor(span) {
    this.span = span;
    this.total = null;
    this.weight = 0;
  }

  add(row, gap) {
    const keep = this.span > 0 ? Math.exp(-gap / this.span) : 0;
    const [old, fresh] = [f32(keep), f32(1 - keep)];
    const total = this.total ?? new Float32Array(row.length);
    this.total = row.map((value, place) => f32(old * total[place]) + f32(fresh * value));
    this.weight = keep * this.weight + (1 - keep);
  }

  get mean() {
    return this.total.map((value) => value / f32(this.weight));
  }

  copied(span) {
    const copy = new ExponentialMovingAverage(span);
    [copy.total, copy.weight] = [this.total, this.weight];
    return copy;
  }
}

/** What one face shows: averaged probabilities, and the label over the face. */
export class LabelSmoother {
  emotion = "";
  #labels;
  #span;
  #confidence;
  #tuned;
  #slow;
  #fast;
  #rivalled = 0;
  #time = null;

  constructor(labels, {smoothing, confidence, parameters}) {
    this.#labels = labels;
    this.#span = smoothing;
    this.#confidence = confidence;
    this.#tuned = parameters;
    this.#slow = new ExponentialMovingAverage(smoothing);
    this.#fast = new ExponentialMovingAverage(parameters.fastSpan * smoothing);
  }

  /** Averaged, Float32Array. */
  get probabilities() {
    return this.#slow.mean;
  }

  /** Take in one frame's probabilities, a Float32Array; `time` in seconds. */
  add(row, time) {
    const gap = this.#time === null ? this.#tuned.firstGap : Math.max(0, time - this.#time);
    this.#time = time;
    this.#slow.add(row, gap);
    this.#fast.add(row, gap);
    this.emotion = this.#label(this.#slow.mean, this.#tuned.minLead);
    this.#watchForChange(gap);
  }

  #watchForChange(gap) {
    const rival = this.#label(this.#fast.mean, this.#tuned.minLead / 2);
    this.#rivalled = rival === this.emotion ? 0 : this.#rivalled + gap;
    if (this.#rivalled <= this.#tuned.persistence * this.#span) return;
    this.#slow = this.#fast.copied(this.#span);
    this.emotion = rival;
    this.#rivalled = 0;
  }

  /** The label to show after the one shown; another one must lead it by `minLead`. */
  #label(probabilities, minLead) {
    const {hysteresis} = this.#tuned;
    const best = Math.max(...probabilities);
    const shown = this.#labels.indexOf(this.emotion);
    if (shown >= 0) {
      const lead = best - probabilities[shown];
      if (lead <= minLead && best >= this.#confidence - hysteresis) return this.emotion;
    }
    let slack = this.emotion ? -hysteresis : 0;
    if (this.emotion === UNCERTAIN) slack = hysteresis;
    const leading = this.#labels[probabilities.indexOf(best)];
    return best >= this.#confidence + slack ? leading : UNCERTAIN;
  }
}
