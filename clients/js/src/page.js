/** The life of the page. Outside a browser there is none, and the page counts as visible. */

/**
 * `hidden`: save now, as the page may end. `left`: it may come back from the back/forward cache.
 * @param {{ hidden(): void, left(): void, shown(isRestored: boolean): void, online(): void }} on
 * @returns {() => void} stops listening
 */
export function followPage({ hidden, left, shown, online }) {
  const { document } = globalThis;
  if (!document) return () => {};
  const abort = new AbortController();
  /** @param {any} event */
  const listen = ({ type, persisted }) => {
    if (type === "online") online();
    else if (type === "pageshow") persisted && shown(true);
    else if (type === "resume" || (type === "visibilitychange" && isVisible())) shown(false);
    else hidden();
    if (type === "pagehide") left();
  };
  for (const type of ["visibilitychange", "freeze", "resume"]) document.addEventListener(type, listen, abort);
  for (const type of ["pagehide", "pageshow", "online"]) globalThis.addEventListener(type, listen, abort);
  return () => abort.abort();
}

/** @returns {boolean} */
export const isVisible = () => globalThis.document?.visibilityState !== "hidden";
