/** A single save as a request of one of the three APIs. All of them save the same resume point. */

/** @typedef {import("./outbox.js").Entry} Entry */

/** Only `/api/progress` knows the age of a save. The others date it by its arrival. */
const FRESH_MS = 1000;

/**
 * @param {Entry} entry
 * @param {{ ageMs: number }} event the save as an event of `/api/progress`
 * @returns {{ path: string, body: object }}
 */
export function singleSave({ api, kind = "movie", videoId, currentTime, duration }, event) {
  const id = encodeURIComponent(videoId);
  const rate = Math.min(100, Math.floor((100 * currentTime) / duration));
  if (event.ageMs < FRESH_MS && api === "playback")
    return {
      path: `/api/v1/playback/${kind}/${id}`,
      body: { position_seconds: Math.floor(currentTime), duration_seconds: Math.max(1, Math.round(duration)) },
    };
  // A rate of 0 would move the point to 0.
  if (event.ageMs < FRESH_MS && api === "rate" && rate > 0)
    return { path: `/videos/${id}/progress`, body: { progress_rate: rate } };
  return { path: "/api/progress", body: event };
}

/**
 * @param {import("./outbox.js").Save} save
 * @param {number} currentTime seconds, as the service has it
 * @returns {boolean} whether that position is this save
 */
export function isSame({ api, currentTime: saved, duration }, currentTime) {
  const tolerance = api === "rate" ? duration / 100 : api === "playback" ? 1 : 0.05;
  return Math.abs(saved - currentTime) <= tolerance;
}
