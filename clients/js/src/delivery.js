/** Delivers the saves of the outbox: one request at a time, and a growing delay while the service fails. */

import { isDelivered, isFinal, resultOf, retryAfter } from "./answers.js";
import { elapsedSince } from "./elapsed.js";
import { postpone, UNDATED } from "./in-flight.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {import("./transport.js").Reply} Reply */
/** @typedef {import("./answers.js").Result} Result */
/** @typedef {{ path: string, body: object }} SaveRequest */
/** @typedef {import("./in-flight.js").Event} Event */
/** `videoId`: null for all videos. @typedef {(videoId: string | null, type: "saved" | "queued" | "refused", detail: any) => void} Report */
/** @typedef {ReturnType<typeof createDelivery>} Delivery */

/**
 * The service accepts 100 saves in a batch. But all `keepalive` requests in flight share 64 KiB, and a save with the
 * longest allowed names has almost 1 KiB.
 */
const LARGEST_BATCH = 48;
const LONGEST_DELAY_MS = 60_000;
/** The most that `Resume-Every` can ask for. */
const LONGEST_EVERY = 60;

/**
 * @param {import("./transport.js").Transport} transport
 * @param {import("./outbox.js").Outbox} outbox
 * @param {import("./lock.js").Lock} lock
 * @param {(entry: Entry, event: Event) => SaveRequest} singleSave
 * @param {Report} report
 */
export function createDelivery(transport, outbox, lock, singleSave, report) {
  /** @type {Promise<void> | null} */
  let running = null;
  /** What is in flight, by the text of the entry. @type {Map<string, Event>} */
  const inFlight = new Map();
  /** Resolves when all responses until now are processed. @type {Promise<any>} */
  let received = Promise.resolve();
  let failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let blockedUntil = 0;
  let batch = LARGEST_BATCH;
  let isAway = false;
  let every = 0;

  /** @param {boolean} [own] */
  const waiting = (own) => outbox.list(own).filter(({ text }) => !inFlight.has(text));

  /** @param {Entry} entry it is in flight from now on */
  function eventOf({ text, videoId, currentTime, duration, device, measured }) {
    const event = { userId: transport.user(), videoId, currentTime, duration, device, ageMs: elapsedSince(measured) };
    inFlight.set(text, isAway ? UNDATED : event);
    return event;
  }

  /** Ends the delay. */
  function resume() {
    clearTimeout(timer);
    timer = undefined;
    flush();
  }

  /** @param {number} milliseconds */
  function wait(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(resume, milliseconds);
  }

  /**
   * @param {string | null} videoId
   * @param {Result} result
   */
  const refuse = (videoId, { status, error = `Status ${status}` }) => report(videoId, "refused", { status, error });

  /**
   * @param {Result} result
   * @param {number} [delay] milliseconds that the service asks for
   */
  function fail(result, delay = 0) {
    const spread = Math.min(LONGEST_DELAY_MS, 1000 * 2 ** ++failures) - 1000;
    blockedUntil = performance.now() + delay;
    wait(delay + 1000 + Math.random() * spread);
    if (result.status === 401) refuse(null, result);
    report(null, "queued", { count: outbox.list().length });
  }

  /**
   * @param {Entry} entry
   * @param {Result} result
   */
  function settle(entry, result) {
    outbox.remove(entry);
    if (isFinal(result)) return refuse(entry.videoId, result);
    failures = 0;
    report(entry.videoId, "saved", { applied: result.applied !== false });
  }

  /**
   * @param {Entry[]} entries
   * @param {boolean} [isNow] without waiting for a token
   * @returns {Promise<boolean>} whether the next entries may follow
   */
  function send(entries, isNow) {
    const sent = entries.slice(0, batch);
    const events = sent.map(eventOf);
    const { path, body } = sent[1]
      ? { path: "/api/progress/batch", body: { events } }
      : singleSave(/** @type {Entry} */ (sent[0]), /** @type {Event} */ (events[0]));
    const request = transport.request("POST", path, body, isNow);
    // In the order of sending: an earlier save may arrive later, and this one is then sent once more.
    return (received = received.then(async () => {
      const reply = await request;
      postpone(outbox.list(), inFlight, outbox);
      for (const { text } of sent) inFlight.delete(text);
      const asked = /** @type {any} */ (reply.headers.get("Resume-Every"));
      if (isDelivered(reply)) every = Math.min(asked, LONGEST_EVERY) || 0;
      return receive(sent, reply);
    }));
  }

  /**
   * @param {Entry[]} sent
   * @param {Reply} reply
   * @returns {boolean} whether the next entries may follow
   */
  function receive(sent, reply) {
    // One save, or the size of all, is the reason. Smaller batches find it and lose no other save.
    if (sent[1] && isFinal(reply)) {
      batch = sent.length >> 1;
      return true;
    }
    /** @type {Result | undefined} */
    let failure;
    sent.forEach((entry, index) => {
      const result = resultOf(reply, sent[1] ? index : -1);
      if (isDelivered(result) || isFinal(result)) settle(entry, result);
      else failure = result;
    });
    if (failure) fail(failure, retryAfter(reply.headers.get("Retry-After")));
    return !failure;
  }

  async function run() {
    await transport.identify();
    if (!waiting()[0] || isAway) return;
    if (!transport.user()) return fail({ status: 0 });
    const isMine = await lock.run(async () => {
      while (waiting()[0] && !isAway) if (!(await send(waiting()))) break;
    });
    if (!isMine) wait(200 + Math.random() * 800);
  }

  /**
   * Sends the outbox, unless a request or a delay is pending.
   * @returns {Promise<void>} resolves at the end of the attempt; it never rejects
   */
  async function flush() {
    if (timer || isAway) return;
    running ??= run().finally(() => {
      running = null;
      if (waiting()[0]) flush(); // stored while the lock was given back
    });
    return running;
  }

  return {
    flush,

    /** @param {import("./outbox.js").Save} save */
    save(save) {
      // Media may report `pause` before its page is back. But another device may have gone on.
      if (!isAway) outbox.put(save);
      flush();
    },

    /** @returns {number} the seconds between saves that the service asks for, or 0 */
    every: () => every,

    /** Tries at once, because the network is back. A `Retry-After` stays in force. */
    retry() {
      if (performance.now() >= blockedUntil) {
        failures = 0;
        resume();
      }
    },

    /**
     * Sends the saves of this page at once, because it may end now. It waits for no lock and no earlier request: the
     * service orders the saves by their age.
     */
    hurry() {
      const entries = postpone(waiting(true), inFlight, outbox);
      if (entries[0] && transport.user() && performance.now() >= blockedUntil) send(entries, true).then(flush);
    },

    /** The page is left, and may come back from the back/forward cache: it holds no lock there. */
    leave() {
      isAway = true;
      inFlight.forEach((_, text) => inFlight.set(text, UNDATED));
      lock.release();
    },

    /** The page is back. */
    comeBack() {
      isAway = false;
      flush();
    },
  };
}
