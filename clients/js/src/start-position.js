/** Where playback starts. */

/** No seek so near to the start or the end: the viewer would hardly see a difference. */
const NEAR_SECONDS = 5;
const WATCHED = 0.9;

/**
 * @param {{ currentTime: number, duration?: number } | null | undefined} point
 * @param {number} [duration] seconds, of the media or, as a default, of the save
 * @returns {number} seconds; 0 if playback starts at the start
 */
export function startPosition(point, duration = point?.duration) {
  const at = point?.currentTime ?? 0;
  const isNearEnd = duration && (at >= WATCHED * duration || at >= duration - NEAR_SECONDS);
  return at <= NEAR_SECONDS || isNearEnd ? 0 : at;
}
