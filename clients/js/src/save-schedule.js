/**
 * Decides when the position of a media element is saved.
 *
 * It counts media time, because browsers throttle the timers of hidden tabs. It is closed until the start position
 * is decided, so that a player that fails at 0 overwrites nothing.
 */

/**
 * What a player must have. An `HTMLMediaElement` has all of it. Times are in seconds.
 * @typedef {{
 *   currentTime: number, readonly duration: number, readonly paused: boolean, readonly seeking: boolean, readonly ended: boolean,
 *   addEventListener(type: string, listener: (event: any) => void): void,
 *   removeEventListener(type: string, listener: (event: any) => void): void,
 * }} MediaLike
 */

const AFTER_SEEK_MS = 1000;
/** Below this position, and before this much playback, there is nothing to save. */
const SMALLEST_SECONDS = 1;

/** @param {number} seconds */
const toMilliseconds = (seconds) => Math.round(seconds * 1000) / 1000;

export class SaveSchedule {
  #media;
  #every;
  #save;
  #isOpen = false;
  /** Media time since `open`, since the last save, and how much is needed before the first one. */
  played = 0;
  #unsaved = 0;
  #needed = SMALLEST_SECONDS;
  #last = NaN;
  #saved = NaN;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #seekTimer;

  /**
   * @param {MediaLike} media
   * @param {{ every: () => number, save: (currentTime: number, duration: number) => void }} options `every`: seconds
   */
  constructor(media, { every, save }) {
    this.#media = media;
    this.#every = every;
    this.#save = save;
  }

  /**
   * Lets saves begin, after `needed` seconds of playback.
   * @param {number} [needed]
   * @param {number} [from] the position that is stored already
   */
  open(needed = SMALLEST_SECONDS, from = this.#media.currentTime) {
    this.#isOpen = true;
    this.#needed = needed;
    this.#last = NaN;
    this.#saved = toMilliseconds(from);
    this.played = this.#unsaved = 0;
  }

  /** Keeps saves back until `open`. */
  close() {
    this.#isOpen = false;
    clearTimeout(this.#seekTimer);
    this.#seekTimer = undefined;
  }

  get isOpen() {
    return this.#isOpen;
  }

  /** On `timeupdate`. */
  advance() {
    const { currentTime, seeking } = this.#media;
    const step = seeking ? 0 : currentTime - this.#last;
    this.#last = seeking ? NaN : currentTime;
    if (step > 0) {
      this.played += step;
      this.#unsaved += step;
    }
    if (this.#unsaved >= this.#every() && this.#seekTimer === undefined) this.saveNow();
  }

  /** On `seeking`. */
  seeking() {
    clearTimeout(this.#seekTimer);
    this.#seekTimer = undefined;
    this.#last = NaN;
  }

  /** On `seeked`, after the viewer moved the position. */
  seeked() {
    clearTimeout(this.#seekTimer);
    if (!this.#isOpen) return;
    this.#last = this.#media.currentTime;
    this.#seekTimer = setTimeout(() => {
      this.#seekTimer = undefined;
      this.saveNow();
    }, AFTER_SEEK_MS);
  }

  /**
   * Changes how much playback is needed before the next save.
   * @param {number} seconds
   */
  need(seconds) {
    this.#needed = seconds;
    this.played = 0;
  }

  /** Saves the position, if it may be saved and has moved. */
  saveNow() {
    const { duration, ended, seeking, currentTime } = this.#media;
    const position = toMilliseconds(ended ? duration : currentTime);
    const isKnown = Number.isFinite(duration) && duration > 0 && !seeking && position >= SMALLEST_SECONDS;
    if (!this.#isOpen || !isKnown || this.played < this.#needed || position === this.#saved) return;
    this.#saved = position;
    this.#unsaved = 0;
    this.#save(position, toMilliseconds(duration));
  }
}
