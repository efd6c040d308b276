/** The token of the user: the last one stays in memory, because nothing asynchronous finishes in `pagehide`. */

/** @typedef {string | (() => string | null | undefined | Promise<string | null | undefined>)} TokenSource */
/** @typedef {{ sub?: string, role?: string, exp?: number, iat?: number }} Claims */

/** A token is renewed this long before its end: longer than the longest time between two saves. */
const MARGIN_SECONDS = 90;

/**
 * @param {string | null} token
 * @returns {Claims} the claims of a JWT, without a check of its signature; `{}` if it is no JWT
 */
export function claimsOf(token) {
  try {
    const part = /** @type {string} */ (token?.split(".")[1]).replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

export class Token {
  #source;
  /** @type {Promise<string | null> | null} */
  #request = null;
  /** @type {string | null} the last token, also if it has expired: the clock of this device may be wrong */
  last = null;

  /** @param {TokenSource} source */
  constructor(source) {
    this.#source = source;
    if (typeof source === "string") this.last = source;
  }

  /**
   * @returns {string | null} the last token if it is valid now, at once; renews it near its end
   */
  get current() {
    const { exp, iat = 0 } = claimsOf(this.last);
    if (!this.last || !exp || typeof this.#source === "string") return this.last;
    const left = exp - Date.now() / 1000;
    if (left < Math.min(MARGIN_SECONDS, (exp - iat) / 2)) this.renew().catch(() => {});
    return left > 0 ? this.last : null;
  }

  /**
   * Requests a token. Requests at the same time share one call of the page's function.
   * @returns {Promise<string | null>}
   */
  renew() {
    const source = this.#source;
    this.#request ??= (async () => (typeof source === "string" ? source : source()))()
      .then((token) => (this.last = token || null))
      .finally(() => (this.#request = null));
    return this.#request;
  }
}
