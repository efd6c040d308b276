/** The live stream as an event target, for pages that show lists. */

import { TypedEventTarget } from "./events.js";

/** @typedef {import("./live-leader.js").LiveEvents} LiveEvents */
/** `close`: ends listening. @typedef {import("./events.js").Typed<LiveEvents> & { close(): void }} Listening */

/**
 * @param {import("./live-leader.js").Live} live
 * @param {AbortSignal} [signal]
 * @returns {Listening}
 */
export function listenTo(live, signal) {
  const target = /** @type {import("./events.js").Typed<LiveEvents>} */ (new TypedEventTarget());
  let remove = () => {};
  let isClosed = false;
  const close = () => {
    isClosed = true;
    remove();
  };
  // After the caller has added its listeners: the known points come at once.
  setTimeout(() => {
    if (!isClosed && !signal?.aborted) remove = live.add((type, detail) => void target.dispatchEvent(new CustomEvent(type, { detail })));
  });
  signal?.addEventListener("abort", close);
  return Object.assign(target, { close });
}
