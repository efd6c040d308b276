/** The live stream of the service: server-sent events, read with `fetch`, because a URL never holds a token. */

import { retryAfter } from "./answers.js";

/** @typedef {(type: string, data: any) => void} OnEvent */

/** After a cut, all clients of the service come back at different times. */
const SHORTEST_PAUSE_MS = 1000;
const PAUSE_SPREAD_MS = 4000;
const LONGEST_PAUSE_MS = 60_000;
/** The service sends a comment every 15 s. A connection that is silent for longer is dead, for example after sleep. */
const SILENCE_MS = 40_000;

/**
 * @param {OnEvent} on `data` is parsed JSON; other data is left out
 * @returns {(text: string) => void} takes the next part of the stream
 */
export function createParser(on) {
  let rest = "";
  let type = "";
  let data = "";
  /** @param {string} line */
  const read = (line) => {
    if (line.startsWith("event:")) type = line.slice(6).trim();
    else if (line.startsWith("data:")) data += line.slice(5);
    else if (line === "") {
      try {
        if (type && data) on(type, JSON.parse(data));
      } catch {
        // Not from this service.
      }
      type = data = "";
    }
  };
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    lines.forEach(read);
  };
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>} resolves after that time, or at once when the signal aborts
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

/**
 * Reads one connection to its end.
 * @param {import("./transport.js").Transport} transport
 * @param {OnEvent} on
 * @param {AbortSignal} signal
 * @returns {Promise<number>} the pause in milliseconds that the service asks for, or -1 after a connection that worked
 */
async function readOnce(transport, on, signal) {
  const connection = new AbortController();
  const cut = () => connection.abort();
  let watchdog = setTimeout(cut, SILENCE_MS);
  signal.addEventListener("abort", cut);
  try {
    const response = await transport.open("GET", "/api/progress/events", undefined, connection.signal);
    const isStream = response.ok && response.headers.get("Content-Type")?.startsWith("text/event-stream");
    if (!isStream || !response.body) return retryAfter(response.headers.get("Retry-After"));
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parse = createParser(on);
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(watchdog);
      watchdog = setTimeout(cut, SILENCE_MS);
      parse(decoder.decode(part.value, { stream: true }));
    }
    return -1;
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener("abort", cut);
    cut();
  }
}

/**
 * Reads the stream, and connects again after each end, until the signal aborts.
 * @param {import("./transport.js").Transport} transport
 * @param {OnEvent} on
 * @param {AbortSignal} signal
 * @returns {Promise<void>} it never rejects
 */
export async function readStream(transport, on, signal) {
  let failures = 0;
  while (!signal.aborted) {
    let hasWorked = false;
    const asked = await readOnce(transport, (...event) => {
      hasWorked = true;
      on(...event);
    }, signal).catch(() => 0);
    failures = hasWorked || asked < 0 ? 0 : failures + 1;
    const spread = (SHORTEST_PAUSE_MS + PAUSE_SPREAD_MS * Math.random()) * 2 ** Math.max(0, failures - 1);
    await pause(Math.max(asked, 0) + Math.min(spread, LONGEST_PAUSE_MS), signal);
  }
}
