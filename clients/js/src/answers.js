/** What the answers of the service mean for a save. */

const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** No token, timeout, too early, too many requests: the same save may be accepted later. */
const TEMPORARY = [401, 408, 425, 429];

/** @param {{ status: number }} reply */
export const isDelivered = ({ status }) => status >= 200 && status < 300;

/** Statuses that say that this save will never be accepted. @param {{ status: number }} reply */
export const isFinal = ({ status }) => status >= 400 && status < 500 && !TEMPORARY.includes(status);

/**
 * @param {string | null} text seconds or an HTTP date
 * @returns {number} milliseconds from now; 0 if the header is missing or invalid
 */
export function retryAfter(text) {
  const wait = Number(text) * 1000 || Date.parse(String(text)) - Date.now();
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER_MS) : 0;
}
