/**
 * One live stream for all tabs of this browser.
 *
 * HTTP/1.1 has six connections per host, so a stream in each of six tabs would block every save. The tab that holds a
 * lock reads the stream and passes the events on. A lock, an open channel and an open stream each keep a page out of
 * the back/forward cache. So all of them are closed in `pagehide`.
 */

import { changed } from "./decisions.js";
import { lease } from "./lease.js";
import { pause, readStream } from "./live-stream.js";
import { followPage, isVisible } from "./page.js";
import { pointOf } from "./routes.js";

/** @typedef {import("./types.js").Point} Point */
/** `points`: the newest 20, at each connection. @typedef {{ points: Point[], point: Point, gone: { videoId: string } }} LiveEvents */
/** @typedef {<K extends keyof LiveEvents>(type: K, detail: LiveEvents[K]) => void} Listener */
/** @typedef {ReturnType<typeof createLive>} Live */

const POINTS = 20;
/** A hidden page may begin or end to play without an event. */
const CHECK_MS = 15_000;
const RETRY_LEASE_MS = 3000;

/**
 * @param {Point[]} points
 * @param {keyof LiveEvents} type
 * @param {any} detail
 * @returns {Point[]} the points after the event, newest first
 */
function after(points, type, detail) {
  if (type === "points") return detail;
  const others = points.filter(({ videoId }) => videoId !== detail.videoId);
  return type === "gone" ? others : [detail, ...others].slice(0, POINTS);
}

/**
 * `signal`: ends it.
 * @typedef {{
 *   transport: import("./transport.js").Transport, storage: import("./outbox.js").KeyStorage | null,
 *   watched: Map<any, import("./watching.js").Watched>, signal: AbortSignal,
 * }} LiveParts
 */

/** @type {WeakMap<AbortSignal, Live>} */
const lives = new WeakMap();

/**
 * @param {LiveParts} parts
 * @returns {Live} always the same for the same signal
 */
export function liveOf(parts) {
  const live = lives.get(parts.signal) ?? createLive(parts);
  lives.set(parts.signal, live);
  live.check();
  return live;
}

/** @param {LiveParts} parts */
function createLive({ transport, storage, watched, signal: end }) {
  /** @type {Set<Listener>} */
  const listeners = new Set();
  /** @type {Point[] | null} */
  let points = null;
  /** @type {AbortController | null} */
  let session = null;
  let isAway = end.aborted;
  let isLeading = false;

  /**
   * @param {keyof LiveEvents} type
   * @param {any} detail
   */
  function deliver(type, detail) {
    points = after(points ?? [], type, detail);
    for (const listener of [...listeners]) listener(type, detail);
    if (type === "gone") return;
    for (const watch of watched.values())
      for (const point of [detail].flat()) if (watch.live && point.videoId === watch.watching.videoId) changed(watch, point);
  }

  /** @param {AbortSignal} signal */
  async function open(signal) {
    await transport.identify();
    if (signal.aborted) return;
    const name = `resume-points-live:${transport.owner()}`;
    const channel = globalThis.BroadcastChannel && new BroadcastChannel(name);
    const ended = new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        channel?.close();
        resolve(undefined);
      });
    });
    /** @param {any} message */
    const post = (message) => channel?.postMessage(message);
    if (channel)
      channel.onmessage = ({ data: [type, detail] }) => {
        if (type !== "hello") deliver(type, detail);
        else if (isLeading && points) post(["points", points]);
      };
    post(["hello"]);
    /** @param {string} type @param {any} data */
    const receive = (type, data) => {
      if (signal.aborted || !["points", "point", "gone"].includes(type)) return;
      const detail = type === "points" ? data.map((/** @type {any} */ point) => pointOf(point)) : pointOf(data);
      deliver(/** @type {keyof LiveEvents} */ (type), detail);
      post([type, detail]);
    };
    const lead = async () => {
      isLeading = !signal.aborted;
      await Promise.race([ended, readStream(transport, receive, signal)]);
    };
    await whileLeader(name, lead, signal).catch(() => {});
  }

  /**
   * Leads as soon as no other tab does, until the signal aborts.
   * @param {string} name
   * @param {() => Promise<void>} lead
   * @param {AbortSignal} signal
   */
  async function whileLeader(name, lead, signal) {
    const locks = globalThis.navigator?.locks;
    if (locks) return locks.request(name, { signal }, lead);
    while (!signal.aborted) {
      await lease(name, storage, lead);
      await pause(RETRY_LEASE_MS, signal);
    }
  }

  function close() {
    session?.abort();
    session = points = null;
    isLeading = false;
  }

  function check() {
    const players = [...watched.values()].filter(({ live }) => live);
    const isUsed = listeners.size > 0 || players.length > 0;
    const isWanted = isUsed && !isAway && (isVisible() || players.some(({ media }) => !media.paused));
    if (!isWanted) return close();
    if (session) return;
    session = new AbortController();
    void open(session.signal);
  }

  function left() {
    isAway = true;
    close();
  }

  function shown() {
    isAway = false;
    check();
  }

  function online() {
    close();
    check();
  }

  followPage(check, left, shown, online, end);
  // In Firefox, `pagehide` is too late to give up a lock. If the page stays, the next check joins again.
  globalThis.window?.addEventListener("beforeunload", () => isLeading || close(), { signal: end });
  const timer = isAway ? undefined : setInterval(check, CHECK_MS);
  /** @type {any} */ (timer)?.unref?.();
  end.addEventListener("abort", () => {
    left();
    clearInterval(timer);
  });

  /**
   * @param {Listener} listener it gets the points that are known already, too
   * @returns {() => void} removes the listener
   */
  function add(listener) {
    listeners.add(listener);
    if (points) listener("points", points);
    check();
    return () => {
      listeners.delete(listener);
      check();
    };
  }

  return {
    add,
    check,
  };
}
