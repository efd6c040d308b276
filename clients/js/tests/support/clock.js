/** A clock for tests: timers, the wall clock and `performance.now()` move only when a test says so. */

const real = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, now: Date.now, steady: performance.now };

/** Lets all promises that can go on do so. */
export async function settle() {
  for (let round = 0; round < 6; round++) await new Promise((resolve) => real.setImmediate(resolve));
}

export class Clock {
  wall = Date.parse("2026-11-20T10:00:00.000Z");
  steady = 5000;
  #timers = new Map();
  #lastId = 0;

  /** @param {{ after(end: () => void): void }} test */
  constructor(test) {
    const start = (/** @type {any} */ run, /** @type {number} */ delay = 0, /** @type {any[]} */ values = [], every = false) => {
      this.#timers.set(++this.#lastId, { at: this.steady + Math.max(delay, 0), run: () => run(...values), every: every && delay });
      return this.#lastId;
    };
    const end = (/** @type {any} */ id) => void this.#timers.delete(id);
    Object.assign(globalThis, {
      setTimeout: (/** @type {any} */ run, /** @type {number} */ delay, /** @type {any[]} */ ...values) => start(run, delay, values),
      setInterval: (/** @type {any} */ run, /** @type {number} */ delay, /** @type {any[]} */ ...values) => start(run, delay, values, true),
      clearTimeout: end,
      clearInterval: end,
    });
    Date.now = () => this.wall;
    performance.now = () => this.steady;
    test.after(() => {
      const { now, steady, setImmediate: _, ...timers } = real;
      Object.assign(globalThis, timers);
      Date.now = now;
      performance.now = steady;
    });
  }

  /** @param {number} milliseconds with all timers that are due */
  async advance(milliseconds) {
    const end = this.steady + milliseconds;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      const [id, timer] = due;
      this.#move(timer.at);
      if (timer.every) timer.at += timer.every;
      else this.#timers.delete(id);
      timer.run();
    }
    this.#move(end);
    await settle();
  }

  /** @param {number} milliseconds in which the machine sleeps: only the wall clock goes on */
  sleep(milliseconds) {
    this.wall += milliseconds;
  }

  /** @param {number} steady */
  #move(steady) {
    this.wall += Math.max(steady - this.steady, 0);
    this.steady = Math.max(steady, this.steady);
  }
}
