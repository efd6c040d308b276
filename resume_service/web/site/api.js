// Requests with the token of the signed-in user.

import { ApiError, send } from "./request.js"
import { session } from "./session.js"

/**
 * Send JSON as the signed-in user. A refused token is renewed once. If that fails, the sign-in ends.
 * @param {string} path
 * @param {{method?: string, body?: unknown, signal?: AbortSignal}} [options]
 * @returns {Promise<any>} the JSON of the response, or null if it has no body
 * @throws {ApiError}
 */
export async function api(path, options = {}) {
  const token = await session.token()
  try {
    return await send(path, { ...options, token })
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
    // Another request may have renewed the token already.
    if ((await session.token()) === token) await session.renew()
    const renewed = await session.token()
    if (!renewed) throw error
    return send(path, { ...options, token: renewed })
  }
}
