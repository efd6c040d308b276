/** Video.js: a plugin. Register it with `videojs.registerPlugin("resumePoints", resumePoints)`. */

/** @typedef {import("./resume-points.js").ResumePoints} ResumePoints */
/** @typedef {import("./types.js").WatchOptions} WatchOptions */
/** @typedef {import("./types.js").Watching} Watching */
/** @typedef {import("./types.js").MediaLike} MediaLike */
/**
 * What is used of a Video.js player.
 * @typedef {{
 *   currentTime(seconds?: number): number | undefined | void, duration(): number | undefined, paused(): boolean,
 *   seeking(): boolean, ended(): boolean,
 *   on(type: string, listener: (event: any) => void): void, off(type: string, listener: (event: any) => void): void,
 *   one(type: string, listener: (event: any) => void): void,
 * }} VideoJsPlayer
 */

/** The same media object for each call, so that the next call ends the watching before. `end` ends the last one. */
/** @type {WeakMap<VideoJsPlayer, { media: MediaLike, end: AbortController }>} */
const players = new WeakMap();

/**
 * @param {VideoJsPlayer} player
 * @returns {MediaLike}
 */
function mediaOf(player) {
  return {
    get currentTime() {
      return player.currentTime() ?? 0;
    },
    set currentTime(seconds) {
      player.currentTime(seconds);
    },
    get duration() {
      return player.duration() ?? NaN;
    },
    get paused() {
      return player.paused();
    },
    get seeking() {
      return player.seeking();
    },
    get ended() {
      return player.ended();
    },
    addEventListener: (type, listener) => player.on(type, listener),
    removeEventListener: (type, listener) => player.off(type, listener),
  };
}

/** @param {VideoJsPlayer} player */
function remember(player) {
  const known = { media: mediaOf(player), end: new AbortController() };
  players.set(player, known);
  // At once: the player has no position any more after this event.
  player.one("dispose", () => known.end.abort());
  return known;
}

/**
 * `player.resumePoints({ points, videoId: "603" })`. For the next video of a playlist, call it again.
 * @this {VideoJsPlayer}
 * @param {WatchOptions & { points: ResumePoints }} options
 * @returns {Promise<Watching>} it ends when the player is disposed
 */
export async function resumePoints({ points, signal, ...options }) {
  const known = players.get(this) ?? remember(this);
  const end = new AbortController();
  const abort = () => end.abort();
  known.end = end;
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  return points.watch(known.media, { ...options, signal: end.signal });
}
