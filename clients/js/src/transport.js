/** Sends requests with the token, and gives up in time. It never throws: a failed request has status 0. */

import { within } from "./elapsed.js";
import { claimsOf } from "./token.js";

/** @typedef {import("./token.js").Token} Token */
/** @typedef {{ status: number, header: (name: string) => string | null, body: any }} Reply */
/** @typedef {(url: string, init: RequestInit) => Promise<Response>} Fetch */
/**
 * `timeout`: milliseconds. `now`: send at once, with the last token, as nothing asynchronous finishes in `pagehide`.
 * @typedef {{ body?: object, timeout?: number, keepalive?: boolean, now?: boolean }} RequestOptions
 */

/** @type {Reply} */
const NO_REPLY = { status: 0, header: () => null, body: undefined };

export class Transport {
  #url;
  #token;
  #fetch;
  /** @type {string | null} the user of all requests: one instance never sends for two users */
  user;

  /**
   * @param {{ url: string, token: Token, userId?: string, fetch?: Fetch }} options
   */
  constructor({ url, token, userId, fetch }) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = fetch ?? /** @type {Fetch} */ ((...request) => globalThis.fetch(...request));
    this.user = userId ?? claimsOf(token.last).sub ?? null;
  }

  /**
   * @returns {Promise<string | null>} the user id, which may need a token; null if there is none yet
   */
  async identify() {
    if (this.user === null) {
      const token = await within(this.#token.renew(), 10_000, null).catch(() => null);
      this.user ??= claimsOf(token).sub ?? null;
    }
    return this.user;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {RequestOptions} [options]
   * @returns {Promise<Reply>}
   */
  async request(method, path, { timeout = 10_000, ...options } = {}) {
    const abort = new AbortController();
    const reply = this.#attempt(method, path, options, abort.signal).catch(() => NO_REPLY);
    return within(reply, timeout, NO_REPLY).finally(() => abort.abort());
  }

  /**
   * Opens a response whose body the caller reads, without a time limit. It rejects if there is none.
   * @param {string} path
   * @param {AbortSignal} signal
   */
  open(path, signal) {
    return this.#authorized((token) => this.#send("GET", path, {}, token, signal));
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {RequestOptions} options
   * @param {AbortSignal} signal
   * @returns {Promise<Reply>}
   */
  async #attempt(method, path, options, signal) {
    const response = await this.#authorized((token) => this.#send(method, path, options, token, signal), options.now);
    const text = await response.text();
    let body;
    try {
      body = JSON.parse(text);
    } catch {
      // A proxy may answer with HTML: the status says enough.
    }
    return { status: response.status, header: (name) => response.headers.get(name), body };
  }

  /**
   * @param {(token: string) => Promise<Response>} send
   * @param {boolean} [immediately] use the last token without waiting
   */
  async #authorized(send, immediately = false) {
    const token = immediately ? this.#token.last : (this.#token.current ?? (await this.#token.renew()));
    const response = await send(this.#checked(token));
    if (response.status !== 401) return response;
    const renewed = await this.#token.renew();
    return renewed === token ? response : send(this.#checked(renewed));
  }

  /**
   * @param {string | null} token
   * @returns {string}
   */
  #checked(token) {
    const { sub, role } = claimsOf(token);
    if (!token) throw new Error("There is no token.");
    if (sub !== undefined && this.user !== null && sub !== this.user && role !== "service")
      throw new Error("The token is for another user.");
    return token;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {RequestOptions} options
   * @param {string} token
   * @param {AbortSignal} signal
   */
  #send(method, path, { body, keepalive }, token, signal) {
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${token}` };
    if (body) headers["Content-Type"] = "application/json";
    return this.#fetch(this.#url + path, {
      method,
      headers,
      signal,
      keepalive,
      body: body && JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
  }
}
