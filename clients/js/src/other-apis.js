/** The APIs `playback` and `rate`. They save the same resume point; only their requests differ. */

/** @typedef {import("./outbox.js").Save} Save */

/** These APIs date a save by its arrival. An older save needs `/api/progress`, which knows its age. */
const FRESH_MS = 1000;

/**
 * @param {Save} save
 * @param {{ ageMs: number }} event its age becomes 0, as the service assumes, if another API saves it
 * @returns {import("./delivery.js").SaveRequest | null} null if only `/api/progress` can save it
 */
export function singleSave(save, event) {
  const request = event.ageMs < FRESH_MS ? requestFor(save) : null;
  if (request) event.ageMs = 0;
  return request;
}

/**
 * @param {Save} save
 * @returns {import("./delivery.js").SaveRequest | null}
 */
function requestFor({ api, kind = "movie", videoId, currentTime, duration }) {
  const id = encodeURIComponent(videoId);
  const rate = Math.min(100, Math.floor((100 * currentTime) / duration));
  if (api === "playback")
    return {
      path: `/api/v1/playback/${kind}/${id}`,
      body: { position_seconds: Math.floor(currentTime), duration_seconds: Math.max(1, Math.round(duration)) },
    };
  // A rate of 0 would move the point to 0.
  return api === "rate" && rate > 0 ? { path: `/videos/${id}/progress`, body: { progress_rate: rate } } : null;
}
