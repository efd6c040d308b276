/**
 * How long ago something happened, by two clocks.
 *
 * `performance.now()` stops while a laptop sleeps, and starts again at 0 in each page. The wall clock
 * goes on, but people and servers set it. So the greater elapsed time counts.
 */

const DAY_MS = 24 * 60 * 60 * 1000;
/** The service keeps points for 30 days and accepts no older position. */
const LONGEST_MS = 30 * DAY_MS;

/**
 * A moment. `wall`: milliseconds since 1970. `steady`: milliseconds since `origin`, the start of the page.
 * @typedef {{ wall: number, steady: number, origin: number }} Instant
 */

/** @returns {Instant} this moment, by both clocks */
export const now = () => ({ wall: Date.now(), steady: performance.now(), origin: performance.timeOrigin });

/**
 * @param {Instant} instant
 * @returns {number} whole milliseconds since the instant, from 0 to 30 days
 */
export function elapsedSince({ wall, steady, origin }) {
  const byWall = Date.now() - wall;
  const bySteady = origin === performance.timeOrigin ? performance.now() - steady : 0;
  return Math.round(Math.min(Math.max(bySteady, byWall <= LONGEST_MS ? byWall : 0, 0), LONGEST_MS));
}

/**
 * @param {Instant} instant
 * @returns {boolean} whether an earlier page noted the instant more than 30 days ago: then its age is unknown
 */
export const isTooOld = ({ wall, origin }) => origin !== performance.timeOrigin && Date.now() - wall > LONGEST_MS;

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
