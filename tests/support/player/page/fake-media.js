/** A media element without media: a test sets what it reports and when it plays. */
export class FakeMedia extends EventTarget {
  #currentTime = 0;
  duration = NaN;
  paused = true;
  seeking = false;
  ended = false;
  playbackRate = 1;

  constructor(properties) {
    super();
    Object.assign(this, properties);
  }

  get currentTime() {
    return this.#currentTime;
  }

  /** A seek that takes 20 ms. */
  set currentTime(value) {
    this.#currentTime = value;
    this.ended = false;
    this.seeking = true;
    this.say("seeking");
    setTimeout(() => {
      this.seeking = false;
      this.say("seeked");
      this.say("timeupdate");
    }, 20);
  }

  say(type) {
    this.dispatchEvent(new Event(type));
  }

  load(duration) {
    this.duration = duration;
    this.say("durationchange");
    this.say("loadedmetadata");
  }

  play() {
    this.paused = false;
    this.say("play");
    this.say("playing");
  }

  pause() {
    this.paused = true;
    this.say("timeupdate");
    this.say("pause");
  }

  /** The player reports `value` without a seek, as after a source switch. */
  report(value) {
    this.#currentTime = value;
    this.say("timeupdate");
  }

  /** Plays `seconds`, in steps of 0.25 s of media, without a delay. */
  advance(seconds, perStep = () => {}) {
    for (let left = seconds; left > 0 && !this.paused; left -= 0.25) {
      const step = Math.min(0.25, left);
      perStep(step);
      this.#currentTime = Math.min(this.#currentTime + step, this.duration || Infinity);
      this.say("timeupdate");
      if (this.#currentTime >= this.duration) this.end();
    }
  }

  end() {
    this.#currentTime = this.duration;
    this.paused = true;
    this.ended = true;
    this.say("timeupdate");
    this.say("pause");
    this.say("ended");
  }
}
