/** Sends requests with the token, and gives up in time. */

import { within } from "./elapsed.js";
import { claimsOf, createToken } from "./token.js";

/** `status`: 0 without a response of the service. @typedef {{ status: number, headers: Headers, body: any }} Reply */
/** @typedef {(url: string, init: RequestInit) => Promise<Response>} Fetch */
/** @typedef {ReturnType<typeof createTransport>} Transport */

const TIMEOUT_MS = 10_000;

/**
 * @param {{ url: string, token: import("./token.js").TokenSource, userId?: string, fetch?: Fetch }} options
 */
export function createTransport({ url, token: source, userId, fetch = (...request) => globalThis.fetch(...request) }) {
  const token = createToken(source);
  const base = url.replace(/\/+$/, "");
  /** The user of all requests: one instance never sends for two users. @type {string | null} */
  let user = userId ?? claimsOf(token.last()).sub ?? null;

  /**
   * Opens a response. The caller reads its body, without a time limit. It rejects if there is no response.
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   * @param {AbortSignal} signal
   * @param {boolean} [isNow] send at once with the last token, because the page may end
   */
  async function open(method, path, body, signal, isNow) {
    /** @param {string | null | undefined} current */
    const send = (current) => {
      const { sub, role } = claimsOf(current);
      // One instance never sends for two users, for example after another sign-in.
      if (!current || (sub && user && sub !== user && role !== "service")) return Response.error();
      return fetch(base + path, {
        method,
        signal,
        // A page may end at any time. Its last requests go on, if their bodies are small.
        keepalive: method === "POST",
        headers: { Authorization: `Bearer ${current}`, ...(body && { "Content-Type": "application/json" }) },
        body: JSON.stringify(body),
      });
    };
    const current = isNow ? token.last() : (token.current() ?? (await token.renew()));
    const response = await send(current);
    if (response.status !== 401) return response;
    const renewed = await token.renew();
    return renewed && renewed !== current ? send(renewed) : response;
  }

  /** @returns {Promise<string | null>} the user id, for which a token may be requested; null if there is none */
  const identify = async () => (user ||= claimsOf(await token.renew()).sub ?? null);

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {boolean} [isNow] send at once with the last token, because the page may end
   * @returns {Promise<Reply>} it never rejects
   */
  async function request(method, path, body, isNow) {
    const abort = new AbortController();
    const attempt = async () => {
      const response = await open(method, path, body, abort.signal, isNow);
      const { status, headers } = response;
      // A proxy may answer with HTML. Its status says enough, but a 200 is of a network's sign-in page: nothing arrived.
      return { status, headers, body: await response.json().catch(() => status === 200 && Promise.reject()) };
    };
    const reply = await within(attempt(), TIMEOUT_MS);
    abort.abort();
    return reply ?? Response.error(); // its status is 0
  }

  return {
    open,
    request,
    identify,

    /** @returns {string | null} the user id; null before the first token */
    user: () => user,

    /** @returns {string | null} a name for what belongs to this user of this service */
    owner: () => user && encodeURIComponent(`${url} ${user}`),

    /** @type {import("./routes.js").Call} */
    call: async (method, path, body) => request(method, `/api/progress/${encodeURIComponent(`${await identify()}`)}${path}`, body),
  };
}
