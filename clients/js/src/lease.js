/** A lock for pages without Web Locks: a lease in the storage that all tabs share. */

/** A request ends within 10 s; a lease lasts longer. */
const LEASE_MS = 15_000;
/** Two tabs that take the lease at once both see the last writer's value after this time. */
const CONFIRM_MS = 30;

const valueNow = () => `${Date.now() + LEASE_MS} ${Math.random()}`;

/**
 * Runs the task, unless another tab has the lease.
 * @param {string} name
 * @param {import("./outbox.js").KeyStorage | null} storage null: there are no other tabs
 * @param {() => Promise<void>} task
 */
export async function lease(name, storage, task) {
  if (!storage) return task();
  const until = Number((storage.getItem(name) ?? "").split(" ")[0]);
  // A clock that was set back must not leave a lease for hours.
  if (until > Date.now() && until <= Date.now() + LEASE_MS) return;
  const value = valueNow();
  storage.setItem(name, value);
  await new Promise((resolve) => setTimeout(resolve, CONFIRM_MS));
  if (storage.getItem(name) !== value) return;
  let current = value;
  const renewal = setInterval(() => storage.setItem(name, (current = valueNow())), LEASE_MS / 3);
  await task();
  clearInterval(renewal);
  if (storage.getItem(name) === current) storage.removeItem(name);
}
