/** The routes of `/api/progress` that a page calls itself. They are loaded at the first call. */

import { isDelivered } from "./answers.js";

/** @typedef {import("./types.js").Point} Point */
/** `cursor`: the `next` of the page before. @typedef {{ status?: "in-progress" | "watched", limit?: number, cursor?: string }} ListOptions */
/** Calls a route of the user. @typedef {(method: string, path: string, body?: object) => Promise<import("./transport.js").Reply>} Call */

/** Why a call failed. `status` is 0 if there was no usable response. */
export class ResumeError extends Error {
  /** @param {{ status: number, body: any }} reply */
  constructor({ status, body }) {
    super(String(body?.error ?? (status ? `The service answered ${status}.` : "The service did not answer.")));
    this.name = "ResumeError";
    this.status = status;
    /** For each invalid field, why. @type {Record<string, string[]> | undefined} */
    this.details = body?.details;
  }
}

/**
 * Whether the service has no such point. A proxy without a backend answers 404, too, but without an error message.
 * @param {import("./transport.js").Reply} reply
 */
const isMissing = ({ status, body }) => status === 404 && !!body?.error;

/**
 * @param {any} point
 * @param {string} [videoId]
 * @returns {Point}
 */
export const pointOf = ({ tmdbId, ...point }, videoId = tmdbId) => ({ videoId, ...point });

/**
 * @param {Call} call
 * @param {string} videoId
 * @returns {Promise<Point | null>}
 */
export async function get(call, videoId) {
  const reply = await call("GET", `/${encodeURIComponent(videoId)}`);
  if (isMissing(reply)) return null;
  if (!isDelivered(reply) || !reply.body) throw new ResumeError(reply);
  return pointOf(reply.body, videoId);
}

/**
 * @param {Call} call
 * @param {ListOptions} [options]
 * @returns {Promise<Point[] & { next?: string }>}
 */
export async function list(call, options = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, String(value));
  const reply = await call("GET", `?${query}`);
  if (!isDelivered(reply) || !Array.isArray(reply.body)) throw new ResumeError(reply);
  const next = /[?&]cursor=([^&>]+)[^>]*>;\s*rel="?next/.exec(reply.headers.get("Link") ?? "")?.[1];
  return Object.assign(reply.body.map((point) => pointOf(point)), next && { next: decodeURIComponent(next) });
}

/**
 * Sets a mark, takes it back, or deletes a point. It is no error if there is nothing to take back.
 * @param {Call} call
 * @param {string} videoId
 * @param {boolean} isSet
 * @param {string} [mark] without it, the point
 */
async function change(call, videoId, isSet, mark = "") {
  const reply = await call(isSet ? "PUT" : "DELETE", `/${encodeURIComponent(videoId)}${mark}`, isSet ? {} : undefined);
  const isGone = !isSet && isMissing(reply);
  if (!isDelivered(reply) && !isGone) throw new ResumeError(reply);
}

/**
 * @param {Call} call
 * @param {string} videoId
 */
export const remove = (call, videoId) => change(call, videoId, false);

/**
 * @param {Call} call
 * @param {string} videoId
 * @param {boolean} [watched]
 */
export const markWatched = (call, videoId, watched = true) => change(call, videoId, watched, "/watched");

/**
 * @param {Call} call
 * @param {string} videoId
 * @param {boolean} [dismissed]
 */
export const dismiss = (call, videoId, dismissed = true) => change(call, videoId, dismissed, "/dismissed");
