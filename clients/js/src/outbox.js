/**
 * The queue of saves that are not delivered yet: the newest of each video, in `localStorage`.
 *
 * Each video has a key of its own, so two tabs never overwrite each other's entries. The keys name the service and
 * the user, so the next user of this browser never sends them. If the storage is full or forbidden, the queue is in memory.
 */

/**
 * A measured position. `currentTime` and `duration`: seconds.
 * @typedef {{
 *   videoId: string, currentTime: number, duration: number, device?: string,
 *   api?: string, kind?: "movie" | "episode", measured: import("./elapsed.js").Instant,
 * }} Save
 */
/** `text`: the save as it is stored, which identifies the entry. @typedef {Save & { text: string }} Entry */
/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">} KeyStorage */
/** @typedef {ReturnType<typeof createOutbox>} Outbox */

const PREFIX = "resume-points:";

/**
 * @param {string | null} text
 * @returns {Entry | null} null for anything that is not an entry: other scripts can write to the storage
 */
function entryOf(text) {
  try {
    const save = JSON.parse(text ?? "");
    // False also for a missing number, and a time that no calendar has.
    return +new Date(save.measured.wall + save.currentTime + save.duration) > 0 ? { ...save, text } : null;
  } catch {
    return null;
  }
}

/**
 * @param {KeyStorage | null} storage
 * @param {() => string | null} owner the service and the user, null before the first token
 */
export function createOutbox(storage, owner) {
  /** By video: entries that the storage did not take. @type {Map<string, string>} */
  const memory = new Map();
  /** By video: the last entry of this page. @type {Map<string, string>} */
  const own = new Map();

  /** @param {string} videoId */
  const keyOf = (videoId) => `${PREFIX}${owner()}:${encodeURIComponent(videoId)}`;

  /** @param {(storage: KeyStorage) => void} use */
  function attempt(use) {
    try {
      if (storage) use(storage);
    } catch {
      // A storage that is full or forbidden: the entries stay in memory.
    }
  }

  function store() {
    if (!owner()) return;
    for (const [videoId, text] of memory)
      attempt((storage) => {
        storage.setItem(keyOf(videoId), text);
        memory.delete(videoId);
      });
  }

  /** @param {string} prefix */
  function keys(prefix) {
    /** @type {string[]} */
    const found = [];
    attempt((storage) => {
      for (let index = 0; index < storage.length; index++) found.push(storage.key(index) ?? "");
    });
    return found.filter((key) => key.startsWith(prefix));
  }

  return {
    /**
     * @param {Save} save
     * @returns {string} its `text`
     */
    put(save) {
      const text = JSON.stringify({ ...save, text: undefined });
      own.set(save.videoId, text);
      memory.set(save.videoId, text);
      store();
      return text;
    },

    /**
     * @param {boolean} [onlyOwn] only the entries of this page
     * @returns {Entry[]} the undelivered saves, the newest of each video
     */
    list(onlyOwn) {
      store();
      /** @type {Map<string, Entry>} */
      const entries = new Map();
      for (const key of owner() ? keys(keyOf("")) : [])
        attempt((storage) => {
          const entry = entryOf(storage.getItem(key));
          if (entry && keyOf(entry.videoId) === key) entries.set(entry.videoId, entry);
          else storage.removeItem(key);
        });
      memory.forEach((text, videoId) => entries.set(videoId, /** @type {Entry} */ (entryOf(text))));
      return [...entries.values()].filter(({ videoId, text }) => !onlyOwn || own.get(videoId) === text);
    },

    /**
     * Removes an entry, unless a newer one has taken its place.
     * @param {Entry} entry
     */
    remove({ videoId, text }) {
      if (memory.get(videoId) === text) memory.delete(videoId);
      attempt((storage) => {
        if (storage.getItem(keyOf(videoId)) === text) storage.removeItem(keyOf(videoId));
      });
    },

    /** @returns {boolean} whether any user left an entry: without one, nothing needs a token yet */
    isUsed: () => !!keys(PREFIX)[0],
  };
}
