/**
 * One media element: decides the start position, then saves, and asks for the point again after a long break.
 */

import { elapsedSince, now } from "./elapsed.js";
import { TypedEventTarget } from "./events.js";
import { SaveSchedule } from "./save-schedule.js";
import { startPosition } from "./start-position.js";

/** @typedef {import("./save-schedule.js").MediaLike} MediaLike */
/** @typedef {import("./resume-points.js").Point} Point */
/**
 * `every`: seconds of playback between two saves. `kind` is for the API `playback`.
 * @typedef {{
 *   videoId: string, every?: number, resume?: "seek" | "ask" | "no", live?: boolean, save?: boolean,
 *   signal?: AbortSignal, api?: "progress" | "playback" | "rate", kind?: "movie" | "episode",
 * }} WatchOptions
 */
/**
 * Times are in seconds. `saved.applied` is false if another device measured a later position.
 * @typedef {{
 *   resumed: { from: number },
 *   ask: { currentTime: number, device?: string, resume(): void, startOver(): void },
 *   saved: { applied: boolean },
 *   queued: { count: number },
 *   elsewhere: { currentTime: number, device?: string },
 *   refused: { status: number, error: string },
 * }} WatchingEvents
 */
/** `at`: when the service answered. @typedef {{ point: Point | null, at: import("./elapsed.js").Instant }} Found */
/**
 * What a `Watching` needs of the service.
 * @typedef {{
 *   find(videoId: string): Promise<Found | null>,
 *   save(options: WatchOptions, currentTime: number, duration: number): void,
 *   isOwn(point: Point): boolean,
 *   every(): number,
 *   stopped(watching: Watching): Promise<void>,
 * }} Service
 */

/** After so long a pause, another device may have gone on. */
const BREAK_MS = 60_000;
/** Playback before the first save if the stored point is unknown, and before an unanswered question is dropped. */
const UNKNOWN_SECONDS = 5;
const UNANSWERED_SECONDS = 30;
/** Playback before the first save after a start at a known position. */
const KNOWN_SECONDS = 1;

const MEDIA_EVENTS = /** @type {const} */ ([
  "timeupdate", "play", "playing", "pause", "seeking", "seeked", "ended", "emptied", "loadedmetadata", "durationchange",
]);

/** @extends {TypedEventTarget<WatchingEvents>} */
export class Watching extends TypedEventTarget {
  #media;
  #options;
  #service;
  #schedule;
  #isStopped = false;
  /** The position that the package seeks to, until the media has arrived there. @type {number | null} */
  #ownSeek = null;
  /** Counts what makes an earlier request for the point void: a seek of the viewer, a new source. */
  #turn = 0;
  #isDecided = false;
  #isAsking = false;
  /** Another device went on while this one paused. */
  #isBehind = false;
  #isPlaying = false;
  #tick = now();
  /** @type {import("./elapsed.js").Instant | null} */
  #hiddenAt = null;
  /** The point as this player knows it. @type {Point | null} */
  #known = null;
  #announced = "";
  /** @type {() => void} */
  #wake = () => {};
  /** @type {(from: number) => void} */
  #start = () => {};
  /**
   * Resolves with the position at which playback starts, in seconds.
   * @type {Promise<number>}
   */
  started = new Promise((resolve) => (this.#start = resolve));

  /**
   * @param {MediaLike} media
   * @param {WatchOptions} options
   * @param {Service} service
   * @internal
   */
  constructor(media, options, service) {
    super();
    this.#media = media;
    this.#options = options;
    this.#service = service;
    this.#schedule = new SaveSchedule(media, {
      every: () => Math.max(options.every ?? 5, service.every()),
      save: (currentTime, duration) => options.save !== false && service.save(options, currentTime, duration),
    });
    for (const type of MEDIA_EVENTS) media.addEventListener(type, this.#onMedia);
    options.signal?.addEventListener("abort", this.#onAbort);
    if (options.signal?.aborted) void this.stop();
    else void this.#decide();
  }

  get videoId() {
    return this.#options.videoId;
  }

  /** Whether the media plays. The live stream stays open then, also in a hidden page. */
  get isPlaying() {
    return !this.#isStopped && !this.#media.paused && !this.#media.ended;
  }

  /**
   * Saves the position and ends.
   * @returns {Promise<void>} resolves when the save is delivered, or stored after 2 s
   */
  async stop() {
    if (this.#isStopped) return;
    this.#notice();
    this.#schedule.saveNow();
    this.#isStopped = true;
    this.#schedule.close();
    for (const type of MEDIA_EVENTS) this.#media.removeEventListener(type, this.#onMedia);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#wake();
    this.#start(this.#media.currentTime);
    await this.#service.stopped(this);
  }

  /**
   * The page is hidden, frozen or left.
   * @internal
   */
  hidden() {
    this.#notice();
    this.#schedule.saveNow();
    this.#hiddenAt ??= now();
  }

  /**
   * The page is visible again.
   * @param {boolean} isRestored whether it comes from the back/forward cache
   * @internal
   */
  shown(isRestored) {
    const isLong = this.#hiddenAt !== null && elapsedSince(this.#hiddenAt) > BREAK_MS;
    this.#hiddenAt = null;
    if (isRestored || isLong) void this.#askAgain();
  }

  /**
   * Another device, or another tab, has saved a point of this video.
   * @param {Point} point
   * @internal
   */
  changed(point) {
    if (!this.#isDecided || point.updatedAt <= this.#announced || !this.#hasMoved(point)) return;
    this.#announced = point.updatedAt;
    this.#isBehind = this.#media.paused;
    this.#emit("elsewhere", { currentTime: point.currentTime, device: point.device });
  }

  /**
   * @template {keyof WatchingEvents} K
   * @param {K} type
   * @param {WatchingEvents[K]} detail
   * @internal
   */
  report(type, detail) {
    this.#emit(type, detail);
  }

  #onAbort = () => void this.stop();

  /** @param {{ type: string }} event */
  #onMedia = ({ type }) => {
    const media = this.#media;
    this.#notice(type === "play");
    if (type === "timeupdate") this.#schedule.advance();
    else if (type === "seeking") this.#onSeeking();
    else if (type === "seeked") this.#onSeeked();
    else if (type === "emptied") this.#onEmptied();
    else if (type === "ended" || (type === "pause" && !media.ended)) this.#schedule.saveNow();
    this.#isPlaying = !media.paused;
    this.#wake();
  };

  /**
   * Notes the time of a sign of life. A long silence means sleep or a long pause: the point is asked for again,
   * before anything is saved.
   * @param {boolean} [isPlay] whether playback begins
   */
  #notice(isPlay = false) {
    const silence = elapsedSince(this.#tick);
    const isBreak = silence > BREAK_MS && (this.#isPlaying || isPlay);
    // While paused, only playing counts: the length of the pause is measured from its start.
    if (this.#isPlaying || isPlay || !this.#isDecided) this.#tick = now();
    if (isBreak || (isPlay && this.#isBehind)) void this.#askAgain();
  }

  #onSeeking() {
    this.#schedule.seeking();
    if (this.#ownSeek !== null && Math.abs(this.#media.currentTime - this.#ownSeek) < 1) return;
    this.#ownSeek = null;
    // Players seek to 0 while they load. Only a seek to elsewhere is a decision.
    if (this.#media.currentTime < 1) return;
    this.#turn += 1;
    this.#isBehind = false;
    this.#tick = now();
    if (!this.#schedule.isOpen) this.#open(0);
  }

  #onSeeked() {
    const isOwn = this.#ownSeek !== null;
    this.#ownSeek = null;
    // A position of 0 may come from media that cannot seek, or from a player that failed.
    if (this.#media.currentTime < 1) this.#schedule.need(UNKNOWN_SECONDS);
    else if (!isOwn) this.#schedule.need(0);
    if (!isOwn) this.#schedule.seeked();
  }

  /** A new source reports 0 until its player has sought to the old position. */
  #onEmptied() {
    this.#ownSeek = null;
    if (this.#isDecided) this.#open(UNKNOWN_SECONDS);
  }

  async #decide() {
    if (this.#options.resume === "no") this.#open(UNKNOWN_SECONDS);
    const turn = this.#turn;
    let found = await this.#service.find(this.videoId);
    if (this.#isDecided) this.#known = found?.point ?? null;
    if (this.#isDecided) return;
    await this.#until(() => Number.isFinite(this.#media.duration) && this.#media.duration > 0);
    if (found && elapsedSince(found.at) > BREAK_MS && !this.#isVoid(turn)) found = await this.#service.find(this.videoId);
    if (this.#isVoid(turn) || this.#isDecided) return;
    this.#known = found?.point ?? null;
    const from = startPosition(this.#known, this.#media.duration);
    // Without a duration for so long, the viewer is in the middle of something already.
    if (!found || this.#schedule.played >= UNKNOWN_SECONDS) return this.#open(UNKNOWN_SECONDS);
    if (from === 0) return this.#open(KNOWN_SECONDS);
    if (this.#options.resume === "ask") return this.#ask(from);
    this.#resume(from);
  }

  /** @param {number} from */
  #ask(from) {
    const turn = this.#turn;
    /** @param {() => void} act */
    const once = (act) => () => {
      if (!this.#isVoid(turn) && !this.#isDecided) act();
    };
    const startOver = once(() => {
      if (this.#media.currentTime >= 1) this.#seek(0);
      this.#open(KNOWN_SECONDS);
    });
    this.#emit("ask", { currentTime: from, device: this.#known?.device, resume: once(() => this.#resume(from)), startOver });
    void this.#until(() => this.#schedule.played >= UNANSWERED_SECONDS).then(once(() => this.#open(KNOWN_SECONDS)));
  }

  /** @param {number} from */
  #resume(from) {
    // The player may have started there, by `startTime`.
    if (Math.abs(this.#media.currentTime - from) >= 1) this.#seek(from);
    this.#open(KNOWN_SECONDS, from);
    this.#emit("resumed", { from });
  }

  /** Before any save after a break: asks for the point, and follows it if another device has moved on. */
  async #askAgain() {
    if (!this.#isDecided || this.#isAsking || this.#isStopped) return;
    const turn = this.#turn;
    this.#isAsking = true;
    this.#isBehind = false;
    this.#schedule.close();
    const found = await this.#service.find(this.videoId);
    this.#isAsking = false;
    if (this.#isStopped) return;
    const point = found?.point;
    const isMoved = point && this.#hasMoved(point);
    if (point) this.#known = point;
    if (!isMoved) return this.#isVoid(turn) || this.#open(found ? KNOWN_SECONDS : UNKNOWN_SECONDS);
    const from = startPosition(point, this.#media.duration);
    if (from > 0 && (this.#options.resume ?? "seek") === "seek" && !this.#isVoid(turn)) return this.#resume(from);
    this.#announced = point.updatedAt;
    this.#emit("elsewhere", { currentTime: point.currentTime, device: point.device });
    if (!this.#isVoid(turn)) this.#open(KNOWN_SECONDS);
  }

  /** @param {Point} point */
  #hasMoved(point) {
    const isNewer = !this.#known || point.updatedAt > this.#known.updatedAt;
    return isNewer && !this.#service.isOwn(point) && Math.abs(point.currentTime - this.#media.currentTime) >= 1;
  }

  /** @param {number} turn */
  #isVoid(turn) {
    return this.#isStopped || turn !== this.#turn;
  }

  /**
   * @param {number} needed seconds of playback before the first save
   * @param {number} [from]
   */
  #open(needed, from = this.#media.currentTime) {
    this.#isDecided = true;
    this.#schedule.open(needed, from);
    this.#tick = now();
    this.#start(from);
  }

  /** @param {number} to */
  #seek(to) {
    try {
      this.#ownSeek = to;
      this.#media.currentTime = to;
    } catch {
      this.#ownSeek = null; // the player goes on where it is
    }
  }

  /**
   * @param {() => boolean} isTrue checked after each event of the media
   * @returns {Promise<void>} resolves also on `stop`
   */
  async #until(isTrue) {
    while (!isTrue() && !this.#isStopped) await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
  }

  /**
   * @template {keyof WatchingEvents} K
   * @param {K} type
   * @param {WatchingEvents[K]} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
