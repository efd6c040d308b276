/** The entry of the package: one instance for each user and page. */

import { createDelivery } from "./delivery.js";
import { now, within } from "./elapsed.js";
import { findPoint, START_MS } from "./find-point.js";
import { createLock } from "./lock.js";
import { createOutbox } from "./outbox.js";
import { followPage, pageStorage } from "./page.js";
import { startPosition } from "./start-position.js";
import { createTransport } from "./transport.js";
import { watchMedia } from "./watching.js";

/** @typedef {import("./types.js").MediaLike} MediaLike */
/** @typedef {import("./types.js").WatchOptions} WatchOptions */
/** @typedef {import("./types.js").Watching} Watching */
/** @typedef {import("./types.js").WatchingEvents} WatchingEvents */
/** @typedef {import("./routes.js").ListOptions} ListOptions */
/** @typedef {import("./routes.js").ResumeError} ResumeError */
/** @typedef {import("./types.js").Point} Point */
/** @typedef {import("./types.js").ResumePointsOptions} ResumePointsOptions */

/** Playback waits no longer for a database that does not open. */
const COPY_MS = 300;

export class ResumePoints {
  #transport;
  /** @type {import("./outbox.js").Outbox} */
  #outbox;
  #delivery;
  #device;
  /** @type {Map<MediaLike, import("./watching.js").Watched>} */
  #watched = new Map();
  /** @type {typeof import("./other-apis.js") | undefined} */
  #otherApis;
  /** Ends what follows the page. */
  #end = new AbortController();
  #storage;
  /** By video: the start positions that players have. @type {Map<string, number>} */
  #given = new Map();
  /** Resolves when the saves of a killed session are back. @type {Promise<any> | undefined} */
  #copy;

  /**
   * The point of a video, or null. This and the following calls reject with a `ResumeError`.
   * @type {(videoId: string) => Promise<Point | null>}
   */
  get = this.#route("get");
  /**
   * Points, newest first; `next` is the `cursor` of the next page.
   * @type {(options?: ListOptions) => Promise<Point[] & { next?: string }>}
   */
  list = this.#route("list");
  /** @type {(videoId: string) => Promise<void>} */
  delete = this.#route("remove");
  /**
   * Marks a video as watched; with false, takes the mark back.
   * @type {(videoId: string, watched?: boolean) => Promise<void>}
   */
  markWatched = this.#route("markWatched");
  /**
   * Takes a video out of "continue watching" until its next save; with false, puts it back.
   * @type {(videoId: string, dismissed?: boolean) => Promise<void>}
   */
  dismiss = this.#route("dismiss");

  /** @param {ResumePointsOptions} options */
  constructor({ storage = pageStorage(), device, ...options }) {
    this.#device = device;
    this.#storage = storage;
    this.#transport = createTransport(options);
    this.#outbox = createOutbox(storage, this.#transport.owner);
    this.#delivery = createDelivery(
      this.#transport,
      this.#outbox,
      createLock(storage),
      (entry, event) => this.#otherApis?.singleSave(entry, event) ?? { path: "/api/progress", body: event },
      (videoId, type, detail) => this.#watched.forEach(({ watching, emit }) => (!videoId || watching.videoId === videoId) && emit(type, detail)),
    );
    if (globalThis.document && this.#outbox.isUsed()) this.#follow();
  }

  /**
   * Seeks the media to the stored position, then saves while it plays. An earlier watching of the media ends.
   * @param {MediaLike} media
   * @param {WatchOptions} options
   * @returns {Promise<Watching>} soon, so that its listeners miss no event; its `started` resolves later
   */
  async watch(media, options) {
    this.#watched.get(media)?.watching.stop();
    const { videoId, api, kind } = options;
    const watched = watchMedia(media, options, {
      given: this.#given.get(videoId),
      find: () => this.#find(videoId),
      every: this.#delivery.every,
      save: (currentTime, duration) =>
        this.#delivery.save({ videoId, currentTime, duration, api, kind, device: this.#device, measured: now() }),
      stopped: async () => {
        await within(this.#delivery.flush(), START_MS);
        if (this.#watched.get(media) === watched) this.#watched.delete(media);
      },
    });
    this.#watched.set(media, watched);
    if (watched.live) watched.watching.started.then(() => this.#live()).catch(() => {});
    if (api) this.#otherApis ??= await import("./other-apis.js").catch(() => undefined);
    return watched.watching;
  }

  /**
   * For players that want the start position before they load.
   * @param {string} videoId
   * @returns {Promise<number>} seconds, after at most 2 s; 0 for the start
   */
  async startTime(videoId) {
    const from = startPosition((await this.#find(videoId))?.point);
    this.#given.set(videoId, from);
    return from;
  }

  /**
   * Follows the live stream: all changes of this viewer's points, with reconnection.
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<import("./listening.js").Listening>} an event target with `points`, `point` and `gone`
   */
  async listen({ signal } = {}) {
    const { listenTo } = await import("./listening.js");
    return listenTo(await this.#live(), signal);
  }

  /**
   * Stops everything, for example at sign-out. The next user needs a new instance.
   * @returns {Promise<void>}
   */
  async close() {
    await Promise.all([...this.#watched.values()].map(({ watching }) => watching.stop()));
    this.#delivery.leave();
    this.#end.abort();
  }

  async #live() {
    const { liveOf } = await import("./live-leader.js");
    return liveOf({ transport: this.#transport, storage: this.#storage, watched: this.#watched, signal: this.#follow() });
  }

  #follow() {
    const { signal } = this.#end;
    if (this.#copy || signal.aborted) return signal;
    const copy = import("./durable-copy.js").then(({ keepCopy }) => this.#storage && keepCopy(this.#outbox, this.#transport, signal));
    // Without the copy, the saves are in `localStorage` only.
    copy.catch(() => {});
    this.#copy = this.#transport.identify().then(() => within(copy, COPY_MS));
    this.#copy.then(() => signal.aborted || this.#delivery.comeBack());
    const hidden = () => {
      this.#watched.forEach((watched) => watched.hidden());
      this.#delivery.hurry();
    };
    const shown = (/** @type {boolean | undefined} */ isRestored) => {
      if (isRestored) this.#delivery.comeBack();
      this.#watched.forEach((watched) => watched.shown(isRestored));
    };
    followPage(hidden, this.#delivery.leave, shown, this.#delivery.retry, signal);
    return signal;
  }

  /** @param {string} videoId */
  #find(videoId) {
    this.#follow();
    return findPoint(videoId, this.#transport, this.#outbox, this.#delivery, this.#copy);
  }

  /**
   * @param {string} name
   * @returns {(...values: any[]) => Promise<any>}
   */
  #route(name) {
    return async (...values) => {
      /** @type {any} */
      const routes = await import("./routes.js");
      return routes[name](this.#transport.call, ...values);
    };
  }
}
