/** An `indexedDB` for tests: only what the package uses, and it survives a killed browser. */

/** @param {{ after(end: () => void): void }} test */
export function fakeDatabase(test) {
  /** @type {Map<any, any>} */
  const entries = new Map();
  /** @param {() => any} act */
  const later = (act) => queueMicrotask(act);
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
          put: (/** @type {any} */ value, /** @type {any} */ key) => answer(entries.set(key, structuredClone(value))),
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
