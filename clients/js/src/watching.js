/** One media element: decides the start position, then saves, and asks for the point again after a long break. */

import { elapsedSince, now } from "./elapsed.js";
import { TypedEventTarget } from "./events.js";
import { createSaveSchedule } from "./save-schedule.js";
import { startPosition } from "./start-position.js";

/** @typedef {import("./types.js").MediaLike} MediaLike */
/** @typedef {import("./types.js").Point} Point */
/** @typedef {import("./types.js").WatchOptions} WatchOptions */
/** @typedef {import("./types.js").WatchingEvents} WatchingEvents */
/** @typedef {import("./types.js").Watching} Watching */
/** @typedef {import("./types.js").Service} Service */
/** @typedef {ReturnType<typeof watchMedia>} Watched */

/** After so long a pause, another device may have gone on. */
const BREAK_MS = 60_000;
const EVERY_SECONDS = 5;
/** Playback before the first save, if the stored point is known, unknown, or the viewer does not answer. */
const KNOWN_SECONDS = 1;
const UNKNOWN_SECONDS = 5;
const UNANSWERED_SECONDS = 30;
/** Positions that differ by less are the same. */
const SAME_SECONDS = 1;
/** The live stream sends the last save of a second: this many of the own saves may come back. */
const ECHOES = 4;
const ECHO_SECONDS = 0.05;

const MEDIA_EVENTS = "timeupdate play pause seeking seeked ended emptied durationchange".split(" ");

/**
 * @param {MediaLike} media
 * @param {WatchOptions} options
 * @param {Service} service
 */
export function watchMedia(media, { videoId, resume = "seek", every = EVERY_SECONDS, save = true, live = true, signal, api }, service) {
  /** Counts decisions: 0 before the first. A request for the point is void if a decision was made since. */
  let turn = 0;
  /** The position that the package seeks to. NaN: none. */
  let ownSeek = NaN;
  /** The last sign that the media plays, or the start of the pause. */
  let tick = now();
  let isPlaying = false;
  /** Another device went on during the pause. */
  let isBehind = false;
  /** @type {import("./elapsed.js").Instant | null} */
  let hiddenAt = null;
  /** @type {Point | null | undefined} */
  let known;
  /** The positions of the last saves. @type {number[]} */
  let own = [];
  /** The time of the last point that the page has heard of. */
  let announced = "";
  /** @type {(value?: any) => void} */
  let wake = () => {};
  /** @type {(from: number) => void} */
  let start = () => {};
  const started = new Promise((resolve) => (start = resolve));
  const schedule = createSaveSchedule(
    media,
    () => Math.max(every, service.every()),
    (currentTime, duration) => {
      if (!save) return;
      own = [currentTime, ...own].slice(0, ECHOES);
      service.save(currentTime, duration);
    },
  );
  /** @type {Watching} */
  const watching = Object.assign(new TypedEventTarget(), { videoId, started, stop });

  /**
   * @template {keyof WatchingEvents} K
   * @param {K} type
   * @param {WatchingEvents[K]} detail
   */
  const emit = (type, detail) => watching.dispatchEvent(new CustomEvent(type, { detail }));

  /** @param {Point} point */
  function announce({ updatedAt, currentTime, device }) {
    announced = updatedAt;
    emit("elsewhere", { currentTime, device });
  }

  /**
   * @param {number} seconds of playback before the first save
   * @param {number} [from] the position that is stored already
   */
  function open(seconds, from = media.currentTime) {
    turn++;
    schedule.open(seconds, from);
    tick = now();
    start(from);
  }

  /** @param {number} to */
  function seek(to) {
    // The player may be there already, by `startTime`.
    if (Math.abs(media.currentTime - to) < SAME_SECONDS) return;
    ownSeek = to;
    try {
      media.currentTime = to;
    } catch {
      // The player goes on where it is.
    }
  }

  /** @param {number} from */
  function resumeAt(from) {
    seek(from);
    open(KNOWN_SECONDS, from);
    emit("resumed", { from });
  }

  /**
   * @param {() => boolean} isTrue checked after each event of the media
   * @returns {Promise<void>} resolves also when a decision makes the question void
   */
  async function until(isTrue) {
    const asked = turn;
    while (!isTrue() && asked === turn) await new Promise((resolve) => (wake = resolve));
  }

  /** @param {Point} point */
  function hasMoved({ updatedAt, currentTime }) {
    // The other APIs round: to seconds, or to hundredths of the duration.
    const tolerance = api ? Math.max(SAME_SECONDS, media.duration / 100) : ECHO_SECONDS;
    const isOwn = own.some((position) => Math.abs(position - currentTime) <= tolerance);
    return (!known || updatedAt > known.updatedAt) && !isOwn && Math.abs(currentTime - media.currentTime) >= SAME_SECONDS;
  }

  async function decide() {
    const isUnwanted = resume === "no";
    if (isUnwanted) open(UNKNOWN_SECONDS);
    const asked = turn;
    let found = await service.find();
    const at = now();
    await until(() => isUnwanted || (media.duration > 0 && media.duration < Infinity));
    if (elapsedSince(at) > BREAK_MS) found = await service.find();
    known = found?.point;
    if (isUnwanted || asked !== turn) return;
    const from = startPosition(known, media.duration);
    // Without a duration for so long, the viewer is in the middle of something already.
    if (!found || schedule.played() >= UNKNOWN_SECONDS) open(UNKNOWN_SECONDS);
    else if (!from) open(KNOWN_SECONDS);
    else if (resume === "ask") ask(from);
    else resumeAt(from);
  }

  /**
   * Asks the viewer, who may also seek, or just play on.
   * @param {number} from
   */
  async function ask(from) {
    const asked = turn;
    /** @param {boolean} isYes */
    const answer = (isYes) => {
      if (asked !== turn) return;
      if (isYes) return resumeAt(from);
      seek(0);
      open(KNOWN_SECONDS);
    };
    emit("ask", { currentTime: from, device: known?.device, resume: () => answer(true), startOver: () => answer(false) });
    await until(() => schedule.played() >= UNANSWERED_SECONDS);
    if (asked === turn) open(KNOWN_SECONDS);
  }

  /** After a break, before any save: asks for the point, and follows it if another device has moved on. */
  async function askAgain() {
    if (!schedule.isOpen()) return;
    const asked = turn;
    isBehind = false;
    schedule.close();
    const found = await service.find();
    const point = found?.point;
    const isMoved = point && hasMoved(point);
    const isValid = asked === turn;
    known = point ?? known;
    const from = isMoved && isValid && resume === "seek" && startPosition(point, media.duration);
    if (from) return resumeAt(from);
    if (isMoved) announce(point);
    if (isValid) found && !isMoved ? schedule.open(0) : open(found ? KNOWN_SECONDS : UNKNOWN_SECONDS);
  }

  /**
   * Notes that the media plays. A long silence before means sleep or a pause: then the point is asked for again,
   * before anything is saved.
   * @param {boolean} [isPlay] whether playback begins
   */
  function notice(isPlay) {
    if (!isPlaying && !isPlay) return;
    if (elapsedSince(tick) > BREAK_MS || (isPlay && isBehind)) askAgain();
    tick = now();
  }

  function onSeeking() {
    schedule.seeking();
    if (Math.abs(media.currentTime - ownSeek) < SAME_SECONDS) return;
    ownSeek = NaN;
    // Players seek to 0 while they load. Only a seek to elsewhere is a decision of the viewer.
    if (media.currentTime < SAME_SECONDS) return;
    tick = now();
    isBehind = false;
    if (!schedule.isOpen()) open(0);
  }

  function onSeeked() {
    const isByHand = isNaN(ownSeek);
    ownSeek = NaN;
    // 0 may come from media that cannot seek, or from a player that failed.
    if (media.currentTime < SAME_SECONDS) schedule.need(UNKNOWN_SECONDS);
    else if (isByHand) schedule.need(0);
    if (isByHand) schedule.seeked();
  }

  /** @param {{ type: string }} event */
  function onMedia({ type }) {
    notice(type === "play");
    if (type === "timeupdate") schedule.advance();
    if (type === "seeking") onSeeking();
    if (type === "seeked") onSeeked();
    // A new source reports 0 until its player has sought to the old position.
    if (type === "emptied" && turn) open(UNKNOWN_SECONDS);
    if (type === "ended" || (type === "pause" && !media.ended)) schedule.saveNow();
    isPlaying = !media.paused;
    wake();
  }

  async function stop() {
    notice();
    schedule.saveNow();
    schedule.close();
    for (const type of MEDIA_EVENTS) media.removeEventListener(type, onMedia);
    turn = Infinity;
    wake();
    start(media.currentTime);
    return service.stopped();
  }

  for (const type of MEDIA_EVENTS) media.addEventListener(type, onMedia);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  else decide();

  return {
    watching,
    emit,
    isLive: live,
    /** @returns {boolean} whether the media plays: the live stream stays open then, also in a hidden page */
    isPlaying: () => !media.paused,

    /** The page is hidden, frozen or left. */
    hidden() {
      notice();
      schedule.saveNow();
      hiddenAt ??= now();
    },

    /**
     * The page is visible again.
     * @param {boolean} isRestored whether it comes from the back/forward cache
     */
    shown(isRestored) {
      if (isRestored || (hiddenAt && elapsedSince(hiddenAt) > BREAK_MS)) askAgain();
      hiddenAt = null;
    },

    /**
     * Another device, or another tab, may have saved this point.
     * @param {Point} point
     */
    changed(point) {
      if (!turn || point.updatedAt <= announced || !hasMoved(point)) return;
      isBehind = media.paused;
      announce(point);
    },
  };
}
