/**
 * Lets one tab of this browser do a task at a time.
 *
 * A held lock blocks the back/forward cache. So no tab waits for it, and `release` frees it before the task ends.
 * Without Web Locks (a page that is not a secure context), a lease in the storage does the same.
 */

/** @typedef {ReturnType<typeof createLock>} Lock */

const NAME = "resume-points-delivery";

/** @param {import("./outbox.js").KeyStorage | null} storage */
export function createLock(storage) {
  let release = () => {};
  return {
    /** Frees the lock at once, for `pagehide`. The task goes on. */
    release: () => release(),

    /**
     * @param {() => Promise<void>} task it must not reject
     * @returns {Promise<boolean>} false if another tab holds the lock; the task did not run then
     */
    async run(task) {
      /** @type {Promise<void>} */
      const released = new Promise((resolve) => (release = resolve));
      /** @type {Promise<void> | undefined} */
      let running;
      const start = () => Promise.race([released, (running = task())]);
      try {
        const locks = globalThis.navigator?.locks;
        if (locks) await locks.request(NAME, { ifAvailable: true }, (lock) => lock && start());
        else await (await import("./lease.js")).lease(NAME, storage, start);
      } catch {
        running ?? start(); // locks or storage are forbidden here: a save sent twice does no harm
      }
      await running;
      return !!running;
    },
  };
}
