/** Keeps the order of saves that are under way. */

import { elapsedSince, now } from "./elapsed.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** A save as it is sent. @typedef {{ videoId: string, currentTime: number, ageMs: number }} Event */

/** A request ends after 10 s. One under way for longer has slept. */
const LONGEST_FLIGHT_MS = 11_000;

/** A page in the back/forward cache gets responses long after the arrival. @type {any} */
export const UNDATED = {};

/**
 * Dates the entries after the saves of their videos in flight. The service dates a save by its arrival, so a slow
 * request would make its save later than one that was measured in the meantime. After a sleep, the time stays: such
 * a save wins over no other device.
 * @param {Entry[]} entries
 * @param {Map<string, Event>} inFlight
 * @param {import("./outbox.js").Outbox} outbox
 * @returns {Entry[]} the entries
 */
export function postpone(entries, inFlight, outbox) {
  for (const entry of entries)
    for (const { videoId, currentTime, ageMs } of inFlight.values()) {
      const age = elapsedSince(entry.measured);
      if (videoId !== entry.videoId || currentTime === entry.currentTime || age < ageMs || age > LONGEST_FLIGHT_MS) continue;
      entry.measured = now(1);
      entry.text = outbox.put(entry);
    }
  return entries;
}
