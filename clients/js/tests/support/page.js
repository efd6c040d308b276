/** A page with a player, for tests. */

import { ResumePoints } from "../../src/resume-points.js";
import { fakeBrowser } from "./browser.js";
import { Clock } from "./clock.js";
import { Media } from "./media.js";
import { Service } from "./service.js";

// The files that are loaded later, so that no test waits for the disk while its clock stands still.
await Promise.all(["ask", "decisions", "durable-copy", "lease", "live-leader", "listening", "other-apis", "routes"].map((name) => import(`../../src/${name}.js`)));

/** A `localStorage` that tabs share. */
export class MemoryStorage {
  /** @type {Map<string, string>} */
  entries = new Map();
  get length() {
    return this.entries.size;
  }
  /** @param {number} index */
  key(index) {
    return [...this.entries.keys()][index] ?? null;
  }
  /** @param {string} key */
  getItem(key) {
    return this.entries.get(key) ?? null;
  }
  /**
   * @param {string} key
   * @param {string} value
   */
  setItem(key, value) {
    this.entries.set(key, value);
  }
  /** @param {string} key */
  removeItem(key) {
    this.entries.delete(key);
  }
}

/** @param {object} claims */
export const tokenOf = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

/**
 * @param {{ after(end: () => void): void }} test
 * @param {Partial<import("../../src/types.js").ResumePointsOptions>} [options]
 */
export function aPage(test, options = {}) {
  const clock = new Clock(test);
  const browser = fakeBrowser(test);
  const service = new Service(clock);
  const storage = new MemoryStorage();
  const newPoints = (/** @type {any} */ more = {}) =>
    new ResumePoints({ url: "http://service", token: tokenOf({ sub: "ann" }), fetch: service.fetch, storage, ...options, ...more });
  /** @type {string[]} */
  const events = [];
  /** @type {Record<string, any>} */
  const details = {};

  /**
   * @param {Partial<import("../../src/resume-points.js").WatchOptions>} [watch]
   * @param {ReturnType<typeof newPoints>} [points]
   */
  async function aPlayer(watch = {}, points = newPoints()) {
    const media = new Media(clock);
    const watching = await points.watch(media, { videoId: "603", live: false, ...watch });
    for (const type of /** @type {const} */ (["resumed", "ask", "saved", "queued", "elsewhere", "refused"]))
      watching.addEventListener(type, ({ detail }) => {
        events.push(type);
        details[type] = detail;
      });
    await clock.advance(0);
    return { points, media, watching };
  }

  /** Closes an instance: that takes up to 2 s. @param {ReturnType<typeof newPoints>} points */
  async function close(points) {
    const closed = points.close();
    await clock.advance(2000);
    await closed;
  }

  return { clock, browser, service, storage, newPoints, aPlayer, close, events, details };
}
