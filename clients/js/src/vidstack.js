/**
 * Vidstack: a storage that starts the player at the resume point and saves while it plays.
 *
 * Vidstack asks its storage for the time before it plays, so nothing is shown from the wrong position. The storage
 * alone knows no duration, so the saves follow the events of the player.
 */

import { mediaOf } from "./vidstack-media.js";

/** @typedef {import("./resume-points.js").ResumePoints} ResumePoints */
/** @typedef {import("./types.js").WatchOptions} WatchOptions */
/** @typedef {import("./types.js").Watching} Watching */
/** @typedef {import("./vidstack-media.js").VidstackPlayer} VidstackPlayer */
/** @typedef {{ id: string, width: number, height: number, bitrate?: number | null }} VideoQuality */
/**
 * A storage for everything but the time, as Vidstack defines it.
 * @typedef {{
 *   getVolume(): Promise<number | null>, setVolume?(volume: number): Promise<void>,
 *   getMuted(): Promise<boolean | null>, setMuted?(muted: boolean): Promise<void>,
 *   getLang(): Promise<string | null>, setLang?(lang: string | null): Promise<void>,
 *   getCaptions(): Promise<boolean | null>, setCaptions?(captions: boolean): Promise<void>,
 *   getPlaybackRate(): Promise<number | null>, setPlaybackRate?(rate: number): Promise<void>,
 *   getVideoQuality(): Promise<VideoQuality | null>, setVideoQuality?(quality: VideoQuality | null): Promise<void>,
 *   getAudioGain(): Promise<number | null>, setAudioGain?(gain: number | null): Promise<void>,
 *   onChange?(src: any, mediaId: string | null, playerId?: string): any, onLoad?(src: any): void | Promise<void>, onDestroy?(): void,
 * }} SettingsStorage
 */
/**
 * `player`: a function, if the player does not exist yet. `videoId`: a function of the source, for playlists.
 * `settings`: keeps volume, captions and the like, for example Vidstack's `LocalMediaStorage`.
 * @typedef {Omit<WatchOptions, "videoId"> & {
 *   player: VidstackPlayer | (() => VidstackPlayer | null), videoId: string | ((src: any) => string | null),
 *   settings?: SettingsStorage, onWatching?: (watching: Watching) => void,
 * }} ResumeStorageOptions
 */

/** Implements Vidstack's `MediaStorage`. */
export class ResumeStorage {
  #points;
  #options;
  /** @type {string | null} */
  #videoId = null;
  /** @type {Watching | null} */
  #watching = null;

  /**
   * @param {ResumePoints} points
   * @param {ResumeStorageOptions} options
   */
  constructor(points, options) {
    this.#points = points;
    this.#options = options;
  }

  /** @type {(src: any, mediaId: string | null, playerId?: string) => any} */
  onChange(src, mediaId, playerId) {
    const { videoId, settings } = this.#options;
    const next = mediaId === null ? null : typeof videoId === "function" ? videoId(src) : videoId;
    if (next !== this.#videoId) this.#stop();
    this.#videoId = next;
    return settings?.onChange?.(src, mediaId, playerId);
  }

  /** @type {(src: any) => void | Promise<void>} */
  onLoad(src) {
    return this.#options.settings?.onLoad?.(src);
  }

  onDestroy() {
    this.#stop();
    this.#options.settings?.onDestroy?.();
  }

  /** @returns {Promise<number | null>} where Vidstack starts, in seconds, after at most 2 s */
  async getTime() {
    const { resume = "seek" } = this.#options;
    const videoId = this.#videoId;
    if (videoId === null) return null;
    const from = resume === "seek" ? await this.#points.startTime(videoId) : 0;
    if (videoId === this.#videoId) await this.#watch(videoId);
    return from || null;
  }

  /** Nothing to do: the saves follow the events of the player. */
  async setTime() {}

  async getVolume() {
    return (await this.#options.settings?.getVolume()) ?? null;
  }

  /** @param {number} volume */
  async setVolume(volume) {
    await this.#options.settings?.setVolume?.(volume);
  }

  async getMuted() {
    return (await this.#options.settings?.getMuted()) ?? null;
  }

  /** @param {boolean} muted */
  async setMuted(muted) {
    await this.#options.settings?.setMuted?.(muted);
  }

  async getLang() {
    return (await this.#options.settings?.getLang()) ?? null;
  }

  /** @param {string | null} lang */
  async setLang(lang) {
    await this.#options.settings?.setLang?.(lang);
  }

  async getCaptions() {
    return (await this.#options.settings?.getCaptions()) ?? null;
  }

  /** @param {boolean} captions */
  async setCaptions(captions) {
    await this.#options.settings?.setCaptions?.(captions);
  }

  async getPlaybackRate() {
    return (await this.#options.settings?.getPlaybackRate()) ?? null;
  }

  /** @param {number} rate */
  async setPlaybackRate(rate) {
    await this.#options.settings?.setPlaybackRate?.(rate);
  }

  async getVideoQuality() {
    return (await this.#options.settings?.getVideoQuality()) ?? null;
  }

  /** @param {VideoQuality | null} quality */
  async setVideoQuality(quality) {
    await this.#options.settings?.setVideoQuality?.(quality);
  }

  async getAudioGain() {
    return (await this.#options.settings?.getAudioGain()) ?? null;
  }

  /** @param {number | null} gain */
  async setAudioGain(gain) {
    await this.#options.settings?.setAudioGain?.(gain);
  }

  /** @param {string} videoId */
  async #watch(videoId) {
    const { player, settings: _settings, onWatching, ...options } = this.#options;
    const current = typeof player === "function" ? player() : player;
    if (!current || this.#watching) return;
    this.#watching = await this.#points.watch(mediaOf(current), { ...options, videoId });
    onWatching?.(this.#watching);
  }

  #stop() {
    void this.#watching?.stop();
    this.#watching = null;
  }
}
