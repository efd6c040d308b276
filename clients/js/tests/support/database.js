/** An `indexedDB` for tests: only what the package uses, and it survives a killed browser. */

/**
 * @param {{ after(end: () => void): void }} test
 * @returns {Map<any, any> & { writes: number, delay: number }} its content, the number of writes so far, and the
 *   milliseconds that an answer takes
 */
export function fakeDatabase(test) {
  const entries = Object.assign(new Map(), { writes: 0, delay: 0 });
  /** @param {() => any} act */
  const later = (act) => (entries.delay ? void setTimeout(act, entries.delay) : queueMicrotask(act));
  const open = () => {
    /** @type {any} */
    const opening = { result: undefined };
    opening.result = {
      createObjectStore() {},
      close() {},
      transaction() {
        /** @type {any} */
        const transaction = {};
        later(() => later(() => transaction.oncomplete()));
        const answer = (/** @type {any} */ result) => ({ result });
        transaction.objectStore = () => ({
          get: (/** @type {any} */ key) => answer(entries.get(key)),
          put: (/** @type {any} */ value, /** @type {any} */ key) => {
            entries.writes++;
            return answer(entries.set(key, structuredClone(value)));
          },
          delete: (/** @type {any} */ key) => answer(entries.delete(key)),
        });
        return transaction;
      },
    };
    later(() => {
      opening.onupgradeneeded();
      opening.onsuccess();
    });
    return opening;
  };
  Object.assign(globalThis, { indexedDB: { open } });
  test.after(() => Object.assign(globalThis, { indexedDB: undefined }));
  return entries;
}
