/** Where a media element plays: decided by the package, or by the viewer, who seeks by hand. */

import { KNOWN_SECONDS, UNKNOWN_SECONDS } from "./save-schedule.js";
import { SAME_SECONDS } from "./start-position.js";

/** @typedef {ReturnType<typeof createMediaPosition>} MediaPosition */

/**
 * @param {import("./types.js").MediaLike} media
 * @param {import("./save-schedule.js").SaveSchedule} schedule
 * @param {import("./types.js").Emit} emit
 * @param {number} [ownSeek] where the package, or the player for it, seeks to; NaN: nowhere
 */
export function createMediaPosition(media, schedule, emit, ownSeek = NaN) {
  /** @type {(from: number) => void} */
  let start = () => {};
  /** Where playback goes on in a new source, if the package has decided it. */
  let target = 0;
  const started = new Promise((resolve) => (start = resolve));

  /**
   * @param {number} seconds of playback before the first save
   * @param {number} [stored] the position that is stored already; NaN: none
   */
  function open(seconds, stored = media.currentTime) {
    position.turn++;
    schedule.open(seconds, stored);
    start(stored || media.currentTime);
  }

  /**
   * @param {number} to
   * @returns {boolean} false if the player is there already, for example by `startTime`
   */
  function seek(to) {
    const isElsewhere = Math.abs(media.currentTime - to) >= SAME_SECONDS;
    try {
      if (isElsewhere) media.currentTime = ownSeek = to;
    } catch {
      // The player goes on where it is.
    }
    return isElsewhere;
  }

  const position = {
    started,
    open,
    seek,
    /** Counts decisions: 0 before the first. A request for the point is void if a decision was made since. */
    turn: 0,
    /** On each event of the media. @type {(value?: any) => void} */
    wake() {},

    /**
     * @param {number} from
     * @param {number} [seconds] of playback before the first save
     */
    resumeAt(from, seconds = KNOWN_SECONDS) {
      seek(from);
      target = from;
      open(seconds, from);
      emit("resumed", { from });
    },

    /**
     * @param {number} asked the turn of the question
     * @param {() => boolean} isTrue checked after each event of the media
     * @returns {Promise<boolean>} false if a decision has made the question void
     */
    async until(asked, isTrue) {
      while (asked === position.turn && !isTrue()) await new Promise((resolve) => (position.wake = resolve));
      return asked === position.turn;
    },

    /**
     * On `seeking`.
     * @returns {boolean} whether the viewer has chosen the position
     */
    seeking() {
      schedule.seeking();
      const isOwn = Math.abs(media.currentTime - ownSeek) < SAME_SECONDS;
      // Players seek to 0 while they load, and anywhere in a new source. Other seeks are a decision of the viewer.
      if (isOwn || media.currentTime < SAME_SECONDS || schedule.isNew()) return false;
      ownSeek = NaN;
      // Not stored yet: it is saved although nothing is played.
      if (!schedule.isOpen()) open(0, NaN);
      return true;
    },

    /** On `emptied`. */
    replaced() {
      schedule.replaced();
      target = 0;
      if (schedule.isOpen()) open(UNKNOWN_SECONDS);
    },

    /** On `seeked`. */
    seeked() {
      const isByHand = isNaN(ownSeek) && !schedule.isNew();
      ownSeek = NaN;
      // Not before: a seek in `seeking` can make Chromium hang.
      if (target && schedule.isNew() && seek(target)) target = 0;
      // 0 may come from media that cannot seek, or from a player that failed.
      if (media.currentTime < SAME_SECONDS) schedule.need(UNKNOWN_SECONDS);
      else if (isByHand) schedule.seeked();
    },
  };
  return position;
}
