/**
 * Delivers the saves of the outbox: one request at a time, and a growing delay while the service fails.
 */

import { elapsedSince } from "./elapsed.js";
import { singleSave } from "./single-save.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {import("./outbox.js").Save} Save */
/** @typedef {import("./transport.js").Reply} Reply */
/** `count`: undelivered saves. @typedef {{ saved: { applied: boolean }, queued: { count: number }, refused: { status: number, error: string } }} DeliveryEvents */
/** `videoId`: null for all videos. @typedef {<K extends keyof DeliveryEvents>(videoId: string | null, type: K, detail: DeliveryEvents[K]) => void} Report */

const BATCH = 100;
/** All `keepalive` requests in flight share 64 KiB, and the service accepts as much in one. */
const BATCH_BYTES = 48 * 1024;
const LONGEST_DELAY_MS = 60_000;
const LONGEST_RETRY_AFTER_MS = 3_600_000;
const RETRYABLE = [401, 408, 425, 429];

/** @param {Reply} reply */
const isRetryable = ({ status }) => status < 200 || (status >= 300 && status < 400) || status >= 500 || RETRYABLE.includes(status);

/** @param {Reply} reply */
const isDelivered = ({ status }) => status >= 200 && status < 300;

/**
 * @param {string | null} text seconds or an HTTP date
 * @returns {number} milliseconds from now; 0 if the header is missing or invalid
 */
function retryAfter(text) {
  const wait = text && /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text ?? "") - Date.now();
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER_MS) : 0;
}

export class Delivery {
  #transport;
  #outbox;
  #lock;
  #report;
  /** @type {Promise<void> | null} */
  #running = null;
  #again = false;
  /** @type {Set<string>} the entries in flight */
  #inFlight = new Set();
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  #blockedUntil = 0;
  #batch = BATCH;
  #isRefused = false;
  #isAway = false;
  /** Seconds between saves that the service asks for. */
  every = 0;

  /**
   * @param {{ transport: import("./transport.js").Transport, outbox: import("./outbox.js").Outbox,
   *   lock: import("./lock.js").Lock, report: Report }} parts
   */
  constructor({ transport, outbox, lock, report }) {
    this.#transport = transport;
    this.#outbox = outbox;
    this.#lock = lock;
    this.#report = report;
    outbox.user = transport.user;
  }

  /**
   * Stores a save, then sends it as soon as possible.
   * @param {Save} save
   */
  save(save) {
    this.#outbox.put(save);
    void this.flush();
  }

  /**
   * Sends the outbox, unless a request or a delay is pending.
   * @returns {Promise<void>} resolves at the end of the attempt; it never rejects
   */
  flush() {
    if (this.#timer !== null || this.#isAway) return Promise.resolve();
    if (this.#running) this.#again = true;
    else
      this.#running = this.#run().finally(() => {
        this.#running = null;
        if (this.#again) void this.flush();
      });
    return /** @type {Promise<void>} */ (this.#running);
  }

  /** Tries at once, because the network is back. A `Retry-After` stays in force. */
  retry() {
    if (Date.now() < this.#blockedUntil) return;
    this.#cancelTimer();
    this.#failures = 0;
    void this.flush();
  }

  /**
   * Sends the saves of this page at once, because it may end now. It waits for no lock and no earlier request: the
   * service orders the saves by their age.
   */
  hurry() {
    const entries = this.#waiting(true);
    const isPossible = entries.length > 0 && this.#transport.user !== null && Date.now() >= this.#blockedUntil;
    if (isPossible) void this.#send(this.#fitting(entries), true);
  }

  /** The page is left, and may come back from the back/forward cache: it holds no lock there. */
  leave() {
    this.#isAway = true;
    this.#lock.release();
  }

  /** The page is back. */
  comeBack() {
    this.#isAway = false;
    void this.flush();
  }

  async #run() {
    this.#again = false;
    this.#outbox.user = await this.#transport.identify();
    if (this.#waiting().length === 0 || this.#isAway) return;
    if (!this.#outbox.user) return void this.#fail(null);
    const isMine = await this.#lock.run(async () => {
      for (let entries = this.#waiting(); entries.length > 0 && !this.#isAway; entries = this.#waiting())
        if (!(await this.#send(this.#fitting(entries)))) break;
    });
    if (!isMine) this.#wait(200 + 800 * Math.random());
  }

  /** @param {boolean} [own] */
  #waiting(own) {
    return this.#outbox.list(own).filter((entry) => !this.#inFlight.has(entry.text));
  }

  /**
   * @param {Entry[]} entries
   * @returns {Entry[]} the first of them that fit into one request
   */
  #fitting(entries) {
    let bytes = 0;
    return entries.slice(0, this.#batch).filter((entry, index) => {
      bytes += new TextEncoder().encode(JSON.stringify(this.#event(entry))).length + 1;
      return index === 0 || bytes < BATCH_BYTES;
    });
  }

  /** @param {Entry} entry */
  #event({ videoId, currentTime, duration, device, measured }) {
    return { userId: this.#transport.user, videoId, currentTime, duration, device, ageMs: elapsedSince(measured) };
  }

  /**
   * @param {Entry[]} entries
   * @param {boolean} [leaving]
   * @returns {Promise<boolean>} whether the next entries may follow
   */
  async #send(entries, leaving = false) {
    for (const { text } of entries) this.#inFlight.add(text);
    const [first] = entries;
    const isSingle = entries.length === 1 && first;
    const { path, body } = isSingle
      ? singleSave(first, this.#event(first))
      : { path: "/api/progress/batch", body: { events: entries.map((entry) => this.#event(entry)) } };
    const reply = await this.#transport.request("POST", path, { body, keepalive: true, now: leaving });
    for (const { text } of entries) this.#inFlight.delete(text);
    this.every = Math.min(Number(reply.header("Resume-Every")) || this.every, 60);
    return isSingle ? this.#settle(first, reply) || this.#fail(reply) : this.#settleBatch(entries, reply);
  }

  /**
   * @param {Entry[]} entries
   * @param {Reply} reply
   */
  #settleBatch(entries, reply) {
    const results = reply.body?.results;
    if (isDelivered(reply) && Array.isArray(results) && results.length === entries.length) {
      const replies = results.map((result) => this.#resultAsReply(result));
      const settled = entries.map((entry, index) => this.#settle(entry, /** @type {Reply} */ (replies[index])));
      return settled.every(Boolean) || this.#fail(replies[settled.indexOf(false)] ?? null);
    }
    if (isRetryable(reply) || isDelivered(reply)) return this.#fail(reply);
    // One entry, or the size of all, is the reason: smaller batches find it without losing the others.
    this.#batch = Math.max(1, entries.length >> 1);
    return true;
  }

  /**
   * @param {any} result
   * @returns {Reply}
   */
  #resultAsReply(result) {
    const status = Number(result?.status) || 0;
    return { status, body: result, header: (name) => (name === "Resume-Applied" ? String(result?.applied) : null) };
  }

  /**
   * @param {Entry} entry
   * @param {Reply} reply
   * @returns {boolean} false if the entry has to be sent again
   */
  #settle(entry, reply) {
    if (isRetryable(reply)) return false;
    this.#outbox.remove(entry);
    if (isDelivered(reply)) {
      this.#failures = 0;
      this.#isRefused = false;
      if (this.#outbox.list().length === 0) this.#batch = BATCH;
      this.#report(entry.videoId, "saved", { applied: reply.header("Resume-Applied") !== "false" });
    } else this.#refuse(entry.videoId, reply);
    return true;
  }

  /**
   * @param {string | null} videoId
   * @param {Reply} reply
   */
  #refuse(videoId, { status, body }) {
    this.#report(videoId, "refused", { status, error: String(body?.error ?? `Status ${status}`) });
  }

  /**
   * @param {Reply | null} reply
   * @returns {false}
   */
  #fail(reply) {
    const wait = retryAfter(reply?.header("Retry-After") ?? null);
    this.#failures += 1;
    const longest = Math.min(LONGEST_DELAY_MS, 1000 * 2 ** this.#failures);
    if (wait) this.#blockedUntil = Date.now() + wait;
    this.#wait(wait + 1000 + Math.random() * (longest - 1000));
    if (reply?.status === 401 && !this.#isRefused) {
      this.#isRefused = true;
      this.#refuse(null, reply);
    }
    this.#report(null, "queued", { count: this.#outbox.list().length });
    return false;
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    this.#again = false;
    this.#cancelTimer();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, milliseconds);
  }

  #cancelTimer() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
