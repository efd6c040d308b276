/**
 * How long ago something happened, by two clocks.
 *
 * `performance.now()` stops while a laptop sleeps, and starts again at 0 in each page. The wall clock
 * goes on, but people and servers set it. So the greater elapsed time counts.
 */

const DAY_MS = 24 * 60 * 60 * 1000;
/** The service keeps points for 30 days and accepts no older position. */
const LONGEST_MS = 30 * DAY_MS;
/** Computers correct their clock by so much. */
const CORRECTION_MS = 60_000;

/**
 * A moment. `wall`: milliseconds since 1970. `steady`: milliseconds since `origin`, the start of the page.
 * @typedef {{ wall: number, steady: number, origin: number }} Instant
 */

/** @returns {Instant} this moment, or some milliseconds later, by both clocks */
export const now = (later = 0) => ({ wall: Date.now() + later, steady: performance.now() + later, origin: performance.timeOrigin });

/**
 * The wall clock counts only if it gives 0 to 30 days: otherwise it was set. For an instant of an earlier page there
 * is no other clock. Then 30 days are the safe answer, as such a save wins over no other.
 * @param {Instant} instant
 * @returns {number} whole milliseconds since the instant, from 0 to 30 days
 */
export function elapsedSince({ wall, steady, origin }) {
  const isThisPage = origin === performance.timeOrigin;
  const byWall = Date.now() - wall;
  const bySteady = isThisPage ? performance.now() - steady : byWall < -CORRECTION_MS ? LONGEST_MS : 0;
  return Math.floor(Math.min(Math.max(bySteady, isThisPage && byWall > LONGEST_MS ? 0 : byWall, 0), LONGEST_MS));
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} milliseconds
 * @returns {Promise<T | undefined>} the result of the promise; undefined after that time, or if the promise rejects
 */
export function within(promise, milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    promise.then(resolve, () => resolve(undefined)).finally(() => clearTimeout(timer));
  });
}
