/**
 * The queue of saves that are not delivered yet: the newest of each video, in `localStorage`.
 *
 * Each video has a key of its own, so two tabs never overwrite each other's entries. The keys name the user, so
 * the next user of this browser never sends them. If the storage is full or forbidden, the queue is in memory.
 */

import { isTooOld } from "./elapsed.js";

/**
 * A measured position. `currentTime` and `duration`: seconds.
 * @typedef {{
 *   videoId: string, currentTime: number, duration: number, device?: string,
 *   api?: "playback" | "rate", kind?: "movie" | "episode", measured: import("./elapsed.js").Instant,
 * }} Save
 */
/** `text`: what is stored, which identifies the entry. @typedef {Save & { text: string }} Entry */
/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">} KeyStorage */

const PREFIX = "resume-points:";

/**
 * @param {string} text
 * @returns {Entry | null} null for anything that is not an entry: other scripts can write to the storage
 */
function entryOf(text) {
  try {
    const save = JSON.parse(text);
    const numbers = [save.currentTime, save.duration, save.measured.wall, save.measured.steady];
    const isEntry = typeof save.videoId === "string" && numbers.every(Number.isFinite) && !isTooOld(save.measured);
    return isEntry ? { ...save, text } : null;
  } catch {
    return null;
  }
}

export class Outbox {
  #storage;
  /** @type {Map<string, string>} by video: entries that the storage did not take */
  #memory = new Map();
  /** @type {Map<string, string>} by video: the last entry of this page */
  #own = new Map();
  /** @type {string | null} */
  user = null;

  /** @param {KeyStorage | null} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @param {Save} save */
  put(save) {
    const { videoId } = save;
    const text = JSON.stringify(save);
    this.#own.set(videoId, text);
    this.#memory.set(videoId, text);
    this.#store(videoId, text);
  }

  /**
   * @param {boolean} [own] only the entries of this page
   * @returns {Entry[]} the undelivered saves, the newest of each video
   */
  list(own = false) {
    for (const [videoId, text] of this.#memory) this.#store(videoId, text);
    const texts = [...this.#stored(), ...this.#memory.values()];
    const entries = new Map();
    for (const text of texts) {
      const entry = entryOf(text);
      if (entry && (!own || this.#own.get(entry.videoId) === text)) entries.set(entry.videoId, entry);
    }
    return [...entries.values()];
  }

  /**
   * Removes an entry, unless a newer one has taken its place.
   * @param {Entry} entry
   */
  remove({ videoId, text }) {
    if (this.#memory.get(videoId) === text) this.#memory.delete(videoId);
    if (this.#own.get(videoId) === text) this.#own.delete(videoId);
    this.#try((storage) => {
      if (storage.getItem(this.#key(videoId)) === text) storage.removeItem(this.#key(videoId));
    });
  }

  /** @returns {boolean} whether any user left an entry: without one, nothing needs a token yet */
  get isUsed() {
    return this.#memory.size > 0 || this.#keys(PREFIX).length > 0;
  }

  /**
   * @param {string} videoId
   * @param {string} text
   */
  #store(videoId, text) {
    if (this.user === null) return;
    this.#try((storage) => {
      storage.removeItem(this.#key(videoId)); // a full storage has room for the new entry in place of the old one
      storage.setItem(this.#key(videoId), text);
      this.#memory.delete(videoId);
    });
  }

  #stored() {
    /** @type {string[]} */
    const texts = [];
    for (const key of this.user === null ? [] : this.#keys(this.#key("")))
      this.#try((storage) => {
        const text = storage.getItem(key) ?? "";
        if (entryOf(text)) texts.push(text);
        else storage.removeItem(key);
      });
    return texts;
  }

  /** @param {string} prefix */
  #keys(prefix) {
    /** @type {string[]} */
    const keys = [];
    this.#try((storage) => {
      for (let index = 0; index < storage.length; index++) keys.push(storage.key(index) ?? "");
    });
    return keys.filter((key) => key.startsWith(prefix));
  }

  /** @param {string} videoId */
  #key(videoId) {
    return `${PREFIX}${encodeURIComponent(this.user ?? "")}:${encodeURIComponent(videoId)}`;
  }

  /** @param {(storage: KeyStorage) => void} use */
  #try(use) {
    try {
      if (this.#storage) use(this.#storage);
    } catch {
      // A storage that is full or forbidden: the entries stay in memory.
    }
  }
}
