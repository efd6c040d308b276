/** What the answers of the service mean for a save. */

/** The answer to one save. @typedef {{ status: number, applied?: boolean, error?: string }} Result */

const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** @param {{ status: number }} reply */
export const isDelivered = ({ status }) => status >= 200 && status < 300;

/**
 * Statuses that say that this save will never be accepted. It may be after: no token, timeout, too early, too many
 * requests.
 * @param {{ status: number }} reply
 */
export const isFinal = ({ status }) => status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);

/**
 * @param {any} header `Retry-After`: seconds or an HTTP date
 * @returns {number} milliseconds from now; 0 if the header is missing or invalid
 */
export function retryAfter(header) {
  const wait = header * 1000 || Date.parse(header) - Date.now();
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER_MS) : 0;
}

/**
 * @param {import("./transport.js").Reply} reply
 * @param {number} index of the save in a batch; -1: it was sent alone
 * @returns {Result} with status 0 if the answer to the batch does not have it
 */
export const resultOf = (reply, index) =>
  reply.body?.results?.[index] || {
    status: index >= 0 && isDelivered(reply) ? 0 : reply.status,
    error: reply.body?.error,
    applied: reply.headers.get("Resume-Applied") !== "false",
  };
