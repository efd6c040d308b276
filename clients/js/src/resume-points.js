/** The entry of the package: one instance for each user and page. */

import { Delivery } from "./delivery.js";
import { elapsedSince, now, within } from "./elapsed.js";
import { ResumeError } from "./resume-error.js";
import { Lock } from "./lock.js";
import { Outbox } from "./outbox.js";
import { followPage } from "./page.js";
import { isSame } from "./single-save.js";
import { startPosition } from "./start-position.js";
import { Token } from "./token.js";
import { Transport } from "./transport.js";
import { Watching } from "./watching.js";

export { ResumeError, Watching };

/** @typedef {import("./save-schedule.js").MediaLike} MediaLike */
/** @typedef {import("./watching.js").WatchOptions} WatchOptions */
/** @typedef {import("./watching.js").WatchingEvents} WatchingEvents */
/** @typedef {import("./watching.js").Found} Found */
/** @typedef {import("./outbox.js").Save} Save */
/**
 * A resume point. Times are in seconds, `percent` is 0 to 100, the others are ISO times of the service.
 * @typedef {{
 *   videoId: string, currentTime: number, updatedAt: string, duration?: number, percent?: number,
 *   watched?: boolean, completed?: boolean, watchedAt?: string, completedAt?: string, device?: string,
 *   previousTime?: number, previousAt?: string,
 * }} Point
 */
/**
 * `url`: of the service, "" for the page's own host. `userId`: by default the `sub` of the token. `device`: a name
 * that other devices show. `storage`: `localStorage` by default, null for none.
 * @typedef {{
 *   url: string, token: import("./token.js").TokenSource, userId?: string, device?: string,
 *   fetch?: import("./transport.js").Fetch, storage?: import("./outbox.js").KeyStorage | null,
 * }} ResumePointsOptions
 */
/** `cursor`: the `next` of the page before. @typedef {{ status?: "in-progress" | "watched", limit?: number, cursor?: string }} ListOptions */

/** Playback waits no longer for the service. */
const START_MS = 2000;
/** The service sends an event of the last save of a second: this many of the own saves may come back. */
const ECHOES = 4;

/** @returns {Storage | null} null outside a browser, and where the user forbids it */
function pageStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {any} point
 * @param {string} [videoId]
 * @returns {Point}
 */
function pointOf({ tmdbId, ...point }, videoId = tmdbId) {
  return { videoId, ...point };
}

export class ResumePoints {
  #transport;
  #outbox;
  #delivery;
  #device;
  /** @type {Map<MediaLike, Watching>} */
  #watchings = new Map();
  /** The last own saves of each video. @type {Map<string, Save[]>} */
  #saves = new Map();
  /** Points that `startTime` has fetched. @type {Map<string, Promise<Found | null>>} */
  #fetched = new Map();
  #unfollow = () => {};
  #isFollowing = false;

  /** @param {ResumePointsOptions} options */
  constructor({ url, token, userId, device, fetch, storage = pageStorage() }) {
    this.#transport = new Transport({ url, token: new Token(token), userId, fetch });
    this.#outbox = new Outbox(storage);
    this.#device = device;
    this.#delivery = new Delivery({
      transport: this.#transport,
      outbox: this.#outbox,
      lock: new Lock("resume-points-delivery", storage),
      report: (videoId, type, detail) => {
        for (const watching of this.#watchings.values())
          if (videoId === null || watching.videoId === videoId) watching.report(type, /** @type {any} */ (detail));
      },
    });
    if (globalThis.document && this.#outbox.isUsed) this.#follow();
  }

  /**
   * Seeks the media to the stored position, then saves while it plays. An earlier watching of the media ends.
   * @param {MediaLike} media
   * @param {WatchOptions} options
   * @returns {Promise<Watching>} at once, so that its listeners miss no event; `started` resolves later
   */
  async watch(media, options) {
    this.#follow();
    void this.#watchings.get(media)?.stop();
    const watching = new Watching(media, options, {
      find: (videoId) => this.#find(videoId),
      save: (...save) => this.#save(...save),
      isOwn: (point) => (this.#saves.get(point.videoId) ?? []).some((save) => isSame(save, point.currentTime)),
      every: () => this.#delivery.every,
      stopped: async (stopped) => {
        await within(this.#delivery.flush(), START_MS, undefined);
        if (this.#watchings.get(media) === stopped) this.#watchings.delete(media);
      },
    });
    this.#watchings.set(media, watching);
    return watching;
  }

  /**
   * For players that want the start position before they load.
   * @param {string} videoId
   * @returns {Promise<number>} seconds, after at most 2 s; 0 for the start
   */
  async startTime(videoId) {
    const found = this.#find(videoId);
    this.#fetched.set(videoId, found);
    return startPosition((await found)?.point ?? null);
  }

  /**
   * @param {string} videoId
   * @returns {Promise<Point | null>}
   * @throws {ResumeError}
   */
  async get(videoId) {
    const { status, body } = await this.#call("GET", videoId, undefined, [404]);
    return status === 404 ? null : pointOf(body, videoId);
  }

  /**
   * @param {ListOptions} [options]
   * @returns {Promise<Point[] & { next?: string }>} newest first; `next` is the `cursor` of the next page
   * @throws {ResumeError}
   */
  async list(options = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, String(value));
    const reply = await this.#call("GET", "", query.size ? `?${query}` : "");
    const next = /[?&]cursor=([^&>]+)[^>]*>;\s*rel="?next/.exec(reply.header("Link") ?? "")?.[1];
    return Object.assign(reply.body.map((/** @type {any} */ point) => pointOf(point)), next && { next: decodeURIComponent(next) });
  }

  /**
   * @param {string} videoId
   * @returns {Promise<void>}
   * @throws {ResumeError}
   */
  async delete(videoId) {
    await this.#call("DELETE", videoId, "", [404]);
  }

  /**
   * @param {string} videoId
   * @param {boolean} [watched] false takes the mark back
   * @returns {Promise<void>}
   * @throws {ResumeError}
   */
  async markWatched(videoId, watched = true) {
    await this.#call(watched ? "PUT" : "DELETE", videoId, "/watched", watched ? [] : [404]);
  }

  /**
   * Takes a video out of "continue watching" until its next save.
   * @param {string} videoId
   * @param {boolean} [dismissed] false puts it back
   * @returns {Promise<void>}
   * @throws {ResumeError}
   */
  async dismiss(videoId, dismissed = true) {
    await this.#call(dismissed ? "PUT" : "DELETE", videoId, "/dismissed", dismissed ? [] : [404]);
  }

  /**
   * Stops all watchings, for example at sign-out. Create a new instance for the next user.
   * @returns {Promise<void>}
   */
  async close() {
    await Promise.all([...this.#watchings.values()].map((watching) => watching.stop()));
    this.#unfollow();
    this.#isFollowing = false;
  }

  #follow() {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const each = () => [...this.#watchings.values()];
    this.#unfollow = followPage({
      hidden: () => {
        for (const watching of each()) watching.hidden();
        this.#delivery.hurry();
      },
      left: () => this.#delivery.leave(),
      shown: (isRestored) => {
        this.#delivery.comeBack();
        for (const watching of each()) watching.shown(isRestored);
      },
      online: () => this.#delivery.retry(),
    });
    void this.#delivery.flush();
  }

  /**
   * @param {WatchOptions} options
   * @param {number} currentTime
   * @param {number} duration
   */
  #save({ videoId, api, kind }, currentTime, duration) {
    /** @type {Save} */
    const save = { videoId, currentTime, duration, device: this.#device, kind, measured: now() };
    if (api !== "progress") save.api = api;
    this.#saves.set(videoId, [save, ...(this.#saves.get(videoId) ?? [])].slice(0, ECHOES));
    this.#delivery.save(save);
  }

  /**
   * @param {string} videoId
   * @returns {Promise<Found | null>} null if the point is not known within 2 s
   */
  async #find(videoId) {
    const fetched = this.#fetched.get(videoId);
    this.#fetched.delete(videoId);
    const found = await fetched;
    if (found && elapsedSince(found.at) < START_MS * 5) return found;
    const pending = this.#pending(videoId);
    return within(this.#fetch(videoId, pending !== undefined), START_MS, null).then((fresh) => this.#newer(videoId, fresh));
  }

  /**
   * @param {string} videoId
   * @param {boolean} isPending whether a save has to be delivered first, so that the service can compare
   * @returns {Promise<Found | null>}
   */
  async #fetch(videoId, isPending) {
    await this.#transport.identify();
    this.#outbox.user = this.#transport.user;
    if (isPending || this.#pending(videoId)) await within(this.#delivery.flush(), START_MS / 2, undefined);
    const { status, body } = await this.#request("GET", videoId, undefined, START_MS);
    if (status === 404) return { point: null, at: now() };
    return status === 200 && Number.isFinite(body?.currentTime) ? { point: pointOf(body, videoId), at: now() } : null;
  }

  /** @param {string} videoId */
  #pending(videoId) {
    return this.#outbox.list().find((entry) => entry.videoId === videoId);
  }

  /**
   * @param {string} videoId
   * @param {Found | null} found
   * @returns {Found | null} the undelivered save of this browser instead, if it is newer or there is nothing else
   */
  #newer(videoId, found) {
    const entry = this.#pending(videoId);
    if (!entry) return found;
    const { measured, currentTime, duration } = entry;
    const updatedAt = new Date(Date.now() - elapsedSince(measured)).toISOString();
    if (found?.point && found.point.updatedAt > updatedAt) return found;
    return { point: { videoId, currentTime, duration, updatedAt }, at: now() };
  }

  /**
   * @param {string} method
   * @param {string} videoId
   * @param {string} [rest]
   * @param {number} [timeout]
   */
  async #request(method, videoId, rest = "", timeout) {
    const user = await this.#transport.identify();
    const id = videoId && `/${encodeURIComponent(videoId)}`;
    const body = method === "PUT" ? {} : undefined;
    return this.#transport.request(method, `/api/progress/${encodeURIComponent(user ?? "")}${id}${rest}`, { body, timeout });
  }

  /**
   * @param {string} method
   * @param {string} videoId
   * @param {string} [rest]
   * @param {number[]} [expected] statuses that are no errors, besides 2xx
   */
  async #call(method, videoId, rest, expected = []) {
    const reply = await this.#request(method, videoId, rest);
    const isSuccess = (reply.status >= 200 && reply.status < 300 && (method !== "GET" || reply.body)) || expected.includes(reply.status);
    if (!isSuccess) throw new ResumeError(reply);
    return reply;
  }
}
