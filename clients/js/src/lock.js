/**
 * Lets one tab of this browser do a task at a time.
 *
 * A held lock blocks the back/forward cache. So no tab waits for it, and `release` frees it before the task ends.
 * Without Web Locks (a page that is not a secure context), a lease in the storage does the same.
 */

/** @typedef {import("./outbox.js").KeyStorage} KeyStorage */

/** A request ends within 10 s; a lease lasts longer. */
const LEASE_MS = 15_000;
/** Two tabs that take the lease at once both see the last writer's name after this time. */
const CONFIRM_MS = 30;

export class Lock {
  #name;
  #storage;
  /** Frees the lock at once, for `pagehide`. The task goes on. */
  release = () => {};

  /**
   * @param {string} name
   * @param {KeyStorage | null} storage
   */
  constructor(name, storage) {
    this.#name = name;
    this.#storage = storage;
  }

  /**
   * @param {() => Promise<void>} task it must not reject
   * @returns {Promise<boolean>} false if another tab holds the lock; the task did not run then
   */
  async run(task) {
    const released = new Promise((resolve) => (this.release = () => resolve(undefined)));
    /** @type {Promise<void> | null} */
    let running = null;
    const start = () => Promise.race([released, (running = task())]);
    try {
      const locks = globalThis.navigator?.locks;
      if (locks) await locks.request(this.#name, { ifAvailable: true }, (lock) => lock && start());
      else if (this.#storage) await this.#leased(this.#storage, start);
      else await start();
    } catch {
      await (running ?? start()); // locks or storage are forbidden here: an entry sent twice does no harm
    }
    await running;
    return running !== null;
  }

  /**
   * @param {KeyStorage} storage
   * @param {() => Promise<unknown>} start
   */
  async #leased(storage, start) {
    const [until = 0] = (storage.getItem(this.#name) ?? "").split(" ").map(Number);
    if (until > Date.now() && until <= Date.now() + LEASE_MS) return;
    const lease = `${Date.now() + LEASE_MS} ${Math.random()}`;
    storage.setItem(this.#name, lease);
    await new Promise((resolve) => setTimeout(resolve, CONFIRM_MS));
    if (storage.getItem(this.#name) !== lease) return;
    await start().finally(() => storage.getItem(this.#name) === lease && storage.removeItem(this.#name));
  }
}
