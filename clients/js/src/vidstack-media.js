/** A Vidstack player as a media element. */

/** @typedef {import("./types.js").MediaLike} MediaLike */
/**
 * What is used of a `<media-player>` element, or of a `MediaPlayerInstance` of React.
 * @typedef {{
 *   currentTime: number,
 *   readonly state: Readonly<{ currentTime: number, duration: number, paused: boolean, seeking: boolean, ended: boolean }>,
 *   addEventListener(type: any, listener: (event: any) => void): void,
 *   removeEventListener(type: any, listener: (event: any) => void): void,
 * }} VidstackPlayer
 */

/** Vidstack's names of the events of media elements. @type {Record<string, string>} */
const EVENTS = {
  timeupdate: "time-update",
  durationchange: "duration-change",
  loadedmetadata: "loaded-metadata",
  emptied: "source-change",
};

/**
 * @param {VidstackPlayer} player
 * @returns {MediaLike}
 */
export function mediaOf(player) {
  /** @type {Map<(event: any) => void, Map<string, (event: any) => void>>} */
  const renamed = new Map();
  return {
    get currentTime() {
      return player.state.currentTime;
    },
    set currentTime(seconds) {
      player.currentTime = seconds;
    },
    get duration() {
      return player.state.duration;
    },
    get paused() {
      return player.state.paused;
    },
    get seeking() {
      return player.state.seeking;
    },
    get ended() {
      return player.state.ended;
    },
    addEventListener(type, listener) {
      const listeners = renamed.get(listener) ?? new Map();
      const wrapped = () => listener({ type });
      renamed.set(listener, listeners.set(type, wrapped));
      player.addEventListener(EVENTS[type] ?? type, wrapped);
    },
    removeEventListener(type, listener) {
      const wrapped = renamed.get(listener)?.get(type);
      if (wrapped) player.removeEventListener(EVENTS[type] ?? type, wrapped);
    },
  };
}
