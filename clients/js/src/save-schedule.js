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

/** Another source with such another duration is an advertisement, unless it plays for so long. */
const SAME_FILM = 0.1;
const LONGEST_AD_SECONDS = 180;

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
  /** The duration at the last event, and before the source was replaced. */
  let length = NaN;
  let film = NaN;
  /** Whether the source is another one, and has not played for long. */
  let isNew = false;
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

  /**
   * Saves the position, if it may be saved and has moved.
   * @param {boolean} [isReplaced] whether the media has another source: it is at 0 already
   */
  function saveNow(isReplaced = !media.duration) {
    const duration = isReplaced ? length : media.duration;
    const position = rounded(isReplaced ? last : media.ended ? duration : media.currentTime);
    const isKnown = duration < Infinity && position >= SMALLEST_SECONDS && !media.seeking;
    const isAd = Math.abs(duration - film) > SAME_FILM * film && played < LONGEST_AD_SECONDS;
    if (!isOpen || !isKnown || isAd || played < needed || position === saved) return;
    saved = last = position;
    unsaved = 0;
    save(position, rounded(duration));
  }

  return {
    need,
    seeking,
    saveNow,
    isOpen: () => isOpen,
    isNew: () => isNew,
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

    /** The media has another source. */
    replaced() {
      saveNow(true);
      film ||= length;
      isNew = true;
      need(UNKNOWN_SECONDS);
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
      isNew &&= played < UNKNOWN_SECONDS;
      if (unsaved >= every() && !timer) saveNow();
    },

    /** After a seek by hand: saves in a second, unless another seek follows. */
    seeked() {
      need(0);
      seeking();
      last = media.currentTime;
      timer = setTimeout(() => {
        timer = undefined;
        saveNow();
      }, AFTER_SEEK_MS);
    },
  };
}
