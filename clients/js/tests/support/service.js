/** A service for tests: it keeps the save with the latest measured-at time of each video. */

/** @typedef {{ method: string, path: string, body: any, token: string, at: number, keepalive: boolean }} Request */

export class Service {
  /** @type {Request[]} */
  requests = [];
  /** @type {Map<string, any>} */
  points = new Map();
  inFlight = 0;
  mostInFlight = 0;
  /** Replaces the normal answer; undefined: none. @type {(request: Request) => any} */
  answer = () => undefined;
  #clock;

  /** @param {import("./clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** @returns {Request[]} without the live stream */
  get saves() {
    return this.requests.filter(({ method }) => method === "POST");
  }

  /** @returns {Request[]} */
  get reads() {
    return this.requests.filter(({ method, path }) => method === "GET" && !path.endsWith("/events"));
  }

  /** The positions that arrived, in their order. */
  get positions() {
    return this.saves.flatMap(({ body }) => body.events ?? [body]).map(({ currentTime }) => currentTime);
  }

  /**
   * @param {string} videoId
   * @param {number} currentTime
   * @param {object} [more]
   */
  store(videoId, currentTime, more = {}) {
    this.points.set(videoId, { currentTime, duration: 3600, updatedAt: new Date(this.#clock.wall).toISOString(), ...more });
  }

  /** @type {import("../../src/transport.js").Fetch} */
  fetch = async (url, { method = "GET", body, headers, signal, keepalive = false }) => {
    const path = new URL(url).pathname;
    const token = new Headers(headers).get("Authorization")?.slice("Bearer ".length) ?? "";
    const request = { method, path, token, keepalive, at: this.#clock.wall, body: body ? JSON.parse(String(body)) : undefined };
    this.requests.push(request);
    this.mostInFlight = Math.max(this.mostInFlight, path.endsWith("/events") ? 0 : ++this.inFlight);
    try {
      const aborted = new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
      aborted.catch(() => {});
      return (await Promise.race([aborted, this.answer(request)])) ?? this.#respond(request);
    } finally {
      if (!path.endsWith("/events")) this.inFlight -= 1;
    }
  };

  /** @param {Request} request */
  #respond({ method, path, body }) {
    // A slow request arrives late.
    const at = this.#clock.wall;
    if (path.endsWith("/events")) return json(503, { error: "No streams here" });
    if (path.endsWith("/batch")) return json(200, { results: body.events.map((/** @type {any} */ event) => ({ status: 204, applied: this.#save(event, at) })) });
    const playback = /playback\/\w+\/(.+)$/.exec(path);
    if (playback) this.#save({ videoId: playback[1], currentTime: body.position_seconds }, at);
    else if (method === "POST") return new Response(null, { status: 204, headers: { "Resume-Applied": String(this.#save(body, at)) } });
    if (playback) return json(200, {});
    const point = this.points.get(decodeURIComponent(path.split("/")[4] ?? ""));
    return point ? json(200, point) : json(404, { error: "Progress not found" });
  }

  /**
   * @param {any} event
   * @param {number} at when it arrived
   */
  #save({ videoId, ageMs = 0, ...save }, at) {
    const updatedAt = new Date(at - ageMs).toISOString();
    if (this.points.get(videoId)?.updatedAt > updatedAt) return false;
    this.points.set(videoId, { ...save, updatedAt });
    return true;
  }
}

/**
 * @param {number} status
 * @param {any} body
 * @param {Record<string, string>} [headers]
 */
export const json = (status, body, headers = {}) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });

export const offline = () => Promise.reject(new TypeError("Failed to fetch"));
export const hang = () => new Promise(() => {});
