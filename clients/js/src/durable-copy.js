/**
 * A copy of the undelivered saves in IndexedDB.
 *
 * Browsers write `localStorage` to the disk late: Chromium after 5 s, and once a minute in a long session. A browser
 * that is killed offline would lose all saves since then. IndexedDB is written at once, but not while a page ends.
 */

/** @typedef {import("./outbox.js").Outbox} Outbox */

const CHECK_MS = 500;
const DATABASE = "resume-points";
const STORE = "saves";

/**
 * Opens the database for one access only: an open connection may keep a page out of the back/forward cache.
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} use
 * @returns {Promise<any>} the result of the request
 */
function access(mode, use) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = reject;
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(STORE, mode);
      const request = use(transaction.objectStore(STORE));
      transaction.oncomplete = () => {
        database.close();
        resolve(request.result);
      };
      transaction.onabort = () => {
        database.close();
        reject(transaction.error);
      };
    };
  });
}

/**
 * @param {Outbox} outbox
 * @param {string[]} texts the copies
 * @param {import("./outbox.js").Entry[]} before the outbox before the copies were read: what is gone since has arrived
 */
function restore(outbox, texts, before) {
  const others = [...before, ...outbox.list()];
  for (const text of texts) {
    const save = JSON.parse(text);
    if (!others.some(({ videoId, measured }) => videoId === save.videoId && measured.wall >= save.measured.wall)) outbox.put(save);
  }
}

/**
 * Brings back what the last session could not write to the disk, then copies what stays undelivered.
 * @param {Outbox} outbox
 * @param {import("./transport.js").Transport} transport
 * @param {AbortSignal} signal ends copying
 * @returns {Promise<void>} resolves when the saves are back
 */
export async function keepCopy(outbox, transport, signal) {
  await transport.identify();
  const owner = transport.owner();
  if (!globalThis.indexedDB || !owner) return;
  const before = outbox.list();
  /** @type {string[]} */
  const texts = (await access("readonly", (store) => store.get(owner))) ?? [];
  restore(outbox, texts, before);
  if (signal.aborted) return;
  let copied = texts.join();
  const timer = setInterval(() => {
    const current = outbox.list().map(({ text }) => text);
    if (current.join() === copied) return;
    copied = current.join();
    access("readwrite", (store) => (current.length > 0 ? store.put(current, owner) : store.delete(owner))).catch(() => {});
  }, CHECK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}
