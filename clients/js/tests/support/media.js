/** A media element for tests, with the events of the HTML standard in their order. */

export class Media extends EventTarget {
  duration = NaN;
  paused = true;
  seeking = false;
  ended = false;
  #time = 0;
  #clock;
  #isSeeking = false;

  /** @param {import("./clock.js").Clock} clock */
  constructor(clock) {
    super();
    this.#clock = clock;
  }

  get currentTime() {
    return this.#time;
  }

  set currentTime(seconds) {
    if (this.#isSeeking) throw new Error("a seek in `seeking` can make Chromium hang");
    this.#time = seconds;
    this.seeking = true;
    this.ended = false;
    queueMicrotask(() => {
      this.#isSeeking = true;
      this.fire("seeking");
      this.#isSeeking = this.seeking = false;
      this.fire("timeupdate", "seeked");
    });
  }

  /** @param {...string} types */
  fire(...types) {
    for (const type of types) this.dispatchEvent(new Event(type));
  }

  /** @param {number} duration seconds */
  async load(duration) {
    this.duration = duration;
    this.fire("durationchange", "loadedmetadata");
    await this.#clock.advance(0);
  }

  /** @param {number} seconds of playback */
  async play(seconds) {
    if (this.paused) {
      this.paused = false;
      this.fire("play");
    }
    for (let played = 0; played < seconds; played += 0.25) {
      await this.#clock.advance(250);
      this.#time += 0.25;
      this.fire("timeupdate");
    }
    await this.#clock.advance(0);
  }

  async pause() {
    this.paused = true;
    this.fire("timeupdate", "pause");
    await this.#clock.advance(0);
  }

  async end() {
    this.#time = this.duration;
    this.paused = this.ended = true;
    this.fire("timeupdate", "pause", "ended");
    await this.#clock.advance(0);
  }

  /** The player is at 0, or elsewhere, without a seek. */
  fallBack(seconds = 0) {
    this.#time = seconds;
    this.fire("timeupdate");
  }

  /** Another source: the position is 0 and the duration unknown. Events follow later. */
  reset() {
    this.#time = 0;
    this.duration = NaN;
  }

  empty() {
    this.reset();
    this.fire("emptied", "timeupdate");
  }
}
