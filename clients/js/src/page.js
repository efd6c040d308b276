/** The life of the page. Outside a browser there is none, and the page counts as visible. */

/**
 * @param {() => void} hidden save now, as the page may end
 * @param {() => void} left the page may come back from the back/forward cache
 * @param {(isRestored?: boolean) => void} shown
 * @param {() => void} online
 * @param {AbortSignal} signal stops listening
 */
export function followPage(hidden, left, shown, online, signal) {
  const { document, window } = globalThis;
  if (!document) return;
  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  const on = (target, type, listener) => target.addEventListener(type, listener, { signal });
  on(document, "visibilitychange", () => (isVisible() ? shown() : hidden()));
  on(document, "freeze", hidden);
  on(window, "pagehide", () => {
    hidden();
    left();
  });
  on(window, "pageshow", ({ persisted }) => persisted && shown(true));
  on(window, "online", online);
}

/** @returns {boolean} */
export const isVisible = () => globalThis.document?.visibilityState !== "hidden";

/** @returns {Storage | null} null outside a browser, and where the user forbids it */
export function pageStorage() {
  try {
    return globalThis.document ? localStorage : null;
  } catch {
    return null;
  }
}
