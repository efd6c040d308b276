/** Where playback starts. */

/** After so long a pause, another device may have gone on. */
export const BREAK_MS = 60_000;
/** Positions that differ by less are the same. */
export const SAME_SECONDS = 1;
/** No seek so near to the start or the end: the viewer would hardly see a difference. */
const NEAR_SECONDS = 5;
const WATCHED = 0.9;

/**
 * @param {{ currentTime: number, duration?: number } | null | undefined} point
 * @param {number} [duration] seconds, of the media or, as a default, of the save
 * @returns {number} seconds; 0 if playback starts at the start
 */
export function startPosition(point, duration = point?.duration ?? NaN) {
  const at = point?.currentTime ?? 0;
  return at <= NEAR_SECONDS || at >= Math.min(WATCHED * duration, duration - NEAR_SECONDS) ? 0 : at;
}
