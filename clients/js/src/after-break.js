/**
 * What other devices have saved: asked for after a long break, or heard from the live stream.
 *
 * It is loaded beside the start of playback, as no player needs it at once.
 */

import { KNOWN_SECONDS, UNKNOWN_SECONDS } from "./save-schedule.js";
import { SAME_SECONDS, startPosition } from "./start-position.js";

/** @typedef {import("./types.js").Point} Point */
/** @typedef {import("./types.js").Watch} Watch */

/** The live stream sends the last save of a second: this many of the own saves may come back. */
const ECHOES = 4;
const ECHO_SECONDS = 0.05;

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
 * @param {Watch} watch
 * @param {Point} point
 */
function announce(watch, { updatedAt, currentTime, device }) {
  watch.announced = updatedAt;
  watch.emit("elsewhere", { currentTime, device });
}

/**
 * Asks for the point, and follows it if another device has moved on. Saves are held back until then.
 * @param {Watch} watch
 * @param {number} asked the turn of the question
 */
export async function askAgain(watch, asked) {
  const { media, resume, schedule, position, service, left = 0 } = watch;
  const found = await service.find();
  const point = found?.point;
  // Media that WebKit loads again has no duration yet.
  const isValid = await position.until(asked, () => media.duration > 0);
  const isMoved = point && hasMoved(watch, point);
  watch.known = point ?? watch.known;
  const from = isMoved && isValid && resume === "seek" && startPosition(point, media.duration);
  if (isMoved && !from) announce(watch, point);
  if (!isValid) return;
  const isLost = media.currentTime < SAME_SECONDS && left >= SAME_SECONDS && resume !== "no";
  const seconds = found ? KNOWN_SECONDS : UNKNOWN_SECONDS;
  if (from) position.resumeAt(from);
  else if (isLost) position.resumeAt(left, seconds);
  else if (found && !isMoved) schedule.open(0);
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
