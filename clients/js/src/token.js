/** The token of the user. The last one stays in memory, because nothing asynchronous finishes in `pagehide`. */

import { within } from "./elapsed.js";

/** @typedef {string | (() => string | null | undefined | Promise<string | null | undefined>)} TokenSource */
/** @typedef {{ sub?: string, role?: string, exp?: number, iat?: number }} Claims */
/** @typedef {ReturnType<typeof createToken>} Token */

const TIMEOUT_MS = 10_000;
/** A token is renewed this long before its end: longer than the longest time between two saves. */
const MARGIN_SECONDS = 90;

/**
 * @param {string | null | undefined} token
 * @returns {Claims} the claims of a JWT, without a check of its signature; `{}` if it is no JWT
 */
export function claimsOf(token) {
  try {
    const part = /** @type {string} */ (token?.split(".")[1]).replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0)))) ?? {};
  } catch {
    return {};
  }
}

/** @param {TokenSource} source */
export function createToken(source) {
  /** @type {string | null} */
  let last = typeof source === "string" ? source : null;
  /** @type {Promise<string | null | undefined> | undefined} */
  let request;

  const ask = async () => (last = (typeof source === "string" ? source : await source()) || null);

  /**
   * Requests a token. Requests at the same time share one call of the page's function.
   * @returns {Promise<string | null | undefined>} nothing if the function fails or hangs; it never rejects
   */
  function renew() {
    request ??= within(ask(), TIMEOUT_MS).finally(() => (request = undefined));
    return request;
  }

  return {
    renew,
    /** @returns {string | null} the last token, also if it seems to have expired: the clock here may be wrong */
    last: () => last,
    /** @returns {string | null} the last token if it is valid, at once; renews it near its end */
    current() {
      const { exp = Infinity, iat = 0 } = claimsOf(last);
      const left = exp - Date.now() / 1000;
      if (left < Math.min(MARGIN_SECONDS, (exp - iat) / 2)) renew();
      return left > 0 ? last : null;
    },
  };
}
