/** The life of the page. Outside a browser there is none, and the page counts as visible. */

/**
 * @param {{ hidden: () => void, left: () => void, shown: (isRestored: boolean) => void, online: () => void }} on
 * @returns {() => void} stops listening
 */
export function followPage({ hidden, left, shown, online }) {
  const { document, addEventListener, removeEventListener } = globalThis;
  if (!document || !addEventListener) return () => {};
  /** @param {Event} event */
  const listen = (event) => {
    const { type } = event;
    if (type === "online") online();
    else if (type === "pageshow") {
      if (/** @type {PageTransitionEvent} */ (event).persisted) shown(true);
    } else if (type === "resume" || (type === "visibilitychange" && isVisible())) shown(false);
    else hidden();
    if (type === "pagehide") left();
  };
  /** @type {[{ addEventListener: any, removeEventListener: any }, string][]} */
  const sources = [
    [document, "visibilitychange"],
    [document, "freeze"],
    [document, "resume"],
    [globalThis, "pagehide"],
    [globalThis, "pageshow"],
    [globalThis, "online"],
  ];
  for (const [source, type] of sources) source.addEventListener(type, listen);
  return () => {
    for (const [source, type] of sources) source.removeEventListener(type, listen);
  };
}

/** @returns {boolean} */
export const isVisible = () => globalThis.document?.visibilityState !== "hidden";
