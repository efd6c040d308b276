/**
 * Decides when the position of a media element is saved.
 *
 * It counts media time, because browsers throttle the timers of hidden tabs. It is closed until the start position
 * is decided, so that a player that fails at 0 overwrites nothing.
 */

/** @typedef {import("./types.js").MediaLike} MediaLike */
/** @typedef {ReturnType<typeof createSaveSchedule>} SaveSchedule */

/** Playback before the first save, if the stored point is known or unknown. */
export const KNOWN_SECONDS = 1;
export const UNKNOWN_SECONDS = 5;
const AFTER_SEEK_MS = 1000;
/** Nothing below this position is saved. */
const SMALLEST_SECONDS = 1;

/** A larger step between two events is a jump. At 16 times the speed, playback makes steps of 4 s. */
const LARGEST_STEP_SECONDS = 10;

/** @param {number} seconds rounded to milliseconds */
const rounded = (seconds) => Math.round(seconds * 1000) / 1000;

/**
 * @param {MediaLike} media
 * @param {() => number} every seconds of playback between two saves
 * @param {(currentTime: number, duration: number) => void} save
 */
export function createSaveSchedule(media, every, save) {
  let isOpen = false;
  /** Seconds of media played, and needed before the next save. */
  let played = 0;
  let needed = 0;
  /** Seconds of media played since the last save. */
  let unsaved = 0;
  /** The position at the last event, and at the last save. NaN: unknown. */
  let last = NaN;
  let saved = NaN;
  /** The duration at the last event. */
  let length = NaN;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} seconds of playback before the next save */
  function need(seconds) {
    needed = seconds;
    played = 0;
  }

  /** On `seeking`: the jump is no playback. */
  function seeking() {
    clearTimeout(timer);
    timer = undefined;
    last = NaN;
  }

  /** Saves the position, if it may be saved and has moved. */
  function saveNow() {
    // Media that gets another source is at 0 already, and has no duration.
    const duration = media.duration || length;
    const position = rounded(media.ended ? duration : media.duration ? media.currentTime : last);
    const isKnown = duration < Infinity && position >= SMALLEST_SECONDS && !media.seeking;
    if (!isOpen || !isKnown || played < needed || position === saved) return;
    saved = position;
    unsaved = 0;
    save(position, rounded(duration));
  }

  return {
    need,
    seeking,
    saveNow,
    isOpen: () => isOpen,
    /** @returns {number} seconds of media played since `open` or `need` */
    played: () => played,

    /**
     * Lets saves begin.
     * @param {number} seconds of playback before the first save
     * @param {number} [from] the position that is stored already, or NaN; without it, saves go on as before `close`
     */
    open(seconds, from) {
      isOpen = true;
      need(seconds);
      if (from === undefined) return;
      saved = rounded(from);
      last = NaN;
      unsaved = 0;
    },

    /** Keeps saves back until `open`. */
    close() {
      isOpen = false;
      seeking();
    },

    /** On `timeupdate`. */
    advance() {
      const step = media.currentTime - last;
      last = media.seeking ? NaN : media.currentTime;
      length = media.duration;
      // A player that failed is at the start without a seek.
      if (step < 0 && last < SMALLEST_SECONDS) need(UNKNOWN_SECONDS);
      if (step > 0 && step < LARGEST_STEP_SECONDS) {
        played += step;
        unsaved += step;
      }
      if (unsaved >= every() && !timer) saveNow();
    },

    /** After a seek by hand: saves in a second, unless another seek follows. */
    seeked() {
      need(0);
      seeking();
      timer = setTimeout(() => {
        timer = undefined;
        saveNow();
      }, AFTER_SEEK_MS);
    },
  };
}
