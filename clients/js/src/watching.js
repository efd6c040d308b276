/** One media element: follows its events and those of the page, saves, and asks for the point again after a break. */

import { elapsedSince, now, within } from "./elapsed.js";
import { TypedEventTarget } from "./events.js";
import { START_MS } from "./find-point.js";
import { createMediaPosition } from "./media-position.js";
import { createSaveSchedule, UNKNOWN_SECONDS } from "./save-schedule.js";
import { BREAK_MS } from "./start-position.js";

/** @typedef {import("./types.js").MediaLike} MediaLike */
/** @typedef {import("./types.js").Watch} Watch */
/** @typedef {import("./types.js").WatchOptions} WatchOptions */
/** @typedef {import("./types.js").Watching} Watching */
/** @typedef {import("./types.js").Service} Service */
/** @typedef {ReturnType<typeof watchMedia>} Watched */

const EVERY_SECONDS = 5;

/** WebKit loads the media of a page from the back/forward cache again, within this time. */
const RELOAD_MS = 5000;

const MEDIA_EVENTS = "timeupdate play pause seeking seeked ended emptied durationchange".split(" ");

/**
 * @param {MediaLike} media
 * @param {WatchOptions} options
 * @param {Service} service
 */
export function watchMedia(media, { videoId, resume = "seek", every = EVERY_SECONDS, save = true, live = true, signal, api }, service) {
  /** The last sign that the media plays, or the start of the pause. */
  let tick = now();
  let isPlaying = false;
  /** @type {import("./elapsed.js").Instant | null} */
  let hiddenAt = null;
  /** The position at which the page was hidden. */
  let hiddenPosition = 0;
  const schedule = createSaveSchedule(
    media,
    () => Math.max(every, service.every()),
    (currentTime, duration) => {
      watch.own.unshift(currentTime);
      if (save) service.save(currentTime, duration);
    },
  );
  /** @type {import("./types.js").Emit} */
  const emit = (type, detail) => watching.dispatchEvent(new CustomEvent(type, { detail }));
  const position = createMediaPosition(media, schedule, emit, service.given);
  /** @type {Watching} */
  const watching = Object.assign(new TypedEventTarget(), { videoId, started: position.started, stop });
  /** @type {Watch} */
  const watch = { media, resume, api, live, service, schedule, position, emit, own: [] };

  /**
   * Decides about the position when the service has answered. The code for it is loaded in the meantime.
   * @param {"decideStart" | "askAgain"} how
   * @param {Promise<import("./types.js").Found | undefined>} answer
   */
  async function decide(how, answer) {
    const { turn } = position;
    const decisions = await within(import("./decisions.js"), START_MS);
    if (decisions) decisions[how](watch, turn, answer);
    else if (turn === position.turn) position.open(UNKNOWN_SECONDS);
  }

  /** After a break, before any save: asks for the point, and follows it if another device has moved on. */
  function askAgain() {
    if (!schedule.isOpen()) return;
    schedule.close();
    watch.isBehind = false;
    decide("askAgain", service.find());
  }

  /**
   * Notes that the media plays. A long silence before means sleep or a pause: then the point is asked for again,
   * before anything is saved.
   * @param {boolean} [isPlay] whether playback begins
   */
  function notice(isPlay) {
    if (!isPlaying && !isPlay) return;
    if (elapsedSince(tick) > BREAK_MS || (isPlay && watch.isBehind)) askAgain();
    tick = now();
  }

  /** @param {{ type: string }} event */
  function onMedia({ type }) {
    notice(type === "play");
    if (type === "timeupdate") schedule.advance();
    if (type === "seeking" && position.seeking()) {
      tick = now();
      watch.isBehind = false;
      watch.left = 0;
    }
    if (type === "seeked") position.seeked();
    if (type === "pause" || type === "ended") schedule.saveNow();
    if (type === "emptied" && position.turn) onEmptied();
    isPlaying = !media.paused;
    position.wake();
  }

  /** A new source reports 0 until its player has sought to the old position. */
  function onEmptied() {
    if (watch.left) askAgain();
    else position.replaced();
  }

  /** @param {boolean} [isEnd] whether the watching ends */
  function saveLast(isEnd) {
    try {
      notice();
      schedule.saveNow();
      if (media.duration) hiddenPosition = media.currentTime;
      if (isEnd) position.open(0);
    } catch {
      // The player is gone already.
    }
  }

  async function stop() {
    saveLast(true);
    // No request for the point counts any more.
    position.turn = Infinity;
    position.wake();
    schedule.close();
    for (const type of MEDIA_EVENTS) media.removeEventListener(type, onMedia);
    return service.stopped();
  }

  for (const type of MEDIA_EVENTS) media.addEventListener(type, onMedia);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  else decide("decideStart", service.find());

  return Object.assign(watch, {
    watching,

    /** The page is hidden, frozen or left. */
    hidden() {
      saveLast();
      hiddenAt ??= now();
    },

    /**
     * The page is visible again.
     * @param {boolean} [isRestored] whether it comes from the back/forward cache
     */
    shown(isRestored) {
      if (isRestored) {
        watch.left = hiddenPosition;
        setTimeout(() => (watch.left = 0), RELOAD_MS);
      }
      if (isRestored || (hiddenAt && elapsedSince(hiddenAt) > BREAK_MS)) askAgain();
      hiddenAt = null;
    },
  });
}
