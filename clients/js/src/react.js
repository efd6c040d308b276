/** React: one hook. */

import { useEffect, useRef, useState } from "react";

/** @typedef {import("./resume-points.js").ResumePoints} ResumePoints */
/** @typedef {import("./types.js").WatchOptions} WatchOptions */
/** @typedef {import("./types.js").WatchingEvents} WatchingEvents */
/** @typedef {import("./types.js").Watching} Watching */
/** @typedef {import("./types.js").MediaLike} MediaLike */
/**
 * `onResumed`, `onAsk`, `onSaved`, `onQueued`, `onElsewhere`, `onRefused`: called with the detail of the event.
 * @typedef {Omit<WatchOptions, "signal"> & {
 *   [Type in keyof WatchingEvents as `on${Capitalize<Type>}`]?: (detail: WatchingEvents[Type]) => void
 * }} HookOptions
 */

/** @type {(keyof WatchingEvents)[]} */
const EVENTS = ["resumed", "ask", "saved", "queued", "elsewhere", "refused"];

/**
 * Watches a media element while it is mounted: `<video ref={ref} …>`.
 * @param {ResumePoints | null} points create it outside the component, or once for each user; null: not yet
 * @param {HookOptions} options
 * @returns {{ ref: (media: MediaLike | null) => void, watching: Watching | null }}
 */
export function useResumePoints(points, options) {
  const { videoId, every, resume, live, save, api, kind } = options;
  const [media, ref] = useState(/** @type {MediaLike | null} */ (null));
  const [watching, setWatching] = useState(/** @type {Watching | null} */ (null));
  const latest = useRef(options);
  // Handlers may change at each rendering; the watching goes on.
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    if (!points || !media) return;
    const abort = new AbortController();
    void points.watch(media, { videoId, every, resume, live, save, api, kind, signal: abort.signal }).then((current) => {
      if (abort.signal.aborted) return;
      for (const type of EVENTS)
        current.addEventListener(type, ({ detail }) => {
          const name = `on${type[0]?.toUpperCase()}${type.slice(1)}`;
          /** @type {Record<string, any>} */ (latest.current)[name]?.(detail);
        });
      setWatching(current);
    });
    return () => {
      abort.abort();
      setWatching(null);
    };
  }, [points, media, videoId, every, resume, live, save, api, kind]);
  return { ref, watching };
}
