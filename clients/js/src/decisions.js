/**
 * What an answer of the service means for the position: at the start, after a long break, and from the live stream.
 *
 * It is loaded while the service answers the first question.
 */

import { elapsedSince, now } from "./elapsed.js";
import { KNOWN_SECONDS, UNKNOWN_SECONDS } from "./save-schedule.js";
import { BREAK_MS, SAME_SECONDS, startPosition } from "./start-position.js";

/** @typedef {import("./types.js").Found} Found */
/** @typedef {import("./types.js").Point} Point */
/** @typedef {import("./types.js").Watch} Watch */

/** The live stream sends the last save of a second: this many of the own saves may come back. */
const ECHOES = 4;
const ECHO_SECONDS = 0.05;
/** Playback before the next save after a break. Media that does not play has nothing to save. */
const ANY_SECONDS = 0.001;

/**
 * @param {Watch} watch
 * @param {Point} point
 */
function hasMoved({ media, api, own, known }, { updatedAt, currentTime }) {
  // The other APIs round: to seconds, or to hundredths of the duration.
  const tolerance = api ? Math.max(SAME_SECONDS, media.duration / 100) : ECHO_SECONDS;
  const isOwn = own.slice(0, ECHOES).some((position) => Math.abs(position - currentTime) <= tolerance);
  return (!known || updatedAt > known.updatedAt) && !isOwn && Math.abs(currentTime - media.currentTime) >= SAME_SECONDS;
}

/**
 * Keeps what the service has. An undelivered save of this browser has the time of another clock.
 * @param {Watch} watch
 * @param {Found | undefined} found
 */
function learn(watch, found) {
  if (found?.point && !("measured" in found.point)) watch.known = found.point;
}

/**
 * @param {Watch} watch
 * @param {Point} point
 */
function announce(watch, { updatedAt, currentTime, device }) {
  watch.announced = updatedAt;
  watch.emit("elsewhere", { currentTime, device });
}

/**
 * Decides where playback starts.
 * @param {Watch} watch
 * @param {number} asked the turn of the question
 * @param {Promise<Found | undefined>} answer
 */
export async function decideStart(watch, asked, answer) {
  const { media, resume, position, service } = watch;
  if (resume === "no") position.open(UNKNOWN_SECONDS);
  let at = now();
  let found = await answer;
  while (await position.until(asked, () => media.duration > 0 && media.duration < Infinity)) {
    if (elapsedSince(at) <= BREAK_MS) return start(watch, asked, found);
    at = now();
    found = await service.find();
  }
}

/**
 * @param {Watch} watch
 * @param {number} asked
 * @param {Found | undefined} found
 */
function start(watch, asked, found) {
  const { media, resume, schedule, position } = watch;
  learn(watch, found);
  const from = startPosition(found?.point, media.duration);
  // Without a duration for so long, the viewer is in the middle of something already.
  if (!found || schedule.played() >= UNKNOWN_SECONDS) position.open(UNKNOWN_SECONDS);
  else if (!from) position.open(KNOWN_SECONDS);
  else if (resume === "seek") position.resumeAt(from);
  else
    import("./ask.js").then(
      ({ ask }) => ask(watch, from, asked),
      () => position.resumeAt(from),
    );
}

/**
 * Follows the point if another device has moved on. Saves are held back until then.
 * @param {Watch} watch
 * @param {number} asked the turn of the question
 * @param {Promise<Found | undefined>} answer
 */
export async function askAgain(watch, asked, answer) {
  const { media, resume, schedule, position, left = 0 } = watch;
  const found = await answer;
  const point = found?.point;
  // Media that WebKit loads again has no duration yet.
  const isValid = await position.until(asked, () => media.duration > 0);
  const isMoved = point && hasMoved(watch, point);
  learn(watch, found);
  const from = isMoved && isValid && resume === "seek" && startPosition(point, media.duration);
  if (isMoved && !from) announce(watch, point);
  if (!isValid) return;
  const isLost = media.currentTime < SAME_SECONDS && left >= SAME_SECONDS && resume !== "no";
  const seconds = found ? KNOWN_SECONDS : UNKNOWN_SECONDS;
  if (from) position.resumeAt(from);
  else if (isLost) position.resumeAt(left, seconds);
  else if (found && !isMoved) schedule.open(ANY_SECONDS);
  else position.open(seconds);
  if (from && watch.left) watch.left = from;
}

/**
 * Another device, or another tab, may have saved this point.
 * @param {Watch} watch
 * @param {Point} point
 */
export function changed(watch, point) {
  if (!watch.position.turn || point.updatedAt <= (watch.announced ?? "") || !hasMoved(watch, point)) return;
  watch.isBehind = watch.media.paused;
  announce(watch, point);
}
